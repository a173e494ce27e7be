"""The algorithm class and every LEAN model, driven by a small stand-in for LEAN.

With the real engine tests/lean compares much more; here it is the translation of every model that
is under test, and what happens to orders on their way.
"""

from __future__ import annotations

import gzip
from dataclasses import asdict, replace
from datetime import date
from types import SimpleNamespace

import AlgorithmImports as Lean
import numpy as np
import pytest

from algorithm import lean_algorithm
from algorithm.lean_algorithm import TrendCarryAlgorithm
from algorithm.lean_record import LIVE_RECORD_KEY, RECORD_KEY
from algorithm.settings import Settings
from algorithm.state import STATE_KEY
from research.data.second_sizes import with_second_sizes
from research.engine.engine import run_backtest
from research.lean.parity import compare
from research.measures.rolls import roll_records, roll_table
from tests.helpers import bent, made_up_dataset, settings
from tests.stand_ins.at_work import record_of, start
from tests.stand_ins.engine import StandInEngine, Store
from universe.arrays import sessions_a_year, to_epoch_day
from universe.instrument_table import InstrumentTableError
from universe.master import MASTER

SESSIONS = 330
START = "2015-12-01"
EVERY_RULE = {
    "trend_rules": "tsmom ewmac breakout",
    "carry_rules": "smoothed cross_section relative_value calendar directional",
}
RISKY = {"var_limit": 0.04, "governor": "0.005 0.8 0.01 0.5"}
PATIENT = {"roll_sessions": 2, "max_roll_adv": 0.05, "roll_wait": 4, "passive_fills": 0.25}


@pytest.fixture(scope="module")
def data():
    return made_up_dataset(SESSIONS, seed=4)


def listing_spreads(data):
    """The same bars of markets whose exchange lists calendar spreads."""
    markets = {
        code: replace(history, instrument=replace(history.instrument, spread_listed=True))
        for code, history in data.markets.items()
    }
    return replace(data, markets=markets)


def chosen(**changes) -> Settings:
    return settings(**{"start": START, "warmup_days": 400, "end": "2017-01-01", **changes})


def mapped_early(data):
    """The same bars with a mapping that moves on ten sessions sooner, before the roll window."""
    markets = {}
    for code, history in data.markets.items():
        sessions = np.unique(history.day)
        row = np.searchsorted(sessions, history.mapped_from)
        row[1:] = np.maximum(row[1:] - 10, row[:-1] + 1)
        markets[code] = replace(history, mapped_from=sessions[row])
    return replace(data, markets=markets)


def holed(data):
    """The same markets without a euro rate for five weeks."""
    euro = data.fx["EUR"]
    keep = np.delete(np.arange(len(euro.day)), slice(-80, -55))
    return replace(data, fx={"EUR": replace(euro, day=euro.day[keep], rate=euro.rate[keep])})


def ended(data, code="FX1", sessions=75):
    """The same markets, of which one has no bars any more while its contract runs to its end."""
    history = data.markets[code]
    last = np.unique(history.day)[-sessions]
    rows = {
        name: getattr(history, name)[history.day <= last]
        for name in ("day", "contract", "open", "high", "low", "close", "volume", "open_interest")
    }
    return replace(data, markets={**data.markets, code: replace(history, **rows)})


def traded(data):
    """The same bars with volumes that move from a contract to the next within its last month."""
    markets = {}
    for code, history in data.markets.items():
        left = history.expiry[history.contract] - history.day
        volume = np.round(200.0 * np.clip(left / 30.0, 0.0, 1.0) * 2.0 ** (-left / 60.0))
        markets[code] = replace(history, volume=volume)
    return replace(data, markets=markets)


def record_lines(part):
    return gzip.decompress(bytes(part)).decode().splitlines()


