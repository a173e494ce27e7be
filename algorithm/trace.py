"""Day-by-day record of a run inside LEAN, for the parity comparison and the report."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from execution.orders import ContractKey

TRACE_KEY = "trend-carry/trace.json"
"""In the ObjectStore."""


@dataclass
class Trace:
    """Lists of plain values, one entry per decision, fill or note.

    Attributes
    ----------
    codes : list of str
        Markets in the order of the arrays.
    days : list of dict
        Per decision: day (epoch day), nav, governor and gate scale, targets [[code, month, n]].
    orders : list of list
        [day, code, month, quantity].
    fills : list of list
        [day, code, month, quantity, price, fee in its currency, tag].
    notes : list of list
        [day, sentence].
    """

    codes: list[str]
    days: list[dict[str, Any]] = field(default_factory=list)
    orders: list[list[Any]] = field(default_factory=list)
    fills: list[list[Any]] = field(default_factory=list)
    notes: list[list[Any]] = field(default_factory=list)

    def decided(
        self,
        day: int,
        nav: float,
        targets: dict[int, dict[int, int]],
        holdings: dict[ContractKey, int],
        **values: float,
    ) -> None:
        """Record a decision; markets without a contract are left out."""
        self.days.append(
            {
                "day": day,
                "nav": nav,
                "targets": [
                    [self.codes[m], month, n]
                    for m, contracts in targets.items()
                    for month, n in contracts.items()
                    if n
                ],
                "held": [[self.codes[m], month, n] for (m, month), n in holdings.items()],
                **values,
            }
        )

    def ordered(self, day: int, key: ContractKey, quantity: int) -> None:
        """Record an order."""
        self.orders.append([day, self.codes[key[0]], key[1], quantity])

    def filled(
        self, day: int, key: ContractKey, quantity: int, price: float, fee: float, tag: str
    ) -> None:
        """Record a fill."""
        self.fills.append([day, self.codes[key[0]], key[1], quantity, price, fee, tag])

    def note(self, day: int, sentence: str) -> None:
        """Record something a person may want to read."""
        self.notes.append([day, sentence])

    def dumps(self) -> str:
        """The record as JSON."""
        return json.dumps(
            {
                "codes": self.codes,
                "days": self.days,
                "orders": self.orders,
                "fills": self.fills,
                "notes": self.notes,
            }
        )
