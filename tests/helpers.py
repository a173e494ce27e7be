"""Builders of instruments, sessions and small made-up markets for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from algorithm.decision import Account, Decision
from algorithm.settings import Settings
from algorithm.strategy import Strategy
from portfolio.trade import Trades
from research.data.dataset import Dataset, FxHistory, MarketHistory
from research.data.macro_series import MacroSeries
from research.engine.feed import Feed
from risk.book import Book
from risk.gate import GateResult, VarGate
from risk.governor import DrawdownGovernor
from universe.arrays import to_epoch_day
from universe.expiry import last_trade_date
from universe.instruments import AssetClass, Instrument, Notice
from universe.markets import Markets
from universe.session import Contract, Session

MONDAY = to_epoch_day(date(2015, 1, 5))


def instrument(code: str = "AA", **changes: object) -> Instrument:
    """A plain USD equity market with quarterly contracts."""
    fields: dict[str, object] = {
        "code": code,
        "name": code,
        "market": "cme",
        "asset_class": AssetClass.EQUITY,
        "sector": "us equity",
        "currency": "USD",
        "multiplier": 50.0,
        "tick": 0.01,
        "hold_months": "HMUZ",
        "priced_months": "HMUZ",
        "roll_days": 8,
        "carry_offset": 1,
        "depth": 0,
        "notice": Notice.CASH,
        "expiry_rule": "third_friday",
        "half_spread": 0.01,
        "fee": 2.0,
        "fee_currency": "USD",
        "adv_contracts": 1e6,
        "session": "09:30-16:00 America/New_York",
    }
    return Instrument(**{**fields, **changes})  # type: ignore[arg-type]


def weekdays(start: int, count: int) -> np.ndarray:
    """``count`` epoch days from Monday to Friday, from ``start`` on."""
    days = np.arange(start, start + 2 * count + 7)
    return days[(days + 3) % 7 < 5][:count].astype(np.int64)


def session(
    day: int,
    *quotes: Mapping[int, float],
    mapped: Iterable[int] | None = None,
    open_interest: Iterable[Mapping[int, float]] | None = None,
    fx: Iterable[float] | None = None,
) -> Session:
    n = len(quotes)
    return Session(
        int(day),
        [dict(q) for q in quotes],
        list(mapped) if mapped is not None else [0] * n,
        [dict(o) for o in open_interest] if open_interest is not None else [{} for _ in quotes],
        np.array(list(fx), dtype=float) if fx is not None else np.ones(n),
    )


def chain(*contracts: tuple[int, int] | tuple[int, int, int]) -> dict[int, Contract]:
    """Contracts from (month, expiry) or (month, expiry, last holding day)."""
    out = {}
    for month, expiry, *rest in contracts:
        out[month] = Contract(month, expiry, rest[0] if rest else expiry - 1)
    return out


FAR_AWAY = 100_000
"""An expiry that no test reaches."""


def one_market(*contracts: tuple[int, ...], **options: object) -> Markets:
    """``Markets`` of one instrument; with one contract that never expires unless others are given.

    Keyword arguments whose name is a field of the instrument go there, the others to ``Markets``.
    """
    fields = {key: options.pop(key) for key in list(options) if key in Instrument.__slots__}
    markets = Markets([instrument(**fields)], **options)  # type: ignore[arg-type]
    markets.contracts[0].update(chain(*(contracts or [(202003, FAR_AWAY)])))  # type: ignore[arg-type]
    return markets


def observe_closes(markets: Markets, closes: Iterable[float], first: int = MONDAY) -> list:
    """Feed closes of contract 202003 on consecutive weekdays."""
    closes = list(closes)
    return [
        markets.observe(session(day, {202003: float(close)}))
        for day, close in zip(weekdays(first, len(closes)), closes, strict=True)
    ]


def walk(seed: int, count: int, sigma: float = 0.01, start: float = 100.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return start * np.cumprod(1 + sigma * rng.standard_normal(count))


# --- a made-up dataset -------------------------------------------------------------------------

QUARTERLY, MONTHLY = "HMUZ", "FGHJKMNQUVXZ"
LETTERS = "FGHJKMNQUVXZ"


def made_up_instruments() -> list[Instrument]:
    """Six markets in five classes, one in euros, one held in its second contract."""
    cls = AssetClass
    return [
        instrument("EQ1", multiplier=500.0, adv_contracts=2e5),
        instrument(
            "EQ2",
            multiplier=600.0,
            currency="EUR",
            fee_currency="EUR",
            sector="eu equity",
            carry_offset=-1,
            roll_days=75,
        ),
        instrument("BD1", asset_class=cls.BOND, sector="us bond", multiplier=1000.0, duration=6.5),
        instrument("FX1", asset_class=cls.FX, sector="g10", multiplier=1200.0),
        instrument(
            "EN1",
            asset_class=cls.ENERGY,
            sector="gas",
            multiplier=900.0,
            hold_months=MONTHLY,
            priced_months=MONTHLY,
            depth=1,
        ),
        instrument(
            "MT1",
            asset_class=cls.METAL,
            sector="precious",
            multiplier=800.0,
            notice=Notice.PRIOR_MONTH_END,
            roll_days=32,
        ),
    ]


def made_up_history(
    market: Instrument,
    days: np.ndarray,
    seed: int,
    *,
    closed: float = 0.02,
    quoted: int = 4,
    open_interest: bool = False,
) -> MarketHistory:
    """Random walk with slow drifts; a curve of constant sign for a while; random closed days."""
    rng = np.random.default_rng(seed)
    n = len(days)
    drift = np.repeat(rng.standard_normal(n // 60 + 1) * 0.001, 60)[:n]
    sigma = rng.uniform(0.004, 0.014)
    spot = 100 * np.cumprod(1 + drift + sigma * rng.standard_normal(n))
    slope = np.repeat(rng.normal(0, 0.04, n // 90 + 1), 90)[:n]
    months, expiry = [], []
    first, last = _date(days[0]), _date(days[-1]) + timedelta(days=800)
    for year in range(first.year, last.year + 1):
        for number, letter in enumerate(LETTERS, 1):
            if letter in market.priced_months:
                end = to_epoch_day(last_trade_date(market.expiry_rule, year, number))
                if end >= days[0]:
                    months.append(year * 100 + number)
                    expiry.append(end)
    expiries = np.array(expiry)
    rows: list[tuple[int, int, float, float, float]] = []
    fronts = []
    for k in np.flatnonzero(rng.random(n) >= closed):
        day = int(days[k])
        listed = np.flatnonzero(expiries >= day)[:quoted]
        fronts.append((day, int(listed[1 if expiries[listed[0]] - day <= 3 else 0])))
        for contract in listed:
            years = (expiries[contract] - day) / 365.25
            close = round(float(spot[k] * (1 + slope[k] * years)), 2)
            opened = round(close * (1 + 0.3 * sigma * rng.standard_normal()), 2)
            moved_on = min(1.0, years / 0.08)  # a month before the end
            interest = 1000.0 * moved_on / (1 + years) if open_interest else np.nan
            rows.append((day, int(contract), opened, close, interest))
    table = np.array(rows)
    changed = [k for k in range(len(fronts)) if k == 0 or fronts[k][1] != fronts[k - 1][1]]
    return MarketHistory(
        instrument=market,
        contract_month=np.array(months),
        expiry=expiries,
        day=table[:, 0].astype(np.int64),
        contract=table[:, 1].astype(np.int64),
        open=table[:, 2],
        high=np.maximum(table[:, 2], table[:, 3]),
        low=np.minimum(table[:, 2], table[:, 3]),
        close=table[:, 3],
        volume=np.full(len(table), np.nan),
        open_interest=table[:, 4],
        mapped_from=np.array([fronts[k][0] for k in changed]),
        mapped_contract=np.array([fronts[k][1] for k in changed]),
    )


def made_up_dataset(
    sessions: int = 420,
    seed: int = 1,
    markets: list[Instrument] | None = None,
    *,
    closed: float = 0.02,
    starts: Mapping[str, int] | None = None,
) -> Dataset:
    """Dataset of ``made_up_instruments``; ``starts`` lists a market that many sessions later."""
    days = weekdays(MONDAY, sessions)
    histories = {
        market.code: made_up_history(
            market,
            days[(starts or {}).get(market.code, 0) :],
            seed * 100 + k,
            closed=closed,
            open_interest=market.code == "BD1",
        )
        for k, market in enumerate(markets or made_up_instruments())
    }
    rng = np.random.default_rng(seed)
    rate = 1.2 * np.cumprod(1 + 0.004 * rng.standard_normal(sessions))
    return Dataset("made up", True, histories, {"EUR": FxHistory("EUR", days, rate)})


def regime_markets() -> list[Instrument]:
    """Three of the made-up markets, two of them as those that the regime is read from."""
    made = made_up_instruments()
    return [replace(made[0], code="ES"), replace(made[2], code="ZN"), made[3]]


def with_macro(data: Dataset, seed: int = 5) -> Dataset:
    """The same data with made-up series of the VIX, of credit, and of a rate that stops."""
    days = np.unique(np.concatenate([history.day for history in data.markets.values()]))
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(len(days)) / 60.0)
    vix = 20.0 + 8.0 * wave + rng.standard_normal(len(days))
    credit = 0.02 + 0.005 * wave + 0.0005 * rng.standard_normal(len(days))
    stopped = len(days) - 30
    values = {
        "vix.spot": (days, np.maximum(vix, 9.0)),
        "credit.spread": (days, np.maximum(credit, 0.005)),
        "usd.ted": (days[:stopped], 0.004 + 0.001 * wave[:stopped]),
    }
    series = {name: MacroSeries(name, *one) for name, one in values.items()}
    return data.with_macro(series, [])


def bent(data: Dataset, *, settlement: bool = False, seed: int = 7) -> Dataset:
    """The same markets with curves that tilt at random and bend slowly: spreads with a carry.

    With ``settlement`` the opens are the closes, as of data without bars.
    """
    rng = np.random.default_rng(seed)
    histories = {}
    for code, history in data.markets.items():
        days, row = np.unique(history.day, return_inverse=True)
        tilt = np.zeros(len(days))
        for k, shock in enumerate(0.002 * rng.standard_normal(len(days))):
            tilt[k] = 0.97 * tilt[k - 1] + shock
        bend = 0.1 * np.sin(2 * np.pi * (np.arange(len(days)) / 250 + rng.random()))
        years = (history.expiry[history.contract] - history.day) / 365.25
        factor = 1 + tilt[row] * years + bend[row] * years**2
        prices = {
            name: np.round(getattr(history, "close" if settlement else name) * factor, 2)
            for name in ("open", "high", "low", "close")
        }
        histories[code] = replace(history, **prices)
    return Dataset("bent", True, histories, data.fx)


def without_bars(data: Dataset, code: str, day: int) -> Dataset:
    """The same data without the bars of one market on one day."""
    history = data.markets[code]
    keep = history.day != day
    rows = ("day", "contract", "open", "high", "low", "close", "volume", "open_interest")
    values = {name: getattr(history, name) for name in MarketHistory.__slots__}
    values.update({name: values[name][keep] for name in rows})
    return Dataset(
        data.name, data.synthetic, {**data.markets, code: MarketHistory(**values)}, data.fx
    )


def settings(**changes: object) -> Settings:
    """Settings that trade the made-up dataset from its first session, without caps or cooldown."""
    values: dict[str, object] = {
        "start": "2015-01-01",
        "min_position": 0.0,
        "budgets": "equal",
        "cap_market": 1.0,
        "cap_class": 1.0,
        "cap_beta": 5.0,
        "cap_gross": 50.0,
        "cap_jump": 1.0,
        "cap_short_vol": 1.0,
        "trend_rules": "tsmom",
        "buffer": 0.1,
        "governor": "0.05 0.8 0.10 0.6 0.20 0.4",
        "var_headroom": 0.0,
        "cost_limit": 10.0,
        "cost_limit_out": 10.0,
        "max_exposure": 20.0,
        "cooldown_sessions": 0,
        "roll_open_interest_ratio": 1.0,
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


class Plan:
    """A decision that has gone through the chain as far as whole contracts, before risk stages."""

    def __init__(self, decision: Decision) -> None:
        self.decision, self.contracts = decision, decision.traded

    def __getattr__(self, name: str) -> Any:
        target = self.decision.target
        return getattr(target if hasattr(target, name) else self.decision, name)


def decide(strategy: Strategy, bars: Session, nav: float = 5e7) -> Plan:
    """The strategy's chain of a day up to whole contracts."""
    strategy.observe(bars)
    return Plan(strategy.begin(Account(nav)).through("trade"))


