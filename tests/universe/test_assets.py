"""Markets and their spreads as one list of assets, and back to contract months."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.strategy import Strategy
from execution.orders import plan_orders
from tests.helpers import MONDAY, chain, instrument, session, settings
from universe.assets import Assets
from universe.legs import Legs
from universe.markets import Markets
from universe.session import NO_CONTRACT
from universe.spreads import CalendarSpreads

MAR, JUN, SEP, DEC = 201503, 201506, 201509, 201512
FAR_OFF = MONDAY + 1000


def strategy(n=1, rules="smoothed calendar"):
    return Strategy(settings(carry_rules=rules), [instrument(f"M{k}") for k in range(n)])


def legs(held, near, far):
    """Legs of these contract months, the same before the session and after it."""
    now = [np.array(months, dtype=np.int64) for months in (held, near, far)]
    return Legs(*now, np.zeros(len(held), dtype=np.int64), *now, spreads=True)


def with_pair(held, near, far):
    """Legs of one market."""
    return legs([held], [near], [far])


def outright(*held):
    """Legs of markets without spreads."""
    now, none = np.array(held, dtype=np.int64), np.zeros(len(held), dtype=np.int64)
    return Legs(now, none, none, none, now, none, none, spreads=False)


class TestTargets:
    @pytest.mark.parametrize(
        ("held", "near", "far", "contracts", "expected"),
        [
            (MAR, MAR, JUN, [5, 2], {MAR: 7, JUN: -2}),
            (MAR, MAR, JUN, [5, -2], {MAR: 3, JUN: 2}),
            (MAR, MAR, JUN, [-2, 2], {MAR: 0, JUN: -2}),
            (MAR, JUN, SEP, [5, 2], {MAR: 5, JUN: 2, SEP: -2}),
            (MAR, JUN, SEP, [0, -3], {MAR: 0, JUN: -3, SEP: 3}),
            (MAR, MAR, JUN, [5, 0], {MAR: 5, JUN: 0}),
            (MAR, MAR, JUN, [0, 0], {MAR: 0, JUN: 0}),
            (JUN, MAR, JUN, [5, 2], {JUN: 3, MAR: 2}),
            (MAR, NO_CONTRACT, NO_CONTRACT, [4, 0], {MAR: 4}),
        ],
    )
    def test_legs_are_netted_with_the_outright_position(self, held, near, far, contracts, expected):
        own = with_pair(held, near, far)
        assert own.target_contracts(np.array(contracts)) == {0: expected}

    def test_a_market_without_a_contract_to_hold_is_not_named(self):
        own = with_pair(NO_CONTRACT, NO_CONTRACT, NO_CONTRACT)
        assert own.target_contracts(np.array([0, 0])) == {}

    def test_a_spread_belongs_to_its_own_market(self):
        own = legs([MAR, JUN, NO_CONTRACT], [MAR, JUN, 0], [JUN, SEP, 0])
        found = own.target_contracts(np.array([1, 2, 0, 10, 0, 0]))
        assert found == {0: {MAR: 11, JUN: -10}, 1: {JUN: 2, SEP: 0}}

    def test_without_spreads_only_the_held_contract_is(self):
        own = outright(MAR, JUN)
        assert own.target_contracts(np.array([3, -4])) == {0: {MAR: 3}, 1: {JUN: -4}}

    @given(st.integers(-50, 50), st.integers(-50, 50), st.permutations([MAR, JUN, SEP, DEC]))
    def test_a_spread_never_changes_the_net_contracts(self, outright, spread, months):
        own = with_pair(*months[:3])
        wanted = own.target_contracts(np.array([outright, spread]))[0]
        assert sum(wanted.values()) == outright

    def test_an_outright_roll_into_the_far_leg_orders_the_net_of_both(self):
        """Mar and Mar/Jun become Jun and Jun/Sep: June goes from the far leg's -2 to +7."""
        before = with_pair(MAR, MAR, JUN).target_contracts(np.array([5, 2]))
        after = with_pair(JUN, JUN, SEP).target_contracts(np.array([5, 2]))
        holdings = {(0, month): n for month, n in before[0].items()}
        orders = {o.month: o.quantity for o in plan_orders(after, holdings, {})}
        assert orders == {MAR: -7, JUN: 9, SEP: -2}