@pytest.fixture(
    scope="module",
    params=[
        ({}, False),
        (RISKY | PATIENT, False),
        (EVERY_RULE, True),
        ({"roll_orders": "spread", **EVERY_RULE}, True),
    ],
    ids=[
        "plain",
        "with scales, gate and patient rolls",
        "every rule and spreads",
        "rolls as spreads",
    ],
)
def both(request, data, tmp_path_factory):
    """The stand-in's run, its record as a result, and the embedded engine's result."""
    changes, curved = request.param
    the_data, the_settings = ended(holed(bent(data) if curved else data)), chosen(**changes)
    if "roll_wait" in changes:
        the_data = traded(the_data)
    if "roll_orders" in changes:
        the_data = listing_spreads(the_data)
    engine = start(the_data, the_settings).run().finish()
    read = record_of(engine, tmp_path_factory.mktemp("store"))
    return engine, read, run_backtest(the_data, the_settings)


class TestAgreesWithTheEmbeddedEngine:
    def test_targets_orders_fills_and_account(self, both):
        _, read, own = both
        report = compare(read, own)
        assert report.differences == []
        assert report.sessions == len(own.day)
        assert report.fills > 100

    def test_a_contract_that_the_exchange_closes_pays_like_any_other(self, both):
        _, read, own = both
        theirs, mine = ([f for f in r.fills if f.reason == "expiry"] for r in (read, own))
        assert [fill.market for fill in mine] == ["FX1"]
        assert mine[0].slippage > 0 < mine[0].fee
        assert [asdict(fill) for fill in theirs] == [
            pytest.approx(asdict(f), nan_ok=True) for f in mine
        ]

    @pytest.mark.slow
    def test_a_small_fund_with_the_optimiser_and_a_dynamic_mix(self, data, tmp_path):
        own = {"cash": 1.5e6, "optimiser": "whole", "sleeve_mix": "dynamic", "mix_window": 250}
        the_settings = chosen(**own)
        read = record_of(start(data, the_settings).run().finish(), tmp_path)
        embedded = run_backtest(data, the_settings)
        assert compare(read, embedded).differences == []
        assert read.events == embedded.events
        np.testing.assert_array_equal(read.targets, embedded.targets)
        np.testing.assert_allclose(read.tracking_error, embedded.tracking_error, rtol=1e-6)
        assert np.abs(embedded.targets).max() < 60

    @pytest.mark.slow
    def test_full_size_and_small_contracts(self, data, tmp_path):
        """ES and MES as one position: LEAN subscribes both, data of the first serve both."""
        first, *others = data.markets
        es = replace(data.markets[first].instrument, code="ES", multiplier=MASTER["ES"].multiplier)
        one = replace(data.markets[first], instrument=es)
        small = replace(data, markets={"ES": one, **{code: data.markets[code] for code in others}})
        the_settings = chosen(cash=1e6, contract_sizes=True)
        engine = start(with_second_sizes(small), the_settings).run().finish()
        read = record_of(engine, tmp_path)
        embedded = run_backtest(small, the_settings)
        assert compare(read, embedded).differences == []
        np.testing.assert_array_equal(read.targets, embedded.targets)
        np.testing.assert_allclose(read.pnl, embedded.pnl, atol=1e-3)
        ordered = {code for _, code, *_ in read.orders}
        assert {"ES", "MES"} <= ordered

    def test_profit_costs_and_sleeves(self, both):
        _, read, own = both
        assert own.sweep_cost.sum() > 0
        cash = ("interest", "fx_cash", "sweep_cost")
        for name in ("pnl", "cost", "roll_cost", "closing_fees", "weight", "risk_share", *cash):
            mine, theirs = getattr(own, name), getattr(read, name)
            size = float(np.abs(mine).max())
            np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-9 * size, err_msg=name)
        for name, mine in own.sleeve_pnl.items():
            size = float(np.abs(mine).max())
            np.testing.assert_allclose(read.sleeve_pnl[name], mine, rtol=1e-8, atol=1e-9 * size)

    def test_events_scales_and_history(self, both):
        _, read, own = both
        assert read.events == own.events
        assert any("EUR rate is of" in event.detail for event in read.events), "LEAN fills it"
        np.testing.assert_allclose(read.exposure_scale, own.exposure_scale)
        np.testing.assert_allclose(read.history_ret, own.history_ret, rtol=1e-9, atol=1e-12)
        assert read.settings == own.settings
        assert read.engine == "LEAN"

    def test_fills_carry_their_reason(self, both):
        _, read, own = both
        assert [asdict(f)["reason"] for f in read.fills] == [f.reason for f in own.fills]
        spreads = read.settings["roll_orders"] == "spread"
        assert {"roll spread" if spreads else "roll", "rebalance"} <= {
            fill.reason for fill in read.fills
        }
        assert any(fill.outright for fill in read.fills) == spreads
        worked = [(fill.algorithm, fill.minute) for fill in own.fills]
        assert [(fill.algorithm, fill.minute) for fill in read.fills] == worked

    def test_the_table_of_rolls(self, both):
        """A roll as a spread costs the slippage of one leg; fees are those of both."""
        _, read, own = both
        theirs, ours = roll_table(read), roll_table(own)
        assert [row.contracts for row in theirs] == [row.contracts for row in ours]
        assert [row.paid for row in theirs] == pytest.approx([row.paid for row in ours])
        assert [row.outright for row in theirs] == pytest.approx([row.outright for row in ours])
        spreads = own.settings["roll_orders"] == "spread"
        for record in roll_records(own):
            alone = record.kind == "roll"
            assert alone or spreads
            at_once = own.settings["roll_wait"] == "0"
            assert record.sessions == 1 or not at_once
            assert (record.paid == record.outright) is alone
            # a roll in parts leaves a day on which its position changes in one contract alone
            assert record.near < record.far or (record.far, record.contracts) == (0, 0)
            assert record.far or not at_once
        total = ours[-1]
        assert total.paid == pytest.approx(own.roll_cost.sum())