def construct(strategy: Strategy, forecasts: Mapping[str, np.ndarray], nav: float) -> Plan:
    """The same on the session observed last, with the forecasts given."""
    walk = strategy.begin(Account(nav))
    walk.through("forecast").forecasts = dict(forecasts)
    return Plan(walk.through("trade"))


def forecasts_of(strategy: Strategy) -> dict[str, np.ndarray]:
    """Forecasts after the session observed last, with the screen as it stood."""
    decision = strategy.begin(Account(np.nan)).decision
    stage = next(stage for stage in strategy.chain if stage.name == "forecast")
    stage.run(decision)
    return decision.forecasts


def governor_of(strategy: Strategy) -> DrawdownGovernor:
    return strategy.scale_named("governor")  # type: ignore[return-value]


def gate_of(strategy: Strategy) -> VarGate:
    return next(stage for stage in strategy.protections if isinstance(stage, VarGate))


def traded(contracts: Any) -> Trades:
    """The trade stage's answer that these are the contracts."""
    whole = np.asarray(contracts).astype(np.int64)
    return Trades(whole, np.zeros(len(whole), dtype=bool))


def gate_targets(strategy: Strategy, contracts: Any, held: Any, unit: Any) -> GateResult:
    """The VaR gate's verdict on whole contracts, all of which may trade."""
    gate, model = gate_of(strategy), strategy.var_model()
    free = np.ones(len(contracts), dtype=bool)
    book = Book(strategy.day, 5e7, strategy.names, contracts, held, unit, free, model)
    return gate.judge(book)


