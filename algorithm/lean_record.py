"""The record of a run in LEAN's ObjectStore: a compressed part a year, live one a month."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np

from algorithm.clock import session_day
from algorithm.decision import Decision
from algorithm.decision_line import Header, header_of, line_of, session_of
from algorithm.decision_text import decision_text, end_text, header_text, session_text
from alpha.snapshot import Snapshot
from execution.costs import CostModel
from execution.fills import EXPIRY, OTHER, SPREAD, Fill
from execution.lean_minutes import child_of
from universe.arrays import from_epoch_day, to_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import OrderEvent, QCAlgorithm

    from algorithm.context import TradingContext

RECORD_KEY = "trend-carry/decisions"
LIVE_RECORD_KEY = "trend-carry/decisions-live"
"""Folders in the ObjectStore; a part is called after its year or month."""

_LEVEL = 4
"""Of compression: half of the size of 1, a third of the time of 9."""


class RunRecord:
    """Writes the lines of a run; what goes wrong with the store is said and stops nothing.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self._live = bool(algorithm.live_mode)
        self.header: Header = header_of(context.strategy, "LEAN", data_name="LEAN")
        self._folder = LIVE_RECORD_KEY if self._live else RECORD_KEY
        settings = context.strategy.settings
        self._costs = CostModel(settings.impact, settings.cost_stress, settings.spread_width)
        self._fills: list[tuple[Fill, str]] = []  # with the currency of the fee
        self._part = ""
        self._lines: list[str] = []
        if not self._live:
            self._forget_earlier()

    def _forget_earlier(self) -> None:
        store = self._algorithm.object_store
        for key in [key for key in store.keys if str(key).startswith(f"{RECORD_KEY}/")]:
            store.delete(key)

    # --- what happens ----------------------------------------------------------------------------
    def filled(self, event: OrderEvent) -> None:
        """Take a fill in one of our contracts."""
        context, strategy = self._context, self._context.strategy
        key = context.keys.get(event.symbol)
        if key is None:
            return
        instrument = strategy.instruments[key[0]]
        quantity, order_id = round(event.fill_quantity), event.order_id
        reason = context.reasons.get(order_id)
        if reason is None:
            delisted = "delisting" in str(event.ticket.tag).lower()
            reason = EXPIRY if delisted else OTHER
        concession = outright = 0.0
        child = context.children.get(child_of(str(event.ticket.tag)))
        if child is not None:
            reason, side = child.reason, 1.0 if quantity > 0 else -1.0
            concession = max(float(np.nan_to_num(side * (event.fill_price - child.mid))), 0.0)
        elif reason != EXPIRY:
            sigma = context.order_sigma.get(order_id)
            if sigma is None:
                sigma = float(strategy.markets.sigma_price()[key[0]])
            size, spread = float(event.ticket.quantity), reason == SPREAD
            concession = self._costs.concession(instrument, size, sigma, spread=spread)
            if spread:
                outright = self._costs.concession(instrument, size, sigma)
        fee = event.order_fee.value
        today = to_epoch_day(self._algorithm.time.date())
        fill = Fill(
            session_day(today, today - 1),  # LEAN delists on Saturdays too
            instrument.code,
            key[1],
            quantity,
            float(event.fill_price),
            abs(quantity) * concession * instrument.multiplier,
            float(fee.amount),
            reason,
            abs(quantity) * outright * instrument.multiplier,
        )
        self._fills.append((fill, str(fee.currency)))

    def observed(self, snapshot: Snapshot) -> None:
        """Take a session of the warm-up."""
        self._write(snapshot.day, session_text(session_of(snapshot)))

    def decided(self, decision: Decision) -> None:
        """Take a session's decision, and all fills since the one before."""
        context, strategy = self._context, self._context.strategy
        fills = [self._in_account_currency(fill, name, decision) for fill, name in self._fills]
        self._fills = []
        line = line_of(
            decision,
            strategy.instruments,
            context.marks.priced(context.closes),
            fills,
            context.settled,
        )
        self._write(decision.day, decision_text(line, self.header))
        if self._live:
            self._save()

    def _in_account_currency(self, fill: Fill, fee_currency: str, decision: Decision) -> Fill:
        """A fill's costs at the rates of the decision, as the account's value is."""
        rates = {"USD": 1.0}
        for instrument, rate in zip(
            self._context.strategy.instruments, decision.snapshot.fx.tolist(), strict=True
        ):
            rates[instrument.currency] = rate
        market = self._context.strategy.index[fill.market]
        return Fill(
            fill.epoch_day,
            fill.market,
            fill.month,
            fill.quantity,
            fill.price,
            fill.slippage * float(np.nan_to_num(decision.snapshot.fx[market])),
            fill.fee * float(np.nan_to_num(rates.get(fee_currency, np.nan))),
            fill.reason,
            fill.outright * float(np.nan_to_num(decision.snapshot.fx[market])),
        )

    def finish(self) -> None:
        """Write what is left, and that the run came to its end."""
        if not self._live:
            self._lines.append(end_text({}))
        self._save()

    # --- the store -------------------------------------------------------------------------------
    def _write(self, day: int, text: str) -> None:
        date = from_epoch_day(day)
        part = f"{date:%Y-%m}" if self._live else f"{date:%Y}"
        if part != self._part:
            first = not self._part
            if not first:
                self._save()
            self._part = part
            self._lines = self._earlier() if self._live else []
            if first:
                self._lines.append(header_text(self.header))
        self._lines.append(text)

    @property
    def _key(self) -> str:
        return f"{self._folder}/{self._part}.gz"

    def _earlier(self) -> list[str]:
        """Lines that a run before this one has left in the part."""
        store = self._algorithm.object_store
        if not store.contains_key(self._key):
            return []
        try:
            text = gzip.decompress(bytes(store.read_bytes(self._key))).decode("utf-8")
        except (OSError, ValueError, EOFError) as error:
            self._algorithm.error(f"{self._key}: {error}; this month's record begins anew")
            return []
        return text.splitlines()

    def _save(self) -> None:
        if not self._part:
            return
        text = "\n".join(self._lines) + "\n"
        try:
            data: Any = gzip.compress(text.encode("utf-8"), _LEVEL, mtime=0)
            written = self._algorithm.object_store.save_bytes(self._key, data)
            reason = "" if written else "the store refused it"
        except Exception as error:  # a full store must not stop what trades
            reason = str(error)
        if reason:
            self._algorithm.error(f"{self._key}: {reason}; the record of the run has a gap")
