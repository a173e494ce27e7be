"""Books to compare with, traded by the engine's feed, rolls, fills and costs (V5).

They decide on the first session of a month, on closes, in whole contracts, and fill at the next
session's opening as the strategy does. No governor, gate or market screen acts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from algorithm.settings import Settings
from execution.orders import plan_orders
from research.data.dataset import Dataset
from research.engine.feed import Bars, Feed
from research.engine.ledger import Ledger
from research.measures.performance import calendar
from research.studies.study_row import StudyError, StudyRequest, StudyRow, make_row
from universe.arrays import FloatArray, IntArray, known, sessions_a_year, to_epoch_day
from universe.counts import count_text
from universe.fills import SessionGate
from universe.markets import Markets
from universe.session import NO_CONTRACT

SIXTY_FORTY = {"ES": 0.6, "ZN": 0.4}
YEAR = 252
"""Sessions of plain momentum (Moskowitz, Ooi and Pedersen, JFE 104, 2012: twelve months)."""

TARGET_SPAN = 63
"""Span of the volatility that a book is scaled by."""

MOST_SCALE = 20.0


class Weights(ABC):
    """Signed notional over NAV that a book wants; it sees every session's returns first."""

    def observe(self, day: int, markets: Markets, returns: FloatArray) -> None:  # noqa: B027 - not every book looks
        """Take the session of an epoch day; ``returns`` is (n_markets,), 0 without a price."""

    @abstractmethod
    def wanted(self, markets: Markets, alive: FloatArray) -> FloatArray:
        """Weights of (n_markets,); ``alive`` is 1 where a market may be held, else 0."""


class FixedWeights(Weights):
    """Constant shares of NAV, without leverage."""

    def __init__(self, weights: FloatArray) -> None:
        self._weights = weights

    def wanted(self, markets: Markets, alive: FloatArray) -> FloatArray:
        """The shares."""
        return self._weights * alive


class EqualRisk(Weights):
    """The same volatility in every market, the whole scaled to a target by what it last had.

    Parameters
    ----------
    n_markets : int
    target : float
        Annual volatility, by the sessions a year of the calendar that it sees: more than a market's
        own where exchanges have different holidays.
    by_trend : bool
        True: long after a year's rise, short after a fall, nothing before a year has passed;
        False: always long.
    """

    def __init__(self, n_markets: int, target: float, *, by_trend: bool) -> None:
        self._target = target
        self._by_trend = by_trend
        self._past = np.zeros((YEAR, n_markets))
        self._seen = np.zeros(n_markets, dtype=np.int64)
        self._row = 0
        self._unit = np.zeros(n_markets)  # held per unit of scale into the next session
        self._variance, self._sessions = 0.0, 0
        self._days: list[int] = []

    def observe(self, day: int, markets: Markets, returns: FloatArray) -> None:
        """Take a session: momentum, and the variance that the unscaled book would have had."""
        self._days.append(day)
        earned = float(self._unit @ returns)
        if np.any(self._unit):
            self._sessions += 1
            step = max(2.0 / (TARGET_SPAN + 1.0), 1.0 / self._sessions)
            self._variance += step * (earned * earned - self._variance)
        self._past[self._row] = returns
        self._row = (self._row + 1) % YEAR
        self._seen += returns != 0
        sigma = markets.sigma()
        risk = np.where(sigma > 0, 1.0 / np.where(sigma > 0, sigma, 1.0), 0.0)
        active = risk > 0
        if self._by_trend:
            direction = np.where(self._seen >= 0.9 * YEAR, np.sign(self._past.sum(axis=0)), 0.0)
        else:
            direction = np.ones(len(sigma))
        self._unit = direction * risk / max(int(active.sum()), 1)

    def wanted(self, markets: Markets, alive: FloatArray) -> FloatArray:
        """Weights at the target volatility; nothing while its own is too young."""
        if self._sessions < TARGET_SPAN or not self._variance > 0:
            return np.zeros(len(alive))
        annual = math.sqrt(self._variance * sessions_a_year(np.array(self._days)))
        scale = min(self._target / annual, MOST_SCALE)
        return np.asarray(scale * self._unit * alive)


Maker = Callable[[Settings, list[str]], Weights]


def sixty_forty(settings: Settings, codes: list[str]) -> Weights:
    """60 % S&P 500 and 40 % ten-year notes, in futures, without leverage.

    Raises
    ------
    StudyError
        If one of the two markets is not in the data.
    """
    missing = [code for code in SIXTY_FORTY if code not in codes]
    if missing:
        raise StudyError(f"60/40 needs {', '.join(SIXTY_FORTY)}; {', '.join(missing)} is not there")
    return FixedWeights(np.array([SIXTY_FORTY.get(code, 0.0) for code in codes]))


