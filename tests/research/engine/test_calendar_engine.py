"""Calendar spreads on the embedded engine: legs, rolls, profit and its sleeves."""

import dataclasses

import numpy as np
import pytest

from alpha.rules import rules_of
from alpha.rules.rule import Style
from research.data.dataset import Dataset
from research.engine.engine import RESIDUAL, EmbeddedEngine, run_backtest
from research.measures.attribution import attribute, outright_pnl
from tests.helpers import CALENDAR, TREND, bent, instrument, made_up_dataset, settings, traded
from universe.instruments import AssetClass

ALL = {
    "carry_rules": " ".join(rules_of(Style.CARRY)),
    "spread_max_age": 100,
    "vol_span": 20,
    "var_min_sessions": 100,
    "max_spread_exposure": 50.0,
}
MAR, JUN, SEP, DEC = 201503, 201506, 201509, 201512


# --- one market with positions by order ----------------------------------------------------------


@pytest.fixture(scope="module")
def one():
    """A quarterly market in euros, with the same price all session."""
    market = instrument("EU1", multiplier=25.0, currency="EUR", fee_currency="EUR")
    return bent(made_up_dataset(250, markets=[market], closed=0.0), settlement=True)


def scripted(data, wanted, asked=1.0):
    """Run in which the portfolio of session k is ``wanted(k)``: (outright, spread) contracts.

    The sleeves asked for ``asked`` times as much.
    """
    own = {"carry_rules": "calendar", "governor": "0.99 0.5", "var_limit": 1.0, "cash": 1e9}
    engine = EmbeddedEngine(data, settings(**own, vol_span=20))
    builder, session = engine.strategy.builder, iter(range(10**6))
    build = builder.build

    def as_wanted(*known):
        target = build(*known)
        outright, spread = wanted(next(session))
        parts = {TREND: [outright, 0.0], CALENDAR: [0.0, spread]}
        parts = {name: asked * np.array(part) for name, part in parts.items()}
        optimal = np.array([outright, spread], dtype=float)
        return dataclasses.replace(target, sleeve_contracts=parts, optimal=optimal)

    builder.build = as_wanted
    engine.strategy.trading.solve = lambda target, *_: traded(target.optimal)
    return engine


def closes_of(data, code):
    """Close by (day, contract month)."""
    history = data.markets[code]
    months = history.contract_month[history.contract].tolist()
    return dict(zip(zip(history.day.tolist(), months, strict=True), history.close, strict=True))


def holdings_by_session(result, code):
    """Contracts by month after every session, from the fills."""
    book, out = {}, []
    fills = [fill for fill in result.fills if fill.market == code]
    for day in result.day.tolist():
        for fill in fills:
            if fill.epoch_day == day:
                book[fill.month] = book.get(fill.month, 0) + fill.quantity
        out.append({month: n for month, n in book.items() if n})
    return out


FROM, TO = 50, 80
"""The round trip's decisions; the pair Jun/Sep is held all the time."""