def carry_of_a_contract(strategy: Strategy) -> np.ndarray:
    """Account currency a year that one contract held outright earns at an unchanged curve."""
    multiplier = np.array([market.multiplier for market in strategy.instruments])
    return strategy.snapshot.basis * multiplier * strategy.snapshot.fx


def rule_of(strategy: Strategy, name: str) -> Any:
    return next(rule for rule in strategy.forecasts.rules if name == rule.NAME)


TREND, CARRY, CROSS_SECTION = "trend", "carry", "cross section"
RELATIVE_VALUE, DIRECTIONAL, CALENDAR = "relative value", "directional", "calendar"
"""Names of the sleeves."""


def strategy_after(
    data: Dataset, sessions: int, nav: float = 5e7, **changes: object
) -> tuple[Strategy, Plan, list[Session]]:
    """A strategy that decided on the first sessions, its last plan, and the sessions to come."""
    feed = Feed(data, 0, 10**6)
    strategy = Strategy(settings(**changes), [h.instrument for h in data.markets.values()])
    for market, contracts in enumerate(feed.contracts()):
        for contract in contracts:
            strategy.list_contract(market, contract)
    days = [bars.session for bars in feed]
    for day in days[:sessions]:
        plan = decide(strategy, day, nav)
    return strategy, plan, days[sessions:]


