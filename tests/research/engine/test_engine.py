import dataclasses
from datetime import date

import numpy as np
import pytest

from algorithm.settings import Settings, SettingsError
from research.data.dataset import Dataset, MarketHistory
from research.data.import_pysystemtrade import load_pysystemtrade
from research.engine.engine import EmbeddedEngine, run_backtest
from research.engine.feed import listed_contracts
from tests.helpers import (
    close_market,
    instrument,
    made_up_dataset,
    made_up_instruments,
    settings,
    traded,
    without_bars,
)
from universe.arrays import to_epoch_day
from universe.instruments import AssetClass
from universe.master import MASTER
from universe.rolls import roll_window_days

CODES = [market.code for market in made_up_instruments()]
RECORDS = (
    "day",
    "nav",
    "pnl",
    "cost",
    "roll_cost",
    "contracts",
    "targets",
    "weight",
    "exante_vol",
    "var_parametric",
    "var_historical",
    "var_relative",
    "var_one_day",
    "drawdown",
    "governor_scale",
    "gate_scale",
    "active",
)


CALM = {"governor": "0.99 0.5", "var_limit": 1.0}
"""Neither governor nor gate acts."""


@pytest.fixture(scope="module")
def run(made_up_run):
    return made_up_run


@pytest.fixture(scope="module")
def calm(made_up):
    return run_backtest(made_up, settings(**CALM))


def assert_same_record(one, other, rows=None):
    """Bit for bit, over the first ``rows`` sessions."""
    for name in RECORDS:
        np.testing.assert_array_equal(
            getattr(one, name)[:rows], getattr(other, name)[:rows], err_msg=name
        )
    for table in ("sleeve_pnl", "forecasts"):
        for name, values in getattr(one, table).items():
            np.testing.assert_array_equal(values[:rows], getattr(other, table)[name][:rows])


def until(items, day):
    return [item for item in items if item.epoch_day <= day]


def assert_prefix(data, part, cut):
    """``part`` was run on ``data`` without what follows epoch day ``cut``."""
    rows = int(np.searchsorted(data.day, cut, side="right"))
    assert len(part.day) == rows
    assert_same_record(part, data, rows)
    assert part.events == until(data.events, cut)
    assert part.fills == until(data.fills, cut)


class TestTheMadeUpRun:
    """That the run the other tests look at does something."""

    def test_trades_both_sleeves_in_all_markets(self, run):
        assert np.all(np.any(run.targets != 0, axis=0))
        for name in ("trend", "carry"):
            assert np.isfinite(run.forecasts[name][-1]).all()
        assert run.cost.sum() > 0
        assert {event.kind for event in run.events} >= {"roll", "flip"}

    def test_volatility_is_near_the_target(self, run):
        realised = run.returns[60:].std() * np.sqrt(run.sessions_a_year)
        assert 0.06 < realised < 0.15

    def test_says_what_it_is(self, run, made_up):
        assert (run.synthetic, run.engine, run.data_name) == (True, "embedded", "made up")
        assert run.data_hash == made_up.fingerprint()
        assert Settings.parse(run.settings) == settings()
        assert run.markets == CODES


