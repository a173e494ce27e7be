"""Rows of a study beside each other: figures, differences, and what they are worth (V2, V3, V5)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from research.measures.deflated import DeflatedSharpe
from research.measures.overfitting import Overfitting, backtest_overfitting
from research.measures.paired import Books, Estimate, align, by_decade, compare, in_crises
from research.measures.performance import annual_return, annual_vol
from research.measures.superior import SuperiorAbility, superior_ability
from research.studies.study_row import StudyRow
from research.studies.trials import TrialRegister
from universe.arrays import from_epoch_day

SAMPLES, SEED = 1000, 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """A study's result.

    Attributes
    ----------
    command, base : str
    data_name, data : str
        Name and hash of the market data.
    synthetic : bool
    books : Books
    estimates : list of Estimate
        One per book, in their order.
    deflated : list of DeflatedSharpe
        Of every book, by all trials ever run on the data.
    decades : dict of str to list of Estimate
    crises : dict of str to dict of str to float
        Compound net return by crisis and book.
    overfitting : Overfitting
        Of the choice of the best among the books.
    superior : SuperiorAbility, optional
        Of the other books over ``base``; None where none differs from it.
    notes : tuple of str
        What a reader must know.
    """

    command: str
    base: str
    data_name: str
    data: str
    synthetic: bool
    books: Books
    estimates: list[Estimate]
    deflated: list[DeflatedSharpe]
    decades: dict[str, list[Estimate]]
    crises: dict[str, dict[str, float]]
    overfitting: Overfitting
    superior: SuperiorAbility | None
    notes: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """One object per book, as ``result.json`` has them."""
        out = []
        books = self.books
        years = len(books.day) / books.year
        for estimate, deflated, returns in zip(
            self.estimates, self.deflated, books.returns.T, strict=True
        ):
            value, delta, low, high = estimate.value, estimate.delta, estimate.low, estimate.high
            row: dict[str, Any] = {
                "name": estimate.name,
                "net_sharpe": value["sharpe"],
                "delta": delta["sharpe"],
                "low": low["sharpe"],
                "high": high["sharpe"],
                "max_drawdown": value["drawdown"],
                "cost": value["cost"],
                "net_sharpe_low": estimate.sharpe_low,
                "net_sharpe_high": estimate.sharpe_high,
                "tail": value["tail"],
                "annual_return": annual_return(returns, years),
                "annual_vol": annual_vol(returns, books.year),
            }
            for name in ("drawdown", "tail", "cost"):
                row |= {
                    f"{name}_delta": delta[name],
                    f"{name}_low": low[name],
                    f"{name}_high": high[name],
                }
            row |= {
                "deflated_probability": deflated.probability,
                "deflated_benchmark": deflated.benchmark,
                "trials": deflated.trials,
            }
            out.append(row)
        return out

    def document(self) -> dict[str, Any]:
        """All of the result as JSON has it; what is not known is null."""
        of = self.overfitting
        document: dict[str, Any] = _plain(
            {
                "command": self.command,
                "base": self.base,
                "data": {"name": self.data_name, "hash": self.data, "synthetic": self.synthetic},
                "first": from_epoch_day(int(self.books.day[0])).isoformat(),
                "last": from_epoch_day(int(self.books.day[-1])).isoformat(),
                "sessions": len(self.books.day),
                "bootstrap": {"samples": SAMPLES, "seed": SEED},
                "rows": self.rows(),
                "decades": {
                    label: [
                        {
                            "name": one.name,
                            "net_sharpe": one.value["sharpe"],
                            "delta": one.delta["sharpe"],
                            "low": one.low["sharpe"],
                            "high": one.high["sharpe"],
                        }
                        for one in estimates
                    ]
                    for label, estimates in self.decades.items()
                },
                "crises": self.crises,
                "overfitting": {
                    "probability": of.probability,
                    "loss": of.loss,
                    "blocks": of.blocks,
                    "sessions_a_block": of.sessions,
                },
                "superior": None
                if self.superior is None
                else {
                    "consistent": self.superior.consistent,
                    "lower": self.superior.lower,
                    "upper": self.superior.upper,
                    "best": self._others()[self.superior.best],
                },
                "notes": list(self.notes),
            }
        )
        return document

    def _others(self) -> list[str]:
        return [name for name in self.books.names if name != self.base]


def compare_rows(
    command: str,
    rows: Sequence[StudyRow],
    base: str,
    *,
    data_name: str,
    synthetic: bool,
    register: TrialRegister,
    notes: Sequence[str] = (),
) -> Comparison:
    """Compare the rows of a study on the sessions that all of them have.

    Raises
    ------
    ValueError
        If there are fewer than two rows, none is called ``base``, or too few common sessions.
    """
    days = [row.day for row in rows]
    day, returns = align(days, [row.returns for row in rows])
    _, cost = align(days, [row.cost for row in rows])
    books = Books(tuple(row.name for row in rows), day, returns, cost)
    data = next(row.data for row in rows if row.name == base)
    return Comparison(
        command,
        base,
        data_name,
        data,
        synthetic,
        books,
        compare(books, base, samples=SAMPLES, seed=SEED),
        [register.deflate(returns[:, k], data) for k in range(len(rows))],
        by_decade(books, base, samples=SAMPLES, seed=SEED),
        in_crises(books),
        backtest_overfitting(returns),
        _superior(books, base),
        tuple(notes),
    )


def _superior(books: Books, base: str) -> SuperiorAbility | None:
    """Hansen's test at the base's volatility: leverage alone is no ability."""
    column = books.names.index(base)
    deviation = books.returns.std(axis=0)
    moves = deviation > 1e-12
    scale = np.where(moves, deviation[column] / np.where(moves, deviation, 1.0), 1.0)
    scaled = books.returns * scale
    others = np.delete(scaled, column, axis=1)
    if np.allclose(others, scaled[:, [column]], rtol=0, atol=1e-14):
        return None
    return superior_ability(scaled[:, column], others)


def _plain(value: Any) -> Any:
    """The value with null for what is not finite, and without numpy's types."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def as_json(document: dict[str, Any]) -> str:
    """The text of ``result.json``: numbers to the last digit, null for what is not finite."""
    return json.dumps(_plain(document), indent=1, allow_nan=False) + "\n"