def long_only(settings: Settings, codes: list[str]) -> Weights:
    """Every market long at the same volatility, the whole at the volatility target."""
    return EqualRisk(len(codes), settings.vol_target, by_trend=False)


def plain_trend(settings: Settings, codes: list[str]) -> Weights:
    """The sign of the last year's return at the same volatility, the whole at the target."""
    return EqualRisk(len(codes), settings.vol_target, by_trend=True)


def run_book(request: StudyRequest, dataset: Dataset, make: Maker) -> StudyRow:
    """Trade a book over the sessions of the settings.

    Raises
    ------
    StudyError
        If the book cannot be made of the markets, or there are less than three sessions.
    """
    settings = Settings.parse(request.settings)
    data = dataset.fingerprint()
    if settings.markets != "all":
        dataset = dataset.select(settings.markets.split())
    run = _Run(settings, dataset, make)
    for bars in run.feed:
        run.step(bars)
    if len(run.nav) < 3:
        raise StudyError(
            f"{request.name}: {count_text(len(run.nav), 'session')}; at least 3 are needed"
        )
    nav, cost = np.array(run.nav), np.array(run.cost)
    before = np.where(np.minimum.accumulate(nav[:-1]) > 0, nav[:-1], np.nan)
    returns = known(np.diff(nav) / before)
    return make_row(request, data, np.array(run.days), returns, known(cost[1:] / before))


class _Run:
    """The engine's feed, market state and account under somebody else's weights."""

    def __init__(self, settings: Settings, dataset: Dataset, make: Maker) -> None:
        self.first = to_epoch_day(settings.first_day)
        self.feed = Feed(
            dataset, self.first - settings.warmup_days, to_epoch_day(settings.last_day)
        )
        instruments = [history.instrument for history in dataset.markets.values()]
        self.instruments = instruments
        self.markets = Markets.create(settings, instruments)
        self.expiry: list[dict[int, int]] = []
        for market, contracts in enumerate(self.feed.contracts()):
            self.markets.contracts[market].update({one.month: one for one in contracts})
            self.expiry.append({one.month: one.expiry for one in contracts})
        self.ledger = Ledger(
            instruments, settings.cash, impact=settings.impact, stress=settings.cost_stress
        )
        self.weights = make(settings, self.feed.codes)
        self.multiplier = np.array([one.multiplier for one in instruments])
        self.wanted: IntArray = np.zeros(len(instruments), dtype=np.int64)
        self.month = 0
        self.days: list[int] = []
        self.nav: list[float] = []
        self.cost: list[float] = []

    def step(self, bars: Bars) -> None:
        """One session: fills, then what is wanted for the next."""
        session, markets = bars.session, self.markets
        gate = SessionGate(markets, session.quotes)
        book = self.ledger.trade_session(
            session.day,
            bars.open_of,
            session.quotes,
            session.fx,
            self.expiry,
            gate,
            bars.rolling,
        )
        seen = markets.observe(session)
        self.weights.observe(session.day, markets, known(seen.ret))
        if session.day < self.first:
            return
        rates = {"USD": 1.0}
        for one, rate in zip(self.instruments, session.fx.tolist(), strict=True):
            rates[one.currency] = rate
        nav = self.ledger.nav(rates, session.fx)
        self.days.append(session.day)
        self.nav.append(nav)
        self.cost.append(float(book.cost.sum()))
        month = int(calendar(np.array([session.day]))[1][0])
        if month != self.month:
            self.month = month
            self.wanted = self._contracts(session.day, nav, session.fx)
        held = markets.held.tolist()
        stays = ~markets.must_exit & markets.alive(session.day)
        targets = {
            market: {month: int(self.wanted[market]) if stays[market] else 0}
            for market, month in enumerate(held)
            if month != NO_CONTRACT
        }
        stuck = {(i, month): held[i] for i, month in enumerate(markets.lost.tolist()) if month}
        orders = plan_orders(targets, self.ledger.holdings, self.ledger.pending(), stuck)
        self.ledger.submit(orders, markets.sigma_price())

    def _contracts(self, day: int, nav: float, fx: FloatArray) -> IntArray:
        """Whole contracts at the weights; nothing once the account is lost."""
        markets = self.markets
        worth = markets.positive_price * self.multiplier * fx
        alive = (markets.alive(day) & np.isfinite(worth) & (nav > 0)).astype(np.float64)
        weights = self.weights.wanted(markets, alive)
        return np.rint(known(weights * nav / worth)).astype(np.int64)