class TestPrefixInvariance:
    @pytest.mark.parametrize("rows", [40, 150, 290, 377])
    def test_truncated_data_decide_the_same_up_to_the_cut(self, run, made_up, rows):
        cut = int(run.day[rows])
        assert_prefix(run, run_backtest(made_up.between(0, cut), settings()), cut)

    @pytest.mark.parametrize("covariance", ["ledoit_wolf", "block_diagonal"])
    def test_with_the_other_correlations_and_rules(self, made_up, covariance):
        changes = {"covariance": covariance, "trend_rules": "tsmom ewmac", "cooldown_sessions": 3}
        whole = run_backtest(made_up, settings(**changes))
        cut = int(whole.day[300])
        assert_prefix(whole, run_backtest(made_up.between(0, cut), settings(**changes)), cut)

    def test_wild_prices_after_the_cut_change_nothing_before_it(self, run, made_up):
        cut = int(run.day[300])
        wild = {}
        for code, history in made_up.markets.items():
            factor = np.where(history.day > cut, 3.0, 1.0)
            prices = {k: getattr(history, k) * factor for k in ("open", "high", "low", "close")}
            wild[code] = dataclasses.replace(history, **prices)
        other = run_backtest(Dataset("made up", True, wild, made_up.fx), settings())
        assert_same_record(run, other, 301)
        assert not np.array_equal(run.nav[301:], other.nav[301:])

    def test_a_market_that_is_listed_later_changes_nothing_before(self):
        data = made_up_dataset(220, starts={"MT1": 150})
        whole = run_backtest(data, settings())
        cut = int(whole.day[140])
        part = run_backtest(data.between(0, cut), settings())
        assert part.markets == [code for code in whole.markets if code != "MT1"]
        columns = [whole.markets.index(code) for code in part.markets]
        np.testing.assert_array_equal(part.targets, whole.targets[:141, columns])
        np.testing.assert_allclose(part.nav, whole.nav[:141], rtol=1e-12)

    def test_many_markets_that_are_listed_later_change_nothing_before(self):
        """The number of markets to come must not decide on today's correlations."""
        late = [instrument(f"X{k:02d}", asset_class=AssetClass.METAL) for k in range(24)]
        markets = [*made_up_instruments(), *late]
        data = made_up_dataset(100, markets=markets, starts={m.code: 80 for m in late})
        whole = run_backtest(data, settings())
        part = run_backtest(data.between(0, int(whole.day[70])), settings())
        assert part.markets == CODES
        assert part.targets.any()
        np.testing.assert_array_equal(part.targets, whole.targets[:71, : len(CODES)])

    @pytest.mark.realdata
    @pytest.mark.slow
    def test_on_real_data_imported_up_to_the_cut(self, futures_data):
        codes = ["ES", "FGBL", "ZN", "CL", "GC", "ZC", "6E"]
        first, last = date(2016, 6, 1), date(2018, 9, 28)
        own = settings(start="2017-01-02", warmup_days=250, end="2018-09-28")
        whole = run_backtest(
            load_pysystemtrade(futures_data, MASTER, codes, start=first, end=last), own
        )
        assert whole.targets[-1].any()
        for day in (date(2017, 9, 15), date(2018, 3, 19), date(2018, 8, 31)):
            data = load_pysystemtrade(futures_data, MASTER, codes, start=first, end=day)
            assert_prefix(whole, run_backtest(data, own), to_epoch_day(day))


class TestRepeatability:
    def test_the_same_run_twice_is_bit_identical(self, run, made_up):
        again = run_backtest(made_up_dataset(), settings())
        assert_same_record(run, again)
        assert (again.events, again.fills) == (run.events, run.fills)
        assert again.data_hash == run.data_hash == made_up.fingerprint()

    def test_stepping_equals_running(self, run, made_up):
        engine = EmbeddedEngine(made_up, settings())
        for bars in engine.feed:
            engine.step(bars)
        stepped = engine.result(0.0)
        assert_same_record(run, stepped)
        assert (stepped.events, stepped.fills) == (run.events, run.fills)

    def test_progress_ends_with_all_sessions(self, made_up):
        calls = []
        run_backtest(made_up, settings(end="2015-08-31"), lambda *call: calls.append(call))
        done, total = calls[-1]
        assert done == total > 64
        assert [call[0] for call in calls] == sorted(call[0] for call in calls)


