"""Orders by the minute: the desk, its documents in the ObjectStore, Interactive Brokers' terms.

Parents, children and what the broker said of them lie beside the strategy's state, in documents of
the same kind: what does not change while a parent is worked is written once, what does before
every child is sent.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from AlgorithmImports import InteractiveBrokersOrderProperties, ScheduledUniverse

from algorithm.clock import DECISION_TIME
from algorithm.context import TradingContext
from algorithm.lean_fills import FillBook
from algorithm.lean_store import InTurns
from algorithm.state import Owner, orders_keys
from algorithm.state_document import StateError
from execution.desk_document import desk_of, plans_of, work_of
from execution.lean_minutes import MinuteDesk
from universe.arrays import from_epoch_day
from universe.rolls import next_weekday

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

_NEW_YORK = ZoneInfo("America/New_York")


def next_decision(day: int) -> int:
    """Minute since 1970 UTC of the decision after that of epoch day ``day``."""
    at = datetime.combine(from_epoch_day(next_weekday(day)), time(*DECISION_TIME), _NEW_YORK)
    return int(at.astimezone(UTC).timestamp()) // 60


def set_order_properties(algorithm: QCAlgorithm, context: TradingContext) -> None:
    """What Interactive Brokers is told of every order, where the settings say something."""
    settings = context.strategy.settings
    if not settings.outside_regular_hours and not settings.order_account:
        return
    properties = InteractiveBrokersOrderProperties()
    properties.outside_regular_trading_hours = settings.outside_regular_hours
    if settings.order_account:
        properties.account = settings.order_account
    algorithm.default_order_properties = properties


def work_by_the_minute(
    algorithm: QCAlgorithm, context: TradingContext, owner: Owner, fills: FillBook
) -> MinuteDesk:
    """The desk of a run; live it goes on with what its documents hold.

    LEAN steps where there are data: the universe of nothing gives the decision a step of its own,
    so that the minutes it asks for begin before the next session and not in the middle of it.
    """
    desk = MinuteDesk(algorithm, context, next_decision)
    algorithm.add_universe(
        ScheduledUniverse(
            algorithm.time_zone,
            algorithm.date_rules.every_day(),
            algorithm.time_rules.at(*DECISION_TIME),
            lambda _: [],
            algorithm.universe_settings,
        )
    )
    writing = context.strategy.settings.state
    if writing == "always" or (writing == "live" and algorithm.live_mode):
        store = OrderStore(algorithm, desk, owner, fills)
        if algorithm.live_mode:
            store.restore()
        desk.on_change = store.save
    return desk


class OrderStore:
    """Writes and takes up parents, children and fills that no record has yet.

    What goes wrong is said and stops nothing.
    """

    def __init__(
        self, algorithm: QCAlgorithm, desk: MinuteDesk, owner: Owner, fills: FillBook
    ) -> None:
        self._algorithm, self._desk, self._fills = algorithm, desk, fills
        self._owner = {"name": owner.name, "account": owner.account, "currency": owner.currency}
        keys, plans_keys = orders_keys(owner.name)
        self._name = keys[0]
        self._orders, self._plans = InTurns(algorithm, keys), InTurns(algorithm, plans_keys)
        self._foreign = False

    def save(self, plans: bool) -> None:
        """Write what has changed; ``plans``: the parents' plans too."""
        if self._foreign:
            return
        desk = self._desk.desk
        if plans:
            self._write(self._plans, {"plans": plans_of(desk)})
        work = {"work": work_of(desk), "run": self._desk.run, "fills": self._fills.kept()}
        self._write(self._orders, work)

    def _write(self, place: InTurns, body: dict[str, Any]) -> None:
        reason = place.write({"owner": self._owner, **body})
        if reason:
            self._algorithm.error(
                f"{self._name}: {reason}; a restart would not know of these orders"
            )

    def restore(self) -> None:
        """Go on with the work of before a restart."""
        key = self._name
        try:
            body = self._orders.read(frozenset({"owner", "work", "run", "fills"}))
            if body is None:
                return
            if body["owner"] != self._owner:
                self._foreign = True
                self._algorithm.error(f"{key} belongs to {body['owner']}; it is left alone")
                return
            known = self._plans.read(frozenset({"owner", "plans"}))
            plans = known["plans"] if known is not None else {}
            desk = desk_of(plans, body["work"])
            self._desk.restore(desk, int(body["run"]) + 1)
            self._fills.restore(body["fills"])
        except (StateError, KeyError, TypeError, ValueError) as error:
            self._algorithm.error(
                f"{key}: {error}; the orders of before the start are not taken up, the next "
                "decision orders what is missing"
            )