def close_market(bars: Session, market: int) -> Session:
    """The same session without the bars of one market."""
    quotes = [{} if k == market else dict(q) for k, q in enumerate(bars.quotes)]
    interest = [{} if k == market else dict(o) for k, o in enumerate(bars.open_interest)]
    return Session(bars.day, quotes, list(bars.mapped), interest, bars.fx)


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(day))


def pinned(data_hash: str) -> None:
    """Skip a test of figures of the documents' data where the folder holds other data.

    A user's own copy has other days and markets: what holds of any data is tested on it all the
    same.
    """
    from research.studies.rules import ANCHOR_DATA

    if data_hash != ANCHOR_DATA:
        pytest.skip(f"figures of the documents' data ({ANCHOR_DATA[:12]}), not of {data_hash[:12]}")


def with_foresight(dataset: Dataset) -> Dataset:
    """The data with a VIX that knows the month ahead, so that the regime has something to tell."""
    history = dataset.markets["ES"]
    order = np.lexsort((history.day, history.contract))
    same = np.diff(history.contract[order]) == 0
    moves = np.diff(np.log(history.close[order]))[same]
    day, row = np.unique(history.day[order][1:][same], return_inverse=True)
    moves = np.bincount(row, moves) / np.bincount(row)  # of the contracts that had both closes
    ahead = sliding_window_view(moves[1:], 21).std(axis=1)
    vix = np.clip(1600.0 * ahead, 6.0, 140.0)
    series = MacroSeries("vix.spot", day[: len(vix)], vix)
    return dataset.with_macro({series.name: series}, [])