class TestAccounts:
    def test_a_sleeve_earns_on_what_it_asked_for_up_to_a_fill_and_from_it(self):
        """Two sleeves of hundreds of contracts against each other, a few of them held."""
        market = instrument("EU1", multiplier=25.0, currency="EUR", fee_currency="EUR")
        data = made_up_dataset(160, markets=[market], closed=0.0)
        engine = EmbeddedEngine(data, settings(**CALM, cash=1e9))
        rng, builder = np.random.default_rng(3), engine.strategy.builder
        build = builder.build
        wishes = []

        def as_wished(*known):
            target = build(*known)
            trend, net = float(rng.integers(-900, 900)), int(rng.integers(-4, 5))
            trend, net = wishes[-1] if wishes and rng.random() < 0.4 else (trend, net)
            wishes.append((trend, net))
            parts = {"trend": np.array([trend]), "carry": np.array([net - trend])}
            return dataclasses.replace(
                target, sleeve_contracts=parts, optimal=np.array([float(net)])
            )

        builder.build = as_wished
        engine.strategy.trading.solve = lambda target, *_: traded(target.optimal)
        run = engine.run()
        history = data.markets["EU1"]
        prices = {
            (day, int(history.contract_month[contract])): (first, last)
            for day, contract, first, last in zip(
                history.day.tolist(), history.contract, history.open, history.close, strict=True
            )
        }
        rate = dict(zip(data.fx["EUR"].day.tolist(), data.fx["EUR"].rate, strict=True))
        rolls = {event.epoch_day for event in run.events if event.kind == "roll"}
        rolls |= {fill.epoch_day for fill in run.fills if fill.reason == "roll"}
        months = {fill.epoch_day: fill.month for fill in run.fills}
        checked, month = 0, 0
        for k in range(2, len(run.day)):
            before, day = run.day[k - 1 : k + 1].tolist()
            month = months.get(day, month)
            if not month or day in rolls or run.contracts[k - 1 : k + 1, 0].tolist() == [0, 0]:
                continue
            value = 25.0 * rate[day]
            first, last = prices[day, month]
            old, new = (wishes[j][0] if run.contracts[j + 1, 0] else 0.0 for j in (k - 2, k - 1))
            if day not in months:  # without a fill the sleeves exchange at the close
                first = last
            expected = value * (old * (first - prices[before, month][1]) + new * (last - first))
            assert run.sleeve_pnl["trend"][k, 0] == pytest.approx(expected, rel=1e-9, abs=1e-4)
            assert abs(run.sleeve_pnl["rounding and limits"][k, 0]) < 1e-3
            checked += 1
        assert checked > 100

    def test_sleeves_and_the_residual_add_up_to_the_profit(self, run):
        assert set(run.sleeve_pnl) == {"trend", "carry", "rounding and limits"}
        np.testing.assert_allclose(sum(run.sleeve_pnl.values()), run.pnl, atol=1e-6)

    def test_the_residual_is_small_where_nothing_was_cut(self, made_up):
        """A large fund without a band holds what the sleeves ask for, to half a contract."""
        own = settings(buffer=0.0, cash=1e10, governor="0.99 0.5", var_limit=1.0, max_adv=10.0)
        result = run_backtest(made_up, own)
        gross = np.abs(result.pnl).sum()
        assert np.abs(result.sleeve_pnl["rounding and limits"]).sum() < 0.02 * gross

    def test_nav_moves_by_profit_less_cost_fx_and_closing_fees(self, made_up):
        """The euro balance is rebuilt from the euro market's own profit and costs."""
        run = run_backtest(made_up, settings(sweep="never"))
        euro = CODES.index("EQ2")
        history = made_up.fx["EUR"]
        rate = history.rate[np.searchsorted(history.day, run.day)]
        earned = (run.pnl - run.cost)[:, euro] / rate
        balance = np.concatenate([[0.0], np.cumsum(earned)[:-1]])
        revalued = balance * np.diff(rate, prepend=rate[0])
        fees = np.diff(run.closing_fees, prepend=0.0)
        net = (run.pnl - run.cost).sum(axis=1)
        expected = 50_000_000.0 + np.cumsum(net + revalued - fees)
        np.testing.assert_allclose(run.nav, expected, rtol=1e-12, atol=1e-4)

    def test_contracts_are_the_cumulated_fills(self, run):
        for column, code in enumerate(run.markets):
            total = np.zeros(len(run.day), dtype=np.int64)
            for fill in run.fills:
                if fill.market == code:
                    total[np.searchsorted(run.day, fill.epoch_day) :] += fill.quantity
            np.testing.assert_array_equal(run.contracts[:, column], total)

    def test_costs_are_those_of_the_fills(self, run):
        for column, code in enumerate(run.markets):
            fills = [fill for fill in run.fills if fill.market == code]
            total = sum(fill.slippage + fill.fee for fill in fills)
            rolls = sum(fill.slippage + fill.fee for fill in fills if fill.reason == "roll")
            assert run.cost[:, column].sum() == pytest.approx(total)
            assert run.roll_cost[:, column].sum() == pytest.approx(rolls)
        assert min(min(fill.slippage, fill.fee) for fill in run.fills) >= 0

    def test_targets_are_held_after_the_next_bar_of_the_market(self, run, made_up):
        for column, code in enumerate(CODES):
            open_days = np.isin(run.day[1:], made_up.markets[code].day)
            assert 0 < (~open_days).sum() < 30
            held, asked = run.contracts[1:, column], run.targets[:-1, column]
            np.testing.assert_array_equal(held[open_days], asked[open_days])

    def test_drawdown_is_that_of_the_nav(self, run):
        peak = np.maximum.accumulate(run.nav)
        np.testing.assert_allclose(run.drawdown, 1 - run.nav / peak, atol=1e-12)

    def test_free_trading_costs_nothing(self, made_up):
        free = [
            dataclasses.replace(h, instrument=dataclasses.replace(h.instrument, fee=0.0))
            for h in made_up.markets.values()
        ]
        data = Dataset("free", True, dict(zip(CODES, free, strict=True)), made_up.fx)
        result = run_backtest(data, settings(cost_stress=0.0))
        assert result.cost.sum() == 0.0
        assert not result.closing_fees.any()