class TestHeldAssets:
    @given(
        st.lists(
            st.tuples(
                st.integers(-99, 99),
                st.integers(-99, 99),
                st.permutations([MAR, JUN, SEP, DEC]),
                st.booleans(),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def test_undo_target_contracts(self, rows):
        outright, spread = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        months = [row[2] for row in rows]
        near = [
            held if row[3] else other for row, (held, other, *_) in zip(rows, months, strict=True)
        ]
        own = legs([m[0] for m in months], near, [m[2] for m in months])
        contracts = np.concatenate([outright, spread])
        holdings = {
            (market, month): n
            for market, wanted in own.target_contracts(contracts).items()
            for month, n in wanted.items()
            if n
        }
        np.testing.assert_array_equal(own.held_assets(holdings), contracts)

    def test_without_spreads_are_net_contracts(self):
        own = outright(MAR, JUN)
        assert own.held_assets({(0, MAR): 4, (0, JUN): -1, (1, SEP): 2}).tolist() == [3, 2]

    def test_no_holdings(self):
        assert legs([MAR, MAR], [0, 0], [0, 0]).held_assets({}).tolist() == [0, 0, 0, 0]


QUOTES = {MAR: 102.0, JUN: 101.0, SEP: 100.5, DEC: 100.25}


def observed(assets, bars):
    """What markets and spreads saw in a session, and (seen, return) of all assets."""
    days = assets.walk([bars])
    spread = None if days.spread_seen is None else days.spread_seen.at(0)
    return days.observed[0], spread, days.seen()[0], days.ret()[0]


class TestJoins:
    def assets(self, spreads=True, last=FAR_OFF):
        markets = Markets([instrument("AA"), instrument("BB")], vol_span=2)
        for contracts in markets.contracts:
            months = enumerate((MAR, JUN, SEP, DEC))
            contracts.update(chain(*((m, FAR_OFF + 90 * k, last + 90 * k) for k, m in months)))
        return Assets(markets, CalendarSpreads(markets, vol_span=2) if spreads else None)

    def fed(self, **options):
        """After sessions in which BB's June contract had no bar and BB none on the last day."""
        assets = self.assets(**options)
        without_june = {m: c for m, c in QUOTES.items() if m != JUN}
        for k in range(5):
            moved = {m: c + 0.1 * k * (m == JUN) + 0.3 * (k % 2) for m, c in QUOTES.items()}
            bb = {} if k == 4 else {m: moved[m] for m in without_june}
            found = observed(assets, session(MONDAY + k, moved, bb))
        return assets, found

    def test_arrays_are_the_markets_then_the_spreads(self):
        assets, (seen, spread, both, ret) = self.fed()
        markets, spreads = assets.markets, assets.spreads
        assert (assets.n_markets, assets.n) == (2, 4)
        assert spreads.near.tolist() == [JUN, SEP]
        assert both.tolist() == [True, False, True, False]
        np.testing.assert_array_equal(ret, [*seen.ret, *spread.ret])
        for joined, first, second in (
            (assets.sigma(), markets.sigma(), spreads.sigma()),
            (assets.current_sigma(), markets.vol.std(), spreads.vol.std()),
            (assets.price(), markets.positive_price, spreads.near_price),
            (assets.last_seen(), markets.last_seen, spreads.last_seen),
        ):
            np.testing.assert_array_equal(joined, [*first, *second])
        assert assets.price()[2] == pytest.approx(101.4)
        assert assets.last_seen().tolist() == [MONDAY + 4, MONDAY + 3] * 2
        assert assets.per_asset(np.array([1.0, 2.0])).tolist() == [1.0, 2.0, 1.0, 2.0]

    def test_a_spread_lives_and_trades_with_its_market(self):
        assets, (_, _, both, _) = self.fed()
        day = MONDAY + 4
        # BB's spread Sep/Dec never moved: it has no volatility
        assert assets.alive(day).tolist() == [True, True, True, False]
        assert assets.tradable(both).tolist() == [True, False, True, False]
        assert assets.tradable(np.ones(4, dtype=bool)).all()
        assets.markets.held[0] = NO_CONTRACT
        assets.markets.suspect[0] = 5.0
        assert assets.alive(day).tolist() == [False, True, False, False]
        assert not assets.tradable(np.ones(4, dtype=bool))[[0, 2]].any()

    def test_a_market_can_trade_without_its_spread(self):
        assets, _ = self.fed()
        seen = np.array([True, True, False, False])
        assert assets.tradable(seen).tolist() == seen.tolist()

    def test_exits_are_joined(self):
        assets, _ = self.fed()
        assert not assets.must_exit(MONDAY + 4).any()
        assets.markets.must_exit[1] = True
        assets.spreads.near_last[0] = MONDAY + 7
        assert assets.must_exit(MONDAY + 4).tolist() == [False, True, True, False]
        assets.spreads.near[1] = NO_CONTRACT
        assert assets.must_exit(MONDAY + 4).tolist() == [False, True, True, True]
        assert assets.must_exit(FAR_OFF + 1)[:2].all()

    def test_notes_of_the_spreads_are_passed_on(self):
        assets = self.assets()
        for k in range(40):
            moved = {m: c + 0.01 * (k % 3) * (1 + (m == JUN)) for m, c in QUOTES.items()}
            seen, *_ = observed(assets, session(MONDAY + k, moved, {}))
            assert not seen.notes
        bad = {**QUOTES, SEP: 70.0}
        notes = observed(assets, session(MONDAY + 40, bad, {}))[0].notes
        assert [(market, kind) for market, kind, _ in notes] == [(0, "outlier")]
        assert "AA spread" in notes[0][2]

    def test_without_spreads_all_is_the_markets(self):
        assets, (seen, spread, both, ret) = self.fed(spreads=False)
        markets = assets.markets
        assert (assets.n, spread, assets.spread_components()) == (2, None, {})
        np.testing.assert_array_equal(both, seen.seen)
        np.testing.assert_array_equal(ret, seen.ret)
        day, everywhere = MONDAY + 4, np.ones(2, dtype=bool)
        for joined, alone in (
            (assets.sigma(), markets.sigma()),
            (assets.current_sigma(), markets.vol.std()),
            (assets.price(), markets.positive_price),
            (assets.last_seen(), markets.last_seen),
            (assets.alive(day), markets.alive(day)),
            (assets.tradable(everywhere), markets.tradable(everywhere)),
            (assets.must_exit(day), markets.must_exit),
        ):
            np.testing.assert_array_equal(joined, alone)
        assert assets.per_asset(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("spreads", [True, False])
    def test_days_last_seen_are_a_copy(self, spreads):
        assets, _ = self.fed(spreads=spreads)
        before = assets.last_seen()
        assets.walk([session(MONDAY + 7, QUOTES, QUOTES)])
        assert before.max() == MONDAY + 4

    def test_components_of_the_state_are_named(self):
        assets = self.assets()
        assert assets.spread_components() == {
            "spreads": assets.spreads,
            "spreads.vol": assets.spreads.vol,
        }