class TestRoundTrip:
    @pytest.fixture(scope="class")
    @staticmethod
    def trip(one):
        """Short three spreads for 30 sessions, nothing else."""
        return scripted(one, lambda k: (0, -3 if FROM <= k < TO else 0)).run()

    def test_orders_hit_exactly_the_two_legs_once_each_way(self, trip):
        found = [(fill.month, fill.quantity) for fill in trip.fills]
        assert found == [(JUN, -3), (SEP, 3), (JUN, 3), (SEP, -3)]
        days = [fill.epoch_day for fill in trip.fills]
        assert days == trip.day[[FROM + 1, FROM + 1, TO + 1, TO + 1]].tolist()
        assert "expiry" not in {fill.reason for fill in trip.fills}

    def test_earns_contracts_times_multiplier_times_the_change_of_the_spread(self, trip, one):
        close = closes_of(one, "EU1")
        rate = dict(zip(one.fx["EUR"].day.tolist(), one.fx["EUR"].rate, strict=True))
        for row in range(FROM + 2, TO + 2):
            now, before = int(trip.day[row]), int(trip.day[row - 1])
            spread = [close[(day, JUN)] - close[(day, SEP)] for day in (now, before)]
            expected = -3 * 25.0 * (spread[0] - spread[1]) * rate[now]
            assert trip.pnl[row, 0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert np.abs(trip.pnl).sum() > 100
        assert not trip.pnl[: FROM + 2].any()
        assert not trip.pnl[TO + 2 :].any()

    def test_all_of_it_is_the_calendar_sleeves(self, trip):
        np.testing.assert_allclose(trip.sleeve_pnl[CALENDAR], trip.pnl, rtol=1e-9, atol=1e-9)
        assert not trip.sleeve_pnl[TREND].any()
        assert np.abs(trip.sleeve_pnl[RESIDUAL]).max() < 1e-9

    def test_no_part_of_it_is_outright_whatever_the_sleeve_asked_for(self, trip, one):
        """A sleeve that asked for 2.4 of 3 spreads has four fifths; the rest is rounding's."""
        rounded = scripted(one, lambda k: (0, -3 if FROM <= k < TO else 0), asked=0.8).run()
        np.testing.assert_array_equal(rounded.pnl, trip.pnl)
        np.testing.assert_allclose(rounded.sleeve_pnl[CALENDAR], 0.8 * trip.pnl, atol=1e-9)
        for result in (trip, rounded):
            np.testing.assert_allclose(result.spread_pnl, trip.pnl, rtol=1e-9, atol=1e-9)
            assert np.abs(outright_pnl(result)).max() < 1e-9
            split = attribute(result)
            assert np.abs(split.carry + split.spot).max() < 1e-16

    def test_is_recorded_as_a_spread_and_not_as_contracts_of_the_market(self, trip):
        held = trip.spread_contracts[:, 0]
        assert held.tolist() == [-3 if FROM < k <= TO else 0 for k in range(len(held))]
        assert trip.spread_targets[FROM:TO, 0].tolist() == [-3] * (TO - FROM)
        assert not trip.contracts.any()
        assert not trip.targets.any()

    def test_costs_are_two_legs_each_way(self, trip):
        assert trip.cost.sum() == pytest.approx(sum(f.slippage + f.fee for f in trip.fills))
        legs = [fill.fee / abs(fill.quantity) for fill in trip.fills]
        assert legs == pytest.approx([2.0] * 4, rel=0.3)  # euros


class TestRoll:
    """Five contracts and two spreads, held over two rolls."""

    @pytest.fixture(scope="class")
    @staticmethod
    def run(one):
        return scripted(one, lambda k: (5, 2) if k >= 30 else (0, 0)).run()

    def test_each_roll_orders_the_net_of_outright_and_legs(self, run):
        books = holdings_by_session(run, "EU1")
        changes = [(k, b) for k, b in enumerate(books) if k == 0 or b != books[k - 1]]
        assert [book for _, book in changes] == [
            {},
            {MAR: 5, JUN: 2, SEP: -2},  # the front has no nearer neighbour
            {JUN: 7, SEP: -2},
            {SEP: 7, DEC: -2},
            {DEC: 7, 201603: -2},
            {201603: 7, 201606: -2},
        ]
        by_day = {}
        for fill in run.fills:
            by_day.setdefault(fill.epoch_day, {})[fill.month] = (fill.quantity, fill.reason)
        orders = [by_day[int(run.day[k])] for k, _ in changes[2:]]
        assert orders == [
            {MAR: (-5, "roll"), JUN: (5, "roll")},
            {JUN: (-7, "roll"), SEP: (9, "roll"), DEC: (-2, "roll")},
            {SEP: (-7, "roll"), DEC: (9, "roll"), 201603: (-2, "roll")},
            {DEC: (-7, "roll"), 201603: (9, "roll"), 201606: (-2, "roll")},
        ]

    def test_profit_is_that_of_the_contracts_held_into_each_session(self, run, one):
        close, books = closes_of(one, "EU1"), holdings_by_session(run, "EU1")
        rate = dict(zip(one.fx["EUR"].day.tolist(), one.fx["EUR"].rate, strict=True))
        for k in range(1, len(run.day)):
            now, before = int(run.day[k]), int(run.day[k - 1])
            moved = sum(n * (close[(now, m)] - close[(before, m)]) for m, n in books[k - 1].items())
            assert run.pnl[k, 0] == pytest.approx(25.0 * moved * rate[now], rel=1e-9, abs=1e-6)

    def test_sleeves_have_the_profit_of_their_own_contracts_while_the_pair_lasts(self, run, one):
        close, books = closes_of(one, "EU1"), holdings_by_session(run, "EU1")
        rate = dict(zip(one.fx["EUR"].day.tolist(), one.fx["EUR"].rate, strict=True))
        checked = 0
        for k in range(2, len(run.day)):
            months = sorted(books[k - 1])
            if not books[k - 1] or books[k] != books[k - 1]:
                continue  # the session of a fill has what the new contracts made after its open
            now, before = int(run.day[k]), int(run.day[k - 1])
            move = {m: 25.0 * (close[(now, m)] - close[(before, m)]) * rate[now] for m in months}
            near, far = months[-2:]
            calendar = 2 * (move[near] - move[far])
            assert run.sleeve_pnl[CALENDAR][k, 0] == pytest.approx(calendar, abs=1e-6)
            assert run.spread_pnl[k, 0] == pytest.approx(calendar, abs=1e-6)
            outright = 5 * move[months[0]]
            assert run.sleeve_pnl[TREND][k, 0] == pytest.approx(outright, abs=1e-6)
            checked += 1
        assert checked > 200

    def test_neither_the_net_position_nor_the_spread_ever_moves(self, run):
        assert set(run.contracts[31:, 0].tolist()) == {5}
        assert set(run.spread_contracts[31:, 0].tolist()) == {2}


# --- a book with all rules -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def book():
    return bent(made_up_dataset(330))


@pytest.fixture(scope="module")
def run(book):
    return run_backtest(book, settings(**ALL))


class TestBookWithSpreads:
    def test_holds_spreads_in_all_markets(self, run):
        assert np.all((run.spread_targets != 0).sum(axis=0) > 50)
        assert np.all((run.spread_contracts != 0).sum(axis=0) > 50)
        assert set(run.sleeve_pnl) == {
            TREND,
            *(rule.SLEEVE for rule in rules_of(Style.CARRY).values()),
            RESIDUAL,
        }
        assert np.abs(run.sleeve_pnl[CALENDAR]).sum() > 1e5

    def test_sleeves_and_the_residual_add_up_to_the_profit(self, run):
        total = np.sum(list(run.sleeve_pnl.values()), axis=0)
        np.testing.assert_allclose(total, run.pnl, rtol=1e-12, atol=1e-7)
        for name, values in run.sleeve_pnl.items():
            assert values.shape == run.pnl.shape, name
            assert np.isfinite(values).all(), name

    def test_nav_moves_by_profit_less_cost_fx_and_closing_fees(self, book):
        run = run_backtest(book, settings(**ALL, sweep="never"))
        euro = run.markets.index("EQ2")
        history = book.fx["EUR"]
        rate = history.rate[np.searchsorted(history.day, run.day)]
        earned = (run.pnl - run.cost)[:, euro] / rate
        balance = np.concatenate([[0.0], np.cumsum(earned)[:-1]])
        revalued = balance * np.diff(rate, prepend=rate[0])
        fees = np.diff(run.closing_fees, prepend=0.0)
        net = (run.pnl - run.cost).sum(axis=1)
        expected = 50_000_000.0 + np.cumsum(net + revalued - fees)
        np.testing.assert_allclose(run.nav, expected, rtol=1e-12, atol=1e-4)

    def test_all_contracts_are_net_outright_and_offsetting_legs(self, run):
        for column, code in enumerate(run.markets):
            for k, legs in enumerate(holdings_by_session(run, code)):
                assert sum(legs.values()) == run.contracts[k, column]
                assert len(legs) <= 3

    def test_value_at_risk_after_the_gate_is_within_its_limit(self, book):
        own = {**ALL, "var_limit": 0.04, "vol_target": 0.2, "end": "2015-12-31"}
        result = run_backtest(book, settings(**own))
        binding = np.fmax(result.var_parametric, result.var_historical)
        assert binding.max() <= 0.04
        assert (result.gate_scale < 1).sum() > 20
        assert result.spread_targets.any()

    @pytest.mark.parametrize("follow", [False, True])
    def test_no_leg_is_held_after_its_last_holding_day(self, book, follow):
        """Spans rolls of all markets; closed days and depth included."""
        engine = EmbeddedEngine(book, settings(**ALL, follow_mapping=follow))
        last = [
            {c.month: c.last_holding for c in contracts} for contracts in engine.feed.contracts()
        ]
        held = set()
        for bars in engine.feed:
            engine.step(bars)
            for market, month in engine.ledger.holdings:
                assert bars.session.day <= last[market][month], (market, month)
                held.add((market, month))
        assert len(held) > 40
        assert "expiry" not in {fill.reason for fill in engine.result(0.0).fills}

    def test_orders_bring_the_holdings_to_the_targets_by_contract_month(self, run):
        """Whatever has a bar in the next session; all made-up contracts trade on the same days."""
        books = {code: holdings_by_session(run, code) for code in run.markets}
        closed = 0
        for k, targets in enumerate(run.target_contracts[:-1]):
            wanted = {code: {} for code in run.markets}
            for code, month, n in targets:
                wanted[code][month] = n
            for code in run.markets:
                found = books[code][k + 1]
                closed += found != wanted[code]
                assert found in (wanted[code], books[code][k]), (code, k)
        assert closed < 0.05 * len(run.day) * len(run.markets)


class TestPrefixInvariance:
    @pytest.mark.parametrize("rows", [90, 180, 270])
    def test_the_pipeline_with_all_rules_decides_the_same_without_the_future(self, run, book, rows):
        part = run_backtest(book.between(0, int(run.day[rows])), settings(**ALL))
        assert len(part.day) == rows + 1
        for name in ("day", "nav", "pnl", "cost", "targets", "contracts", "exante_vol", "active"):
            whole = getattr(run, name)[: rows + 1]
            np.testing.assert_array_equal(getattr(part, name), whole, err_msg=name)
        for table in ("sleeve_pnl", "forecasts"):
            for name, values in getattr(part, table).items():
                np.testing.assert_array_equal(values, getattr(run, table)[name][: rows + 1])
        for name in ("spread_targets", "spread_contracts", "spread_pnl", "carry_per_contract"):
            np.testing.assert_array_equal(part.__dict__[name], run.__dict__[name][: rows + 1])
        assert part.target_contracts == run.target_contracts[: rows + 1]
        assert part.spread_targets.any()

    def test_wild_curves_after_the_cut_change_nothing_before_it(self, run, book):
        """Only the farther contracts, so that the outright prices stay."""
        cut = int(run.day[200])
        wild = {}
        for code, history in book.markets.items():
            years = (history.expiry[history.contract] - history.day) / 365.25
            factor = np.where(history.day > cut, 1 + 0.3 * years, 1.0)
            prices = {k: getattr(history, k) * factor for k in ("open", "high", "low", "close")}
            wild[code] = dataclasses.replace(history, **prices)
        other = run_backtest(Dataset("bent", True, wild, book.fx), settings(**ALL))
        for k in range(201):
            assert other.target_contracts[k] == run.target_contracts[k]
        assert other.target_contracts[205:] != run.target_contracts[205:]


def test_spreads_at_negative_prices_stop_nothing():
    """A gas-like market falls through zero and comes back; nothing is traded meanwhile."""
    market = instrument("NG1", asset_class=AssetClass.ENERGY, sector="gas", tick=0.5)
    data = bent(made_up_dataset(300, markets=[market], closed=0.0))
    history = data.markets["NG1"]
    days = np.unique(history.day)
    top = 1.2 * history.close.max()
    depth = np.interp(np.arange(300), [0, 150, 200, 230, 280, 299], [0, 0, top, top, 0, 0])
    fall = depth[np.searchsorted(days, history.day)]
    prices = {k: getattr(history, k) - fall for k in ("open", "high", "low", "close")}
    below = Dataset("below", True, {"NG1": dataclasses.replace(history, **prices)}, data.fx)
    engine = EmbeddedEngine(below, settings(**ALL))
    wanted = []
    for bars in engine.feed:
        engine.step(bars)
        model = engine.strategy.trading.model_contracts
        wanted.append((*model.tolist(), float(engine.strategy.markets.price[0])))
    result = engine.result(0.0)
    assert np.isfinite(result.nav).all()
    assert np.isfinite(np.sum(list(result.sleeve_pnl.values()))).all()
    assert result.spread_targets[:150].any()
    under = [(outright, spread) for outright, spread, price in wanted if price <= 0]
    assert len(under) > 30
    assert {outright for outright, _ in under} == {under[0][0]}  # kept: it cannot be judged
    assert {spread for _, spread in under} == {under[0][1], 0}  # closed with its last holding day