class TestRisk:
    @pytest.mark.parametrize("limit", [0.02, 0.06])
    def test_targets_never_leave_the_gate_above_the_limit(self, made_up, limit):
        result = run_backtest(made_up, settings(var_limit=limit))
        binding = np.fmax(result.var_parametric, result.var_historical)
        assert binding.max() <= limit
        assert (result.gate_scale < 1).any()
        assert any(event.kind == "gate" for event in result.events)
        assert result.targets.any()

    def test_governor_lowers_exposure_and_is_recorded(self, made_up):
        result = run_backtest(made_up, settings(governor="0.005 0.5"))
        assert set(np.round(result.governor_scale, 6)) >= {0.5, 1.0}
        at_once = np.flatnonzero(result.drawdown >= 0.005)
        assert result.governor_scale[at_once].max() <= 0.5

    def test_governed_targets_are_the_share_of_those_asked_for(self, made_up, calm):
        result = run_backtest(made_up, settings(governor="0.01 0.5", var_limit=1.0))
        first = int(np.flatnonzero(result.governor_scale < 1)[0])
        np.testing.assert_array_equal(result.targets[:first], calm.targets[:first])
        asked = calm.targets[first]
        assert np.abs(asked).max() > 1
        slack = 0.5 + 0.5 * 0.1 * np.abs(asked).max()  # rounding, and the band both stand in
        assert np.abs(result.targets[first] - 0.5 * asked).max() <= slack
        assert np.abs(result.targets[first]).sum() < 0.6 * np.abs(asked).sum()

    def test_without_data_of_the_reference_the_relative_figure_is_unknown(self, run):
        assert np.isnan(run.var_relative).all()