class TestWhatPeopleSee:
    def test_charts_stay_within_the_clouds_limits(self, both):
        engine, read, _ = both
        names = {series for _, series in engine.points}
        assert len(names) == len(engine.points) <= 10
        weeks = len({(day + 3) // 7 for day in read.day.tolist()})
        assert max(map(len, engine.points.values())) <= weeks

    def test_chart_values_are_those_of_the_decisions(self, both):
        engine, read, _ = both
        rows = {day: row for row, day in enumerate(read.day.tolist())}
        for when, value in engine.points[("Volatility", "Forecast")]:
            assert value == pytest.approx(read.exante_vol[rows[to_epoch_day(when.date())]])
        gross = {}
        for name in ("Gross", "Financials", "Commodities"):
            gross[name] = np.array([value for _, value in engine.points[("Gross and net", name)]])
        np.testing.assert_allclose(gross["Gross"], gross["Financials"] + gross["Commodities"])

    def test_realised_volatility_is_that_of_the_account(self, both):
        engine, read, _ = both
        when, value = engine.points[("Volatility", "Realised")][-1]
        row = read.day.tolist().index(to_epoch_day(when.date()))
        nav = read.nav[row - 60 : row + 1]
        year = sessions_a_year(read.day[row - 60 : row + 1])
        expected = np.std(nav[1:] / nav[:-1] - 1, ddof=1) * np.sqrt(year)
        assert value == pytest.approx(expected)

    def test_statistics(self, both):
        engine, read, _ = both
        assert engine.runtime["Exposure scale"].endswith("%")
        assert float(engine.summary["VaR Limit"]) == read.var_limit
        assert float(engine.summary["Mean Forecast Volatility"]) == pytest.approx(
            read.exante_vol.mean(), abs=1e-3
        )

    def test_order_tags_say_why(self, both):
        engine, read, _ = both
        tag = engine.tickets[-1].tag
        assert tag.split(":")[0] in ("rebalance", "roll")
        assert "trend" in tag
        assert "carry" in tag
        assert max(len(ticket.tag) for ticket in engine.tickets) < 160
        if read.exposure_scale.min() < 1:
            assert any("governor" in ticket.tag for ticket in engine.tickets)

    def test_insights(self, both):
        engine, _, _ = both
        assert {insight.source_model for insight in engine.emitted} >= {"trend", "carry"}
        for insight in engine.emitted:
            if insight.weight is None:
                assert insight.direction == Lean.InsightDirection.FLAT
                assert insight.confidence is None
                continue
            assert insight.direction.value == np.sign(insight.weight)
            assert insight.confidence == pytest.approx(abs(insight.weight) / 2.0)
            if insight.magnitude is not None:
                assert insight.source_model != "trend"
                assert np.sign(insight.magnitude) == insight.direction.value
        assert any(insight.magnitude for insight in engine.emitted)

    def test_the_benchmark_is_the_first_equity_index(self, both, data):
        engine, read, _ = both
        level = engine.benchmark(engine.time)
        assert level == pytest.approx(100.0 * np.prod(1 + read.history_ret[:, 0]), rel=1e-6)

    def test_charts_and_record_can_be_switched_off(self, data):
        engine = start(data, chosen(charts="off", decisions=False)).run(
            to_epoch_day(date(2016, 1, 15))
        )
        engine.finish()
        assert engine.tickets
        assert engine.points == {}
        assert engine.object_store == {}

    def test_trades_are_counted_from_flat_to_flat(self, both):
        engine, _, _ = both
        assert engine.trade_builder == (
            Lean.FillGroupingMethod.FLAT_TO_FLAT,
            Lean.FillMatchingMethod.FIFO,
        )

    def test_full_charts_show_every_class_and_sleeve(self, data):
        engine = start(data, chosen(charts="full")).run(to_epoch_day(date(2016, 1, 15)))
        names = {series for _, series in engine.points}
        assert {"Class equity", "Class metal", "Sleeve trend", "Sleeve carry"} <= names
        assert len(names) <= 30


class TestOrders:
    """Day by day until orders are on their way; then what becomes of them."""

    @pytest.fixture
    def engine(self, data):
        return start(data, chosen())

    def until_orders(self, engine):
        days = sorted(set(np.concatenate([h.day for h in engine.dataset.markets.values()])))
        for number, day in enumerate(days):
            engine.step(int(day))
            if len(engine._open()) > 2 and engine.time.month == 2:
                return [int(d) for d in days[number + 1 :]]
        raise AssertionError("no orders")

    def wanted(self, engine):
        decision = engine.algorithm._context.walk.decision
        legs = decision.snapshot.legs.target_contracts(decision.contracts)
        return {
            (market, month): n
            for market, months in legs.items()
            for month, n in months.items()
            if n
        }

    def test_an_order_that_raises_stops_no_other_and_is_not_counted(self, engine):
        engine.refuse = {"EQ1", "BD1"}
        self.until_orders(engine)
        assert any("no such order is taken" in line for line in engine.lines)
        sent = {engine.algorithm._context.strategy.names[o.market] for o in self.orders(engine)}
        assert sent
        assert not sent & engine.refuse

    def orders(self, engine):
        return engine.algorithm._context.walk.decision.orders

    def test_an_order_that_the_broker_refuses_is_told_and_ordered_anew(self, engine):
        days = self.until_orders(engine)
        engine.invalid = {ticket.symbol.id.symbol for ticket in engine._open()}
        before = {ticket.order_id for ticket in engine._open()}
        engine.step(days[0])
        refused = [t for t in engine.tickets if t.status == Lean.OrderStatus.INVALID]
        assert {t.order_id for t in refused} == before
        assert any("the broker refuses it" in line for line in engine.lines)
        assert engine.algorithm._context.pending == {}
        engine.invalid = set()
        engine.step(days[1])
        engine.step(days[2])
        held = {key: n for key, n in engine.algorithm._context.holdings.items()}
        assert held

    def test_a_market_whose_combos_are_refused_rolls_by_legs(self, data):
        """Once refused, it is told once; the others go on with spreads."""
        engine = start(listing_spreads(data), chosen(roll_orders="spread"))
        first, *_ = data.markets
        engine.no_combos.add(first)
        engine.run()
        told = [line for line in engine.lines if "no calendar spread" in line]
        assert len(told) == 1
        assert told[0].startswith(first)
        grouped = {ticket.symbol.id.symbol for ticket in engine.tickets if len(ticket.group) > 1}
        assert grouped
        assert first not in grouped
        legs = [t for t in engine.tickets if t.tag.startswith("roll:")]
        assert {ticket.symbol.id.symbol for ticket in legs} == {first}

    def test_a_cancelled_order_is_ordered_anew(self, engine):
        days = self.until_orders(engine)
        ticket = engine._open()[0]
        ticket.cancel("by hand")
        engine.step(days[0])
        assert ticket.order_id not in engine.algorithm._context.tickets

    def test_a_partial_fill_leaves_the_rest_on_its_way(self, engine):
        days = self.until_orders(engine)
        ticket = max(engine._open(), key=lambda one: abs(one.quantity))
        assert abs(ticket.quantity) > 1
        ticket.quantity_filled = float(np.sign(ticket.quantity))  # in the night, by one contract
        ticket.status = Lean.OrderStatus.PARTIALLY_FILLED
        engine.book(ticket.security, int(ticket.quantity_filled), 100.0)
        key = engine.algorithm._context.keys[ticket.symbol]
        code = ticket.symbol.id.symbol
        rows, engine._rows[code] = engine._rows[code], {}  # its market is closed
        engine.step(days[0])
        engine._rows[code] = rows
        pending = engine.algorithm._context.pending
        assert pending[key] == ticket.quantity - ticket.quantity_filled
        on_its_way = [t for t in engine._open() if t.symbol == ticket.symbol]
        held = engine.portfolio[ticket.symbol].quantity
        total = held + sum(t.quantity - t.quantity_filled for t in on_its_way)
        assert total == self.wanted(engine).get(key, 0)

    def test_fills_in_parts_are_all_recorded(self, data, tmp_path):
        engine = start(data, chosen())
        engine.parts = 3
        engine.run(to_epoch_day(date(2016, 3, 1))).finish()
        read = record_of(engine, tmp_path)
        own = run_backtest(data, chosen(end="2016-03-01"))
        assert len(read.fills) > len(own.fills)
        np.testing.assert_array_equal(read.contracts, own.contracts)
        np.testing.assert_allclose(read.pnl, own.pnl, atol=1e-6 * np.abs(own.pnl).max())

    def test_a_late_fill_counts_on_the_next_line(self, engine, tmp_path):
        """Bars of sessions through midnight fill after the decision."""
        days = self.until_orders(engine)
        ticket = engine._open()[0]
        ticket.status, ticket.quantity_filled = Lean.OrderStatus.FILLED, ticket.quantity
        engine.book(ticket.security, int(ticket.quantity), ticket.security.last.close)
        engine._tell(ticket, int(ticket.quantity), ticket.security.last.close, "")
        engine.step(days[0])
        engine.finish()
        read = record_of(engine, tmp_path)
        late = [
            f for f in read.fills if f.epoch_day == read.day[-2] and f.month == ticket.symbol.month
        ]
        assert ticket.quantity in [fill.quantity for fill in late]

    def test_what_nobody_ordered_is_told_apart(self, engine, tmp_path):
        days = self.until_orders(engine)
        symbol, holding = next((s, h) for s, h in engine.portfolio.items() if h.quantity)
        security = engine._security(symbol)
        ended = type(engine.tickets[0])(
            999, security, -holding.quantity, "Liquidate from delisting"
        )
        engine.book(security, -holding.quantity, security.last.close)
        engine._tell(ended, -holding.quantity, security.last.close, "")
        by_hand = type(engine.tickets[0])(998, security, 1, "")
        engine._tell(by_hand, 1, security.last.close, "")
        engine.step(days[0])
        read = record_of(engine.finish(), tmp_path)
        reasons = {fill.reason for fill in read.fills if fill.market == symbol.id.symbol}
        assert {"expiry", "other"} <= reasons
        assert any(event.kind == "expiry" for event in read.events)


class TestLive:
    def test_a_restart_goes_on_from_the_state_and_keeps_the_record(self, data):
        first = start(data, chosen(), live=True).run(to_epoch_day(date(2016, 1, 8)))
        assert STATE_KEY in first.object_store
        parts = [key for key in first.object_store if key.startswith(LIVE_RECORD_KEY)]
        assert parts
        again = start(data, chosen(), live=True, store=first.object_store, today=date(2016, 1, 9))
        assert any("restored as of 2016-01-08" in line for line in again.lines)
        assert again.algorithm._context.strategy.day == first.algorithm._context.strategy.day
        np.testing.assert_array_equal(
            again.algorithm._context.strategy.last_contracts,
            first.algorithm._context.strategy.last_contracts,
        )

    def test_a_restart_in_the_evening_takes_the_decision_that_is_missing(self, data):
        day = to_epoch_day(date(2015, 12, 10))
        whole = start(data, chosen(), live=True).run(day)
        killed = start(data, chosen(), live=True).run(day - 1)
        killed._events, events = [], killed._events
        killed.step(day)  # its bars are there, and nobody decides
        killed._events = events
        killed.is_warming_up = True  # as it is when LEAN starts again: it passes the time then
        killed.algorithm._decide()
        killed.is_warming_up = False
        before = len(killed.tickets)
        for hour in (17, 21):  # not due yet, and too late
            killed.time = killed.time.replace(hour=hour)
            killed.algorithm.on_warmup_finished()
        assert len(killed.tickets) == before < len(whole.tickets)
        killed.time = killed.time.replace(hour=18, minute=20)
        killed.algorithm.on_warmup_finished()
        ordered, again = (
            [(ticket.symbol.value, ticket.quantity) for ticket in engine.tickets]
            for engine in (whole, killed)
        )
        assert again == ordered
        assert "the decision of this session is missing; it is taken now" in killed.lines

    def test_a_damaged_part_of_the_record_is_found_in_its_spare(self, data):
        first = start(data, chosen(), live=True).run(to_epoch_day(date(2015, 12, 10)))
        store = first.object_store
        key = f"{LIVE_RECORD_KEY}/2015-12.gz"
        before = record_lines(store[key])
        store[key] = bytes(store[key])[:100]
        again = start(data, chosen(), live=True, store=store, today=date(2015, 12, 10))
        record, last = again.algorithm._record, before[-1]
        record._write(to_epoch_day(date(2015, 12, 10)), last)  # decided on again
        record._write(to_epoch_day(date(2015, 12, 9)), last.replace("decision", "session", 1))
        record._save()
        after = record_lines(store[key])
        assert after[: len(before)] == before
        assert len(after) == len(before) + 1  # the header of the second start
        assert any("2015-12.gz" in error for error in again.errors)

    def test_foreign_cash_is_changed_by_orders_in_its_pair(self, data):
        """The stand-in pays positions in full, so that euros are short by what is held in them."""
        engine = start(data, chosen(), live=True).run(to_epoch_day(date(2016, 1, 8)))
        assert engine.changes
        for day, pair, quantity in engine.changes:
            assert pair == "EURUSD"
            assert day.weekday() != 4, "the pair is shut on a Friday evening"
            assert 20_000 <= abs(quantity) <= 6e6
        told = [line for line in engine.lines if line.startswith("cash: ")]
        assert len(told) == len({day for day, _, _ in engine.changes})

    def test_an_error_costs_an_evening_not_the_deployment(self, data, monkeypatch):
        engine = start(data, chosen(), live=True)
        monkeypatch.setattr(
            engine.algorithm, "_observe", lambda: (_ for _ in ()).throw(ValueError("no"))
        )
        engine.run(to_epoch_day(date(2015, 1, 8)))
        assert any("no orders for it, positions stay" in error for error in engine.errors)

    def test_a_full_store_is_told_and_stops_nothing(self, data):
        engine = start(data, chosen(), live=True)
        engine.object_store.full = True
        engine.run(to_epoch_day(date(2015, 12, 10)))
        assert any("the record of the run has a gap" in error for error in engine.errors)
        assert any("a restart would use an older state" in error for error in engine.errors)
        assert engine.tickets

    def test_a_backtest_forgets_the_record_of_the_one_before(self, data):
        store = start(data, chosen()).object_store
        store[f"{RECORD_KEY}/1970.gz"] = b"old"
        store["mine.txt"] = "kept"
        start(data, chosen(), store=store)
        assert list(store) == ["mine.txt"]


class TestMapping:
    def test_the_contract_that_lean_maps_is_followed(self, data):
        engine = start(data, chosen()).run(to_epoch_day(date(2015, 9, 1)))
        algorithm = engine.algorithm
        for market, code in enumerate(data.markets):
            mapped = engine.securities[(code, 0)].mapped
            assert algorithm._mapped_month(market) == mapped.month

    def test_the_mapping_of_the_session_counts_wherever_the_exchange_lies(
        self, data, tmp_path, monkeypatch
    ):
        """East of New York LEAN changes the mapping before the decision of the session before."""
        data = mapped_early(data)
        expected = run_backtest(data, chosen())
        assert any(event.kind == "roll" and "mapping" in event.detail for event in expected.events)
        monkeypatch.setattr(StandInEngine, "east", True)
        read = record_of(start(data, chosen()).run().finish(), tmp_path)
        np.testing.assert_array_equal(read.contracts, expected.contracts)
        assert read.fills == expected.fills

    def test_the_universe_reaches_beyond_the_contract_held(self, data):
        engine = start(data, chosen()).run(to_epoch_day(date(2015, 9, 1)))
        chains = list(engine.universe.create_universes(engine))
        assert [chain.symbol.value for chain in chains] == [f"/{code}" for code in data.markets]
        asked = []
        for chain in chains:
            chain.select(type("Chain", (), {"expiration": lambda _, a, b: asked.append((a, b))})())
        assert all(first.days == 0 and 400 <= last.days <= 1100 for first, last in asked)

    def test_an_account_in_another_currency_is_refused(self, data, monkeypatch):
        monkeypatch.setattr(StandInEngine, "account_currency", "EUR")
        with pytest.raises(ValueError, match="the account's currency is EUR"):
            start(data, chosen())


class TestOwnMarkets:
    def test_a_table_in_the_store_makes_the_master(self, data, monkeypatch):
        seen = []
        instruments = [history.instrument for history in data.markets.values()]
        monkeypatch.setattr(
            lean_algorithm, "lean_markets", lambda _, master: seen.append(master) or instruments
        )
        for value in ("mine.csv", "code,tick;ES,0.5"):
            store = Store({"mine.csv": "code,tick\nES,0.5\n"})
            parameters = chosen(instruments=value).as_strings()
            StandInEngine(TrendCarryAlgorithm(), data, parameters, store=store)
        assert [master["ES"].tick for master in seen] == [0.5, 0.5]
        with pytest.raises(InstrumentTableError, match="instruments 'none': allowed is a"):
            start(data, chosen(instruments="none"))

    def test_facts_that_lean_does_not_share_are_refused_or_told(self, data):
        engine = start(data, chosen())
        security = next(s for (code, month), s in engine.securities.items() if not month)
        code, properties = security.symbol.id.symbol, security.symbol_properties
        properties.minimum_price_variation = 0.5
        engine.algorithm.on_securities_changed(SimpleNamespace(added_securities=[security]))
        assert f"{code}: tick is 0.01 here, 0.5 in LEAN" in engine.lines
        properties.contract_multiplier = 1.0
        with pytest.raises(ValueError, match=f"{code}: multiplier is .* here, 1.0 in LEAN; mend"):
            engine.algorithm.on_securities_changed(SimpleNamespace(added_securities=[security]))


class TestFirstLook:
    @staticmethod
    def at_the_start(data, the_data):
        """The algorithm on the markets of ``data``, up to its start on those of ``the_data``."""
        instruments = [history.instrument for history in data.markets.values()]
        patch = pytest.MonkeyPatch()
        patch.setattr(lean_algorithm, "lean_markets", lambda markets, master: instruments)
        with patch.context():
            engine = StandInEngine(TrendCarryAlgorithm(), the_data, chosen().as_strings())
        first = to_epoch_day(date.fromisoformat(START))
        engine.step(first - 1)
        engine.step(first)
        return engine

    def test_a_market_without_bars_and_the_start_time_are_said_after_the_warm_up(self, data):
        absent = next(iter(data.markets))
        markets = {code: one for code, one in data.markets.items() if code != absent}
        engine = self.at_the_start(data, replace(data, markets=markets))
        lines = [line for line in engine.lines if "after the warm-up" in line]
        assert any(line.startswith(f"{absent}: no bar") for line in lines)
        assert any(line.startswith("started in ") for line in engine.lines)

    def test_no_market_at_all_is_an_error(self, data):
        engine = self.at_the_start(data, replace(data, markets={}))
        assert any("none of" in error for error in engine.errors)
