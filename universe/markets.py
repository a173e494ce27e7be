"""State of all markets: held contracts, continuous series and data quality, a session at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Self

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day
from universe.carry_pairs import CarryPair, CarryPairs
from universe.counts import count_text
from universe.ewm import EwmStd
from universe.instruments import Instrument
from universe.market_state import MarketState, Observation, Roll
from universe.quality import (
    LEAST_RATIO,
    RATIO_SHARE,
    UNIT_RATIO,
    confirms,
    is_far,
    is_price,
    unit_factor,
)
from universe.rolls import (
    carry_contract,
    choose_contract,
    is_due,
    next_weekday,
    roll_window_days,
)
from universe.session import NO_CONTRACT, Contract, Session
from universe.settings import UniverseSettings, volatility_of

UNQUOTED_SESSIONS = 5
"""Sessions in which others of a market trade but the held contract does not, until it is left."""


class Markets(MarketState):
    """Held contract, additive continuous series and volatility of every market.

    Parameters
    ----------
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    vol_span, vol_long_sessions : int
    vol_long_weight : float
        001's blend: share of the long-run mean of the volatility.
    outlier_sigmas : float
    gap_days, stale_sessions : int
    theta : float
        Of the open-interest rule, 0 for none.
    follow_mapping : bool
    spread_rolls : bool
        Rolls are calendar spreads where these are listed: they begin a session before the last
        holding day at least, because a spread may find no session in which both contracts trade.

    Notes
    -----
    The series is forward anchored: it starts at the first held contract's price and adds the
    change of the contract held into each session, so the past never changes (U3). Returns are
    that change over the last positive price of the held contract: a settlement below zero
    (CL on 2020-04-20) is marked, not divided by.

    The gate (U4) holds back a move beyond ``outlier_sigmas`` daily sigmas until the next bar: if
    that confirms the level the whole move is taken then, otherwise the spike is dropped. In a
    market too young for a volatility the limit is half its price. Meanwhile the market is not
    traded: no order fills in a bar that does not pass. A level beyond three times or a third of the
    price is never a move but a change of unit: the market stays out until its prices come back.

    Attributes
    ----------
    limits : float array of shape (n_markets,)
        Greatest move of the next session that is believed at once, in price units.
    suspect : float array of shape (n_markets,)
        Close that waits for a second one, NaN for none.
    unit : float array of shape (n_markets,)
        Factor by which a market's prices have changed their unit, NaN for none.
    """

    STATE = (
        "held",
        "price",
        "positive_price",
        "adjusted",
        "last_seen",
        "sessions",
        "equal_closes",
        "suspect",
        "unit",
        "silent",
        "led",
        "must_exit",
        "unquoted",
        "held_expiry",
        "held_last",
        "lost",
        "last_quotes",
    )
    DEPENDS = ()

    @classmethod
    def create(
        cls,
        settings: UniverseSettings,
        instruments: Sequence[Instrument],
        *,
        spread_rolls: bool = False,
    ) -> Self:
        """The markets as the settings have them."""
        return cls(
            instruments,
            **volatility_of(settings),
            stale_sessions=settings.stale_sessions,
            theta=settings.roll_open_interest_ratio,
            follow_mapping=settings.follow_mapping,
            spread_rolls=spread_rolls,
        )

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        vol_span: int = 32,
        vol_long_sessions: int = 756,
        vol_long_weight: float = 0.3,
        outlier_sigmas: float = 20.0,
        gap_days: int = 14,
        stale_sessions: int = 15,
        theta: float = 0.0,
        follow_mapping: bool = True,
        spread_rolls: bool = False,
    ) -> None:
        n = len(instruments)
        self.instruments = list(instruments)
        self.contracts: list[dict[int, Contract]] = [{} for _ in instruments]
        self._outlier_sigmas, self.gap_days = outlier_sigmas, gap_days
        self.stale_sessions = stale_sessions
        self._theta, self._follow_mapping = theta, follow_mapping
        self._long_weight = vol_long_weight
        self._tick = np.array([i.tick for i in instruments])
        self.vol = EwmStd(n, vol_span, vol_long_sessions)
        self.held: IntArray = np.zeros(n, dtype=np.int64)
        self.price: FloatArray = np.full(n, np.nan)
        self.positive_price: FloatArray = np.full(n, np.nan)
        self.adjusted: FloatArray = np.full(n, np.nan)
        self.last_seen: IntArray = np.full(n, -(10**6), dtype=np.int64)
        self.sessions: IntArray = np.zeros(n, dtype=np.int64)
        self.equal_closes: IntArray = np.zeros(n, dtype=np.int64)
        self.suspect: FloatArray = np.full(n, np.nan)
        self.unit: FloatArray = np.full(n, np.nan)
        self.silent: BoolArray = np.zeros(n, dtype=bool)  # without a bar for gap_days, and said so
        self.led: IntArray = np.zeros(n, dtype=np.int64)  # contract that may be rolled to next
        self.must_exit: BoolArray = np.zeros(n, dtype=bool)
        self.unquoted: IntArray = np.zeros(n, dtype=np.int64)
        self.held_expiry: IntArray = np.full(n, -(10**6), dtype=np.int64)  # of the held contract
        self.held_last: IntArray = np.full(n, 10**6, dtype=np.int64)  # its last holding day
        self.lost: IntArray = np.zeros(n, dtype=np.int64)  # contract left without a price
        self._last_quotes: list[dict[int, float]] = [{} for _ in instruments]
        self._pair = CarryPairs(n)
        self._sigma: FloatArray = np.full(n, np.nan)
        self.limits: FloatArray = np.full(n, np.nan)
        self._window = np.array([roll_window_days(i) for i in instruments])
        self._ahead = [1 + (spread_rolls and i.spread_listed) for i in instruments]

    # --- what others ask -------------------------------------------------------------------------
    @property
    def last_quotes(self) -> list[list[list[float]]]:
        """[month, close] pairs of every market's last session, as the state keeps them."""
        return [[[month, close] for month, close in q.items()] for q in self._last_quotes]

    @last_quotes.setter
    def last_quotes(self, pairs: list[list[list[float]]]) -> None:
        if len(pairs) != len(self.instruments):
            raise ValueError(
                f"quotes are of {count_text(len(pairs), 'market')}, not {len(self.instruments)}"
            )
        self._last_quotes = [{int(month): float(close) for month, close in q} for q in pairs]

    def remembered(self) -> list[Mapping[int, float]]:
        """Closes that every market's next session is compared with, by contract month."""
        return list(self._last_quotes)

    def last_close(self, market: int, month: int) -> float:
        """Last close of a contract in its market's last session, NaN without one."""
        return self._last_quotes[market].get(month, np.nan)

    def sigma(self) -> FloatArray:
        """Daily volatility of returns: current and long-run blended (001), NaN while too young."""
        return self._sigma

    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""
        return self.vol.std()

    def refresh(self) -> None:
        """Recompute what is derived from the state."""
        self.vol.refresh()
        self._blend()
        for market in range(len(self.instruments)):
            self._pair.forget(market)

    def _blend(self) -> None:
        long_run = self._long_weight * self.vol.long_run()
        self._sigma = np.asarray(long_run + (1.0 - self._long_weight) * self.vol.std())
        usual = self._outlier_sigmas * np.fmax(self.sigma_price(), self._tick)
        young = self.sessions <= self.vol.span
        self.limits = np.where(young, LEAST_RATIO * self.positive_price, usual)

    # --- a session -------------------------------------------------------------------------------
    def observe(self, session: Session, out: Observation | None = None) -> Observation:
        """Take the session's bars: gate them, extend the series, decide the rolls.

        Parameters
        ----------
        session : Session
            Bars of contracts past their expiry and NaN closes are ignored.
        out : Observation, optional
            Of nothing, to be written to.

        Returns
        -------
        Observation
        """
        out = Observation.none(len(self.instruments)) if out is None else out
        limits = self.limits
        lows = {
            market: low / close
            for (market, month), low in session.lows.items()
            if month == self.held[market]
            and (close := session.quotes[market].get(month, 0.0)) >= low > 0
        }
        for market in self._observe_calm(session, limits, out):
            self._observe_market(market, session, float(limits[market]), out)
        for market, low in lows.items():
            out.low[market] = low if out.seen[market] else 1.0
        self._name_silent(session.day, out)
        due = self.held_last <= next_weekday(session.day)
        self.must_exit = np.asarray(due & (self.held != NO_CONTRACT))
        self.vol.update(out.ret, out.seen & (self.sessions > 1))
        self._blend()
        return out

    def _name_silent(self, day: int, out: Observation) -> None:
        """Say it on the day on which a market's last bar becomes too old, and count it out."""
        silent = self.last_seen < day - self.gap_days
        silent &= (self.held != NO_CONTRACT) & (self.sessions > 0)
        for market in np.flatnonzero(silent & ~self.silent).tolist():
            code, last = self.instruments[market].code, from_epoch_day(int(self.last_seen[market]))
            text = f"{code} has had no bar to trust since {last}: left out until it has one"
            out.notes.append((market, "gap", text))
        self.silent = silent

    def _observe_calm(self, session: Session, limits: FloatArray, out: Observation) -> list[int]:
        """Take all markets at once in which nothing happens but new prices; returns the others.

        The same as ``_observe_market`` for a market that is quoted in contracts whose carry pair is
        known, moves well within the limit and need not roll: nearly every market on every day.
        """
        day, last, pair, none = session.day, self._last_quotes, self._pair, np.nan
        rest, calm, closes, others, before = [], [], [], [], []
        for market, quotes in enumerate(session.quotes):
            if not quotes:
                continue
            if quotes.keys() != pair.months[market] and not pair.recall(market, frozenset(quotes)):
                rest.append(market)
                continue
            held, other, front = pair.held[market], pair.other[market], session.mapped[market]
            if day > pair.until[market] or not (
                front in (held, NO_CONTRACT) or self._is_behind(market, front)
            ):
                rest.append(market)
                continue
            calm.append(market)
            closes.append(quotes[held])
            others.append(quotes.get(other, none))
            before.append(last[market].get(other, none))
        if not calm:
            return rest
        index, (close, far, far_before) = np.array(calm), np.array([closes, others, before])
        limit = limits[index]
        change = close - self.price[index]
        equal = np.where(change == 0, self.equal_closes[index] + 1, 0)
        fine = (
            (close > 0)
            & (np.abs(change) <= RATIO_SHARE * limit)
            & (self.last_seen[index] >= day - self.gap_days)
            & (equal != self.stale_sessions)
            & (np.isfinite(far) | pair.alone[index])
        )
        if self._theta:
            fine &= [not session.open_interest[market] for market in calm]
        if not fine.all():
            rest = sorted([*rest, *index[~fine].tolist()])
            index, limit, close, change = index[fine], limit[fine], close[fine], change[fine]
            equal, far, far_before = equal[fine], far[fine], far_before[fine]
        out.seen[index] = True
        out.ret[index] = change / self.positive_price[index]
        self.adjusted[index] += change
        self.price[index] = self.positive_price[index] = close
        self.last_seen[index] = day
        self.sessions[index] += 1
        self.equal_closes[index] = equal
        self.unquoted[index] = self.led[index] = 0
        for market in index.tolist():
            last[market] = session.quotes[market]
        trusted = self._trust(index, close, far, far_before, limit)
        first, used = pair.held_first[index], index[trusted]
        out.near_price[used] = np.where(first, close, far)[trusted]
        out.far_price[used] = np.where(first, far, close)[trusted]
        out.near_expiry[used] = pair.near_expiry[used]
        out.far_expiry[used] = pair.far_expiry[used]
        out.near_month[used] = pair.near_month[used]
        return rest

    def _is_behind(self, market: int, front: int) -> bool:
        """Whether a front contract is known not to end later than the held one."""
        if front != self._pair.front[market]:
            contract = self.contracts[market].get(front)
            if contract is None:
                return True
            if contract.expiry > self.held_expiry[market]:
                return False
            self._pair.front[market] = front
        return True

    def _trust(
        self,
        index: IntArray,
        close: FloatArray,
        far: FloatArray,
        far_before: FloatArray,
        limit: FloatArray,
    ) -> BoolArray:
        """Markets whose other contract's close can be used; what is not sane is not remembered.

        As ``_plausible`` and ``_sane`` have it.
        """
        ratio = far / close
        old, near = self.sessions[index] > self.vol.span, np.abs(far - far_before) <= limit
        alike = (ratio * UNIT_RATIO >= 1.0) & (ratio <= UNIT_RATIO)
        trusted: BoolArray = old & near & alike
        if (trusted | self._pair.alone[index]).all():
            return trusted
        compared = np.isfinite(far_before) & old
        sane = (alike | (np.abs(far - close) <= limit)) & (near | ~compared)
        for market in index[~sane & np.isfinite(far)].tolist():
            kept, other = self._last_quotes[market], self._pair.other[market]
            self._last_quotes[market] = {m: c for m, c in kept.items() if m != other}
        held_like = (ratio >= LEAST_RATIO) & (ratio * LEAST_RATIO <= 1.0)
        return np.asarray(sane & (compared | held_like))

    def _observe_market(
        self, market: int, session: Session, limit: float, out: Observation
    ) -> None:
        contracts, day = self.contracts[market], session.day
        quotes = {
            month: close
            for month, close in session.quotes[market].items()
            if close == close and month in contracts and contracts[month].expiry >= day
        }
        held = int(self.held[market])
        close = quotes.get(held)
        if held != NO_CONTRACT and close is not None:
            if not self._accept(market, close, day, limit, out):
                self._pair.forget(market)  # a market in doubt is not calm
                return
            self.unquoted[market] = 0
        elif held != NO_CONTRACT and quotes:
            self.unquoted[market] += 1
        if self._may_roll(market, held, close is None, session):
            self._roll(market, quotes, session, limit, out)
        held = int(self.held[market])
        if held in quotes:
            other = carry_contract(self.instruments[market], held, quotes, contracts)
            self._carry_pair(market, (held, other), quotes, limit, out)
            if len(quotes) == len(session.quotes[market]):
                self._remember_pair(market, (held, other), quotes)
        self._last_quotes[market] = {
            month: close
            for month, close in quotes.items()
            if month == self.held[market] or self._sane(market, month, close, limit)
        }

    def _may_roll(self, market: int, held: int, unquoted: bool, session: Session) -> bool:
        """Cheap test that spares most sessions the full roll rule."""
        if held == NO_CONTRACT or (self._theta and session.open_interest[market]):
            return True
        contract, day = self.contracts[market][held], session.day
        if is_due(contract.last_holding, day, self._ahead[market]):
            return True
        if unquoted:
            return bool(self.unquoted[market] >= UNQUOTED_SESSIONS)
        return day >= contract.expiry - self._window[market] or session.mapped[market] not in (
            NO_CONTRACT,
            held,
        )

    def _accept(self, market: int, close: float, day: int, limit: float, out: Observation) -> bool:
        """Gate the held contract's close; False if it is held back."""
        change = close - self.price[market]
        code = self.instruments[market].code
        if is_far(close, float(self.price[market]), limit):
            if not self._confirmed(market, close, limit, out):
                return False
            out.notes.append((market, "outlier", f"{code} at {close:g} confirmed"))
        elif np.isfinite(self.suspect[market]):
            text = f"{code} {self.suspect[market]:g} dropped, next close {close:g}"
            out.notes.append((market, "outlier", text))
        self.suspect[market] = self.unit[market] = np.nan
        if day - self.last_seen[market] > self.gap_days:
            since = day - self.last_seen[market]
            out.notes.append((market, "gap", f"{code} had no bar for {count_text(since, 'day')}"))
        self.equal_closes[market] = self.equal_closes[market] + 1 if change == 0 else 0
        if self.equal_closes[market] == self.stale_sessions:
            text = f"{code} unchanged at {close:g} for {self.stale_sessions} sessions: not traded"
            out.notes.append((market, "stale", text))
        out.seen[market] = True
        out.ret[market] = change / self.positive_price[market]
        self.adjusted[market] += change
        self._mark(market, close, day)
        if close <= 0:
            out.notes.append((market, "price", f"{code} closed at {close:g}: not traded"))
        return True

    def _confirmed(self, market: int, close: float, limit: float, out: Observation) -> bool:
        """Whether a far close is believed, because the one before stood near it and it moved."""
        code, price = self.instruments[market].code, float(self.price[market])
        before, self.suspect[market] = float(self.suspect[market]), close
        if np.isfinite(self.unit[market]):
            return False
        if not confirms(close, before, price, limit):
            if close != before:
                text = f"{code} moved {close - price:g} to {close:g}, limit {limit:g}: held back"
                out.notes.append((market, "outlier", text))
            return False
        factor = unit_factor(close, price)
        if factor is None:
            return True
        self.unit[market] = factor
        text = (
            f"{code} stays at {close:g} after {price:g}, about {factor:g} times the price: a "
            "change of unit, no profit and no trade until its prices come back or the data are "
            "mended"
        )
        out.notes.append((market, "unit", text))
        return False

    def _mark(self, market: int, close: float, day: int) -> None:
        self.price[market] = close
        if close > 0:
            self.positive_price[market] = close
        self.last_seen[market] = day
        self.sessions[market] += 1

    def _sane(self, market: int, month: int, close: float, limit: float) -> bool:
        """Whether a contract's close may be remembered, to compare the next one with.

        Within the outlier limit of the held one's price, or three times and a third of it, and
        within the limit of its own close in the market's session before.
        """
        price = float(self.price[market])
        within = not price > 0 or 1.0 / UNIT_RATIO <= close / price <= UNIT_RATIO
        if not within and abs(close - price) > limit:
            return False
        compared = self._compared(market, month)
        return not (compared and abs(close - self._last_quotes[market][month]) > limit)

    def _compared(self, market: int, month: int) -> bool:
        return bool(self.sessions[market] > self.vol.span) and month in self._last_quotes[market]

    def _plausible(self, market: int, month: int, close: float, limit: float) -> bool:
        """Whether the first use of a contract's close can be trusted.

        A sane one; a contract without a close in the market's session before must besides be within
        half and double the held one's.
        """
        anchor = float(self.positive_price[market])
        return self._sane(market, month, close, limit) and (
            self._compared(market, month)
            or not anchor > 0
            or LEAST_RATIO <= close / anchor <= 1.0 / LEAST_RATIO
        )

    def _roll(
        self,
        market: int,
        quotes: dict[int, float],
        session: Session,
        limit: float,
        out: Observation,
    ) -> None:
        held = int(self.held[market])
        contracts, day = self.contracts[market], session.day
        lost = held != NO_CONTRACT and held not in quotes
        if lost and (contracts[held].expiry < day or self.unquoted[market] >= UNQUOTED_SESSIONS):
            held = NO_CONTRACT  # it expired, or ceased to be quoted, before it could be rolled
        decision = choose_contract(
            self.instruments[market],
            held,
            quotes,
            contracts,
            session.mapped[market],
            day,
            open_interest=session.open_interest[market] if self._theta else None,
            theta=self._theta,
            led=int(self.led[market]),
            follow_mapping=self._follow_mapping,
            ahead=self._ahead[market],
        )
        self.led[market] = decision.leading
        new = decision.month
        old = int(self.held[market])
        tick = float(self._tick[market])
        if new in (NO_CONTRACT, held) or (old == NO_CONTRACT and not is_price(quotes[new], tick)):
            return  # a market starts with its first positive price
        code = self.instruments[market].code
        if not self._plausible(market, new, quotes[new], limit):
            text = f"{code} {new} at {quotes[new]:g} is not trusted: the roll waits"
            out.notes.append((market, "outlier", text))
            return
        old_close = float(self.price[market])
        self._pair.forget(market)
        self.held[market] = new
        self.held_expiry[market] = contracts[new].expiry
        self.held_last[market] = contracts[new].last_holding
        if old == NO_CONTRACT:
            self.adjusted[market] = quotes[new]
            self.positive_price[market] = quotes[new]
            out.seen[market] = True
            self._mark(market, quotes[new], day)
            return
        reason = "lost" if held == NO_CONTRACT else decision.reason
        self.lost[market] = old if held == NO_CONTRACT else NO_CONTRACT
        self.unquoted[market] = 0
        self._mark_rolled(market, quotes[new], day)
        out.rolls.append(Roll(day, code, old, new, old_close, quotes[new], reason))

    def _mark_rolled(self, market: int, close: float, day: int) -> None:
        self.price[market] = close
        if close > 0:
            self.positive_price[market] = close
        self.last_seen[market] = day

    def _carry_pair(
        self,
        market: int,
        pair: tuple[int, int],
        quotes: dict[int, float],
        limit: float,
        out: Observation,
    ) -> None:
        held, other = pair
        contracts = self.contracts[market]
        if other == NO_CONTRACT or not self._plausible(market, other, quotes[other], limit):
            return
        near, far = pair if contracts[held].expiry <= contracts[other].expiry else (other, held)
        out.near_price[market], out.far_price[market] = quotes[near], quotes[far]
        out.near_expiry[market] = contracts[near].expiry
        out.far_expiry[market] = contracts[far].expiry
        out.near_month[market] = near

    def _remember_pair(self, market: int, pair: tuple[int, int], quotes: dict[int, float]) -> None:
        contracts, (held, other) = self.contracts[market], pair
        last = min(contracts[month].expiry for month in quotes)
        expiries = contracts[held].expiry, contracts[other or held].expiry
        until = min(last, self._calm(market))
        self._pair.remember(market, CarryPair(frozenset(quotes), held, other, until, *expiries))

    def _calm(self, market: int) -> int:
        """Last epoch day on which the calendar does not ask to leave the held contract."""
        last, ahead = int(self.held_last[market]), self._ahead[market]
        day = last - 2
        while is_due(last, day, ahead):
            day -= 1
        window = float(self._window[market])
        return min(day, ceil(float(self.held_expiry[market]) - window) - 1)