class TestRolls:
    def test_happen_within_their_window_or_with_the_front_or_the_open_interest(self, run, made_up):
        window = {m.code: roll_window_days(m) for m in made_up_instruments()}
        contracts = {
            code: {c.month: c for c in listed_contracts(h)} for code, h in made_up.markets.items()
        }
        rolls = [event for event in run.events if event.kind == "roll"]
        assert len(rolls) > 30
        for event in rolls:
            old, _, new, reason = event.detail.replace("(", "").replace(")", "").split(" ", 3)
            old, new = contracts[event.market][int(old)], contracts[event.market][int(new)]
            assert new.expiry > old.expiry
            assert new.expiry - event.epoch_day > window[event.market]
            inside = old.expiry - event.epoch_day <= window[event.market]
            last = old.last_holding <= event.epoch_day + 1
            assert (reason == "window") == (inside or last)
            assert reason in ("window", "mapping", "open interest")
            assert (reason == "open interest") == (event.market == "BD1")

    @pytest.mark.parametrize("seed", [1, 2])
    def test_no_position_after_the_last_holding_day(self, seed):
        data = made_up_dataset(300, seed)
        engine = EmbeddedEngine(data, settings(follow_mapping=False))
        last = [
            {c.month: c.last_holding for c in contracts} for contracts in engine.feed.contracts()
        ]
        held = set()
        for bars in engine.feed:
            engine.step(bars)
            for market, month in engine.ledger.holdings:
                assert bars.session.day <= last[market][month]
                held.add((market, month))
        assert len(held) > 20

    def test_both_legs_of_a_roll_are_filled_in_one_session(self, run, made_up):
        """All contracts of the made-up markets have bars on the same days."""
        months: dict[str, dict[int, int]] = {code: {} for code in CODES}
        for day in run.day.tolist():
            for fill in run.fills:
                if fill.epoch_day == day:
                    book = months[fill.market]
                    book[fill.month] = book.get(fill.month, 0) + fill.quantity
            for book in months.values():
                assert sum(1 for quantity in book.values() if quantity) <= 1


class TestClosedDays:
    """One market's bars of one ordinary day are taken away; the run hardly changes."""

    @pytest.mark.parametrize(
        ("code", "row"), [("EQ1", 260), ("BD1", 300), ("FX1", 344), ("EQ2", 285)]
    )
    def test_leave_the_market_and_hardly_touch_the_others(self, calm, made_up, code, row):
        eventful = {e.epoch_day for e in calm.events if e.market == code}
        while calm.day[row] not in made_up.markets[code].day or (
            eventful & {int(calm.day[row]) - 1, int(calm.day[row])}
        ):
            row += 1
        day = int(calm.day[row])
        other = run_backtest(without_bars(made_up, code, day), settings(**CALM))
        assert_same_record(calm, other, row)
        column = CODES.index(code)
        rest = np.arange(len(CODES)) != column
        assert other.targets[row, column] == other.targets[row - 1, column]
        for name, values in other.forecasts.items():
            assert values[row, column] == values[row - 1, column], name
        np.testing.assert_array_equal(other.active[row], calm.active[row])
        moved = np.abs(other.weight - calm.weight)
        assert moved[row, rest].max() < 0.01  # of NAV, where positions are of the order of 0.5
        assert np.abs(calm.weight[row, rest]).max() > 0.3
        assert moved[row + 40 :].max() < 0.05
        assert other.cost.sum() == pytest.approx(calm.cost.sum(), rel=0.02)
        assert other.nav[-1] == pytest.approx(calm.nav[-1], rel=0.005)

    def test_no_orders_on_a_day_on_which_nothing_trades(self, made_up):
        engine = EmbeddedEngine(made_up, settings())
        bars = list(engine.feed)
        for day in bars[:300]:
            engine.step(day)
        engine.step(bars[300])
        waiting = engine.ledger.pending()
        holdings = dict(engine.ledger.holdings)
        empty = bars[301].session
        for market in range(len(CODES)):
            empty = close_market(empty, market)
        engine.step(dataclasses.replace(bars[301], session=empty, open_of=lambda *_: None))
        assert engine.ledger.pending() == waiting
        assert engine.ledger.holdings == holdings
        result = engine.result(0.0)
        np.testing.assert_array_equal(result.targets[-1], result.targets[-2])
        assert not result.pnl[-1].any()
        assert not result.cost[-1].any()


class TestContractsThatEnd:
    @staticmethod
    def ending(made_up, result, code, row, keep_others):
        """From session ``row`` on the contract of ``code`` that is held has no bar any more."""
        day = int(result.day[row])
        history = made_up.markets[code]
        fills = [f for f in result.fills if f.market == code and f.epoch_day <= day]
        month = fills[-1].month
        gone = history.contract_month[history.contract] == month
        if not keep_others:
            gone = np.ones_like(gone)
        keep = ~(gone & (history.day > day))
        values = {name: getattr(history, name) for name in MarketHistory.__slots__}
        for name in ("day", "contract", "open", "high", "low", "close", "volume", "open_interest"):
            values[name] = values[name][keep]
        markets = {**made_up.markets, code: MarketHistory(**values)}
        return Dataset("ending", True, markets, made_up.fx), month, day

    def test_a_position_that_expires_is_closed_and_told(self, made_up, run):
        data, month, _ = self.ending(made_up, run, "FX1", 270, keep_others=False)
        result = run_backtest(data, settings())
        column = CODES.index("FX1")
        (event,) = [e for e in result.events if e.kind == "expiry"]
        assert event.market == "FX1"
        assert str(month) in event.detail
        assert result.contracts[-1, column] == 0
        assert result.targets[-1, column] == 0
        assert np.isfinite(result.nav).all()

    def test_one_that_ceases_to_be_quoted_never_doubles_the_position(self, made_up, run):
        """The new leg must not be opened while the old one cannot be closed."""
        data, _, day = self.ending(made_up, run, "FX1", 270, keep_others=True)
        result = run_backtest(data, settings())
        column = CODES.index("FX1")
        later = result.day > day
        largest = np.abs(result.targets[:, column]).max()
        assert any(e.kind == "roll" and "lost" in e.detail for e in result.events)
        assert np.abs(result.contracts[later, column]).max() <= largest


class TestInputs:
    def test_settings_choose_and_order_the_markets(self, made_up):
        result = run_backtest(made_up, settings(markets="MT1 EQ1", end="2015-04-30"))
        assert result.markets == ["MT1", "EQ1"]

    def test_nothing_is_traded_before_the_start_but_history_is_used(self, made_up):
        own = {"end": "2016-06-30", "start": "2016-03-01"}
        cold = run_backtest(made_up, settings(**own, warmup_days=0))
        warm = run_backtest(made_up, settings(**own, warmup_days=500))
        assert warm.day[0] == cold.day[0] >= to_epoch_day(date(2016, 3, 1))
        assert warm.targets[0].any()
        assert not cold.targets[:30].any()
        assert warm.nav[0] == 50_000_000.0
        assert min(fill.epoch_day for fill in warm.fills) > warm.day[0]

    def test_end_is_the_last_session(self, made_up):
        result = run_backtest(made_up, settings(end="2015-04-30"))
        assert result.day[-1] == to_epoch_day(date(2015, 4, 30))

    def test_no_session_between_start_and_end(self, made_up):
        with pytest.raises(SettingsError, match="made up has no session between start 1999-01-01"):
            EmbeddedEngine(made_up, settings(start="1999-01-01", end="1999-12-31"))

    def test_no_market(self, made_up):
        with pytest.raises(SettingsError, match="holds no market"):
            EmbeddedEngine(made_up, settings(markets=""))

    def test_unknown_market_is_named(self, made_up):
        with pytest.raises((SettingsError, KeyError), match="ZZ9"):
            EmbeddedEngine(made_up, settings(markets="EQ1 ZZ9"))
