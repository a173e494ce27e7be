"""Calendar spreads against hand-made curves and a plain loop over synthetic ones."""

import copy
import math
from dataclasses import replace
from itertools import pairwise

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import MONDAY, chain, instrument, session, weekdays
from universe.markets import Markets
from universe.rolls import in_cycle, next_weekday, roll_window_days
from universe.session import NO_CONTRACT, Contract
from universe.spreads import (
    REACH,
    CalendarSpreads,
    contract_carry,
    extreme_legs,
    possible_legs,
    sorted_curve,
    spread_legs,
)

MONTHLY = "FGHJKMNQUVXZ"
SEP, OCT, NOV, DEC = 201209, 201210, 201211, 201212
AUGUST = 15_557  # 2012-08-05
EXPIRY = {SEP: AUGUST + 26, OCT: AUGUST + 54, NOV: AUGUST + 87, DEC: AUGUST + 117}
RBOB = {SEP: 3.10, OCT: 2.94, NOV: 2.83, DEC: 2.76}
"""A falling curve like the one of 003's exhibits; its September and October prices."""


def curve(quotes, expiry=EXPIRY):
    return sorted_curve(quotes, chain(*expiry.items()), AUGUST)


class TestSortedCurve:
    def test_is_in_order_of_expiry_whatever_the_order_of_the_quotes(self):
        found = curve({month: RBOB[month] for month in (DEC, OCT, SEP, NOV)})
        assert [(c.month, close) for c, close in found] == list(RBOB.items())

    def test_months_that_cross_are_in_order_of_expiry_not_of_name(self):
        found = curve(RBOB, {**EXPIRY, OCT: AUGUST + 100})
        assert [c.month for c, _ in found] == [SEP, NOV, OCT, DEC]

    def test_equal_expiries_are_in_order_of_month(self):
        found = curve({NOV: 1.0, OCT: 2.0}, {OCT: AUGUST + 50, NOV: AUGUST + 50})
        assert [c.month for c, _ in found] == [OCT, NOV]

    def test_leaves_out_nan_unknown_and_expired_contracts(self):
        quotes = {**RBOB, OCT: math.nan, 201301: 2.7}
        found = curve(quotes, {**EXPIRY, SEP: AUGUST - 1})
        assert [c.month for c, _ in found] == [NOV, DEC]

    def test_keeps_the_last_trade_date_and_prices_that_are_not_positive(self):
        found = curve({SEP: -37.63, OCT: 0.0}, {**EXPIRY, SEP: AUGUST})
        assert [(c.month, close) for c, close in found] == [(SEP, -37.63), (OCT, 0.0)]

    def test_without_quotes_is_empty(self):
        assert curve({}) == []


class TestContractCarry:
    def test_is_the_roll_up_to_the_nearer_neighbour_per_year(self):
        assert contract_carry(curve(RBOB), OCT) == pytest.approx(0.16 * 365.25 / 28)
        assert contract_carry(curve(RBOB), NOV) == pytest.approx(0.11 * 365.25 / 33)
        assert contract_carry(curve(RBOB), DEC) == pytest.approx(0.07 * 365.25 / 30)

    def test_october_is_the_highest_and_december_the_lowest_as_in_exhibit_e(self):
        carry = {month: contract_carry(curve(RBOB), month) for month in (OCT, NOV, DEC)}
        assert carry[OCT] > carry[NOV] > carry[DEC] > 0

    def test_is_negative_in_contango(self):
        rising = {SEP: 2.76, OCT: 2.83, NOV: 2.94}
        assert contract_carry(curve(rising), OCT) == pytest.approx(-0.07 * 365.25 / 28)

    def test_has_both_signs_on_a_kinked_curve(self):
        kinked = {SEP: 3.0, OCT: 2.8, NOV: 3.1, DEC: 3.1}
        found = [contract_carry(curve(kinked), month) for month in (OCT, NOV, DEC)]
        assert found == pytest.approx([0.2 * 365.25 / 28, -0.3 * 365.25 / 33, 0.0])

    def test_measures_against_the_neighbour_that_is_quoted(self):
        without_october = {month: RBOB[month] for month in (SEP, NOV)}
        assert contract_carry(curve(without_october), NOV) == pytest.approx(0.27 * 365.25 / 61)

    @pytest.mark.parametrize(
        ("quotes", "month"), [(RBOB, SEP), ({OCT: 2.94}, OCT), (RBOB, 201305), ({}, OCT)]
    )
    def test_is_unknown_without_a_nearer_neighbour_or_the_contract(self, quotes, month):
        assert math.isnan(contract_carry(curve(quotes), month))

    def test_is_unknown_between_equal_expiries(self):
        assert math.isnan(contract_carry(curve(RBOB, {**EXPIRY, OCT: EXPIRY[SEP]}), OCT))

    def test_negative_prices_count_like_others(self):
        assert contract_carry(curve({SEP: -37.63, OCT: 11.57}), OCT) == pytest.approx(
            -49.2 * 365.25 / 28
        )

    @given(
        st.lists(st.integers(1, 200), min_size=2, max_size=6),
        st.lists(st.floats(-50, 150), min_size=6, max_size=6),
    )
    def test_over_the_years_to_the_first_contract_adds_up_to_the_whole_slope(self, gaps, closes):
        """What all contracts gain until each has become its neighbour is first minus last."""
        ends = AUGUST + np.cumsum(gaps)
        points = [
            (Contract(201301 + k, int(end), int(end) - 1), close)
            for k, (end, close) in enumerate(zip(ends, closes, strict=False))
        ]
        years = np.diff(ends) / 365.25
        gain = [contract_carry(points, contract.month) for contract, _ in points[1:]]
        assert np.dot(gain, years) == pytest.approx(points[0][1] - points[-1][1], abs=1e-9)


def market(**changes):
    return instrument(**{"hold_months": MONTHLY, "priced_months": MONTHLY, **changes})


class TestSpreadLegs:
    def months(self, quotes, held, day=AUGUST, expiry=EXPIRY, **changes):
        contracts = chain(*((month, *_both(end)) for month, end in expiry.items()))
        legs = spread_legs(market(**changes), held, sorted_curve(quotes, contracts, day), day)
        return None if legs is None else tuple(leg.month for leg in legs)

    def test_the_front_has_no_nearer_neighbour_so_the_legs_begin_behind_it(self):
        assert self.months(RBOB, SEP) == (OCT, NOV)

    def test_begin_at_the_held_contract_if_it_has_one(self):
        assert self.months(RBOB, OCT) == (OCT, NOV)
        assert self.months(RBOB, NOV) == (NOV, DEC)

    @pytest.mark.parametrize("few", [(SEP,), (SEP, OCT)])
    def test_fewer_than_three_contracts_make_none(self, few):
        assert self.months({month: RBOB[month] for month in few}, SEP) is None

    def test_the_last_contract_has_no_far_leg(self):
        assert self.months(RBOB, DEC) is None

    def test_a_held_contract_without_a_close_makes_none(self):
        assert self.months(RBOB, 201305) is None
        assert self.months({**RBOB, OCT: math.nan}, OCT) is None

    def test_only_contracts_of_the_holding_cycle_are_legs(self):
        """November is the far leg's neighbour all the same."""
        assert self.months(RBOB, OCT, hold_months="VZ") == (OCT, DEC)
        assert self.months(RBOB, OCT, hold_months="VX") == (OCT, NOV)
        assert self.months(RBOB, SEP, hold_months="UX") is None

    def test_a_contract_inside_its_roll_window_is_no_leg(self):
        assert self.months(RBOB, SEP, roll_days=53) == (OCT, NOV)
        assert self.months(RBOB, SEP, roll_days=54) == (NOV, DEC)

    @pytest.mark.parametrize(
        ("weekday", "day"), [("Thursday", 4), ("Friday", 5), ("Saturday", 6), ("Sunday", 7)]
    )
    def test_a_last_holding_day_must_lie_behind_the_next_session(self, weekday, day):
        """From Friday on the next session is Monday."""
        day = AUGUST + day - 7 + 14  # August 5th was a Sunday
        assert np.datetime64(day, "D").item().strftime("%A") == weekday
        following = AUGUST + 15 if weekday != "Thursday" else day + 1
        if weekday == "Sunday":
            following = day + 1
        for last, expected in ((following, (NOV, DEC)), (following + 1, (OCT, NOV))):
            contracts = chain(*EXPIRY.items())
            contracts[OCT] = Contract(OCT, EXPIRY[OCT], last)
            points = sorted_curve(RBOB, contracts, day)
            legs = spread_legs(market(roll_days=2), SEP, points, day)
            assert tuple(leg.month for leg in legs) == expected

    def test_a_price_that_is_not_positive_is_no_leg(self):
        assert self.months({**RBOB, OCT: -1.0}, SEP) == (NOV, DEC)
        assert self.months({**RBOB, SEP: -1.0}, SEP) == (OCT, NOV)
        assert self.months({**RBOB, NOV: 0.0}, SEP) == (OCT, DEC)

    def test_two_contracts_that_end_on_one_day_are_one_point(self):
        assert self.months(RBOB, SEP, expiry={**EXPIRY, OCT: EXPIRY[SEP]}) == (NOV, DEC)
        assert self.months(RBOB, SEP, expiry={**EXPIRY, NOV: EXPIRY[OCT]}) == (OCT, DEC)

    @given(
        st.lists(
            st.tuples(st.integers(0, 400), st.floats(-5, 50) | st.just(math.nan)),
            min_size=1,
            max_size=7,
        ),
        st.integers(0, 6),
        st.sampled_from([MONTHLY, "HMUZ", "Z", "FHKNUX"]),
        st.integers(0, 90),
    )
    def test_whatever_the_curve_the_legs_are_what_they_must_be(self, listed, held, cycle, roll):
        expiry = {201301 + k: AUGUST + end for k, (end, _) in enumerate(listed)}
        contracts = chain(*expiry.items())
        quotes = {201301 + k: close for k, (_, close) in enumerate(listed)}
        held = 201301 + held % len(listed)
        points = sorted_curve(quotes, contracts, AUGUST)
        own = market(hold_months=cycle, roll_days=roll)
        legs = spread_legs(own, held, points, AUGUST)
        if legs is None:
            return
        near, far = legs
        assert near.expiry < far.expiry
        assert near.expiry >= contracts[held].expiry
        assert far.month != held
        for leg in legs:
            assert quotes[leg.month] > 0
            assert in_cycle(leg.month, cycle)
            assert leg.expiry - AUGUST > roll_window_days(own)
            assert leg.last_holding > next_weekday(AUGUST)
            assert math.isfinite(contract_carry(points, leg.month))


def _both(expiry):
    return expiry, expiry - 1


# --- a synthetic market --------------------------------------------------------------------------

LISTED = [(year * 100 + month) for year in (2014, 2015, 2016, 2017) for month in (3, 6, 9, 12)]
FIRST = MONDAY


def expiry_of(month):
    return int(np.datetime64(f"{month // 100}-{month % 100:02d}-16", "D").astype(int))


ENDS = {month: expiry_of(month) for month in LISTED}


def made_up_sessions(seed, count, missing=0.0, quoted=4):
    """Random walks of price, slope and bend; bars of single contracts missing at random."""
    rng = np.random.default_rng(seed)
    price = 100 * np.cumprod(1 + 0.01 * rng.standard_normal(count))
    slope = 0.03 + np.cumsum(0.003 * rng.standard_normal(count))
    bend = np.cumsum(0.002 * rng.standard_normal(count))
    out = []
    for k, day in enumerate(weekdays(FIRST, count).tolist()):
        quotes = {}
        for month in [month for month in LISTED if ENDS[month] >= day][:quoted]:
            years = (ENDS[month] - day) / 365.25
            if rng.random() >= missing:
                quotes[month] = price[k] * (1 + slope[k] * years + bend[k] * years**2)
        out.append(session(day, quotes))
    return out


def made_up_pair(**options):
    markets = Markets([instrument()], **{"vol_span": 10, "vol_long_sessions": 40, **options})
    markets.contracts[0].update(chain(*ENDS.items()))
    spreads = CalendarSpreads(markets, **{"vol_span": 10, "vol_long_sessions": 40, **options})
    return markets, spreads


def drive(markets, spreads, sessions):
    """(seen, change, ret, carry, near, far, sigma, alive) of the only market by session."""
    rows = []
    for bars in sessions:
        markets.observe(bars)
        out = spreads.observe(bars)
        rows.append(
            (
                bool(out.seen[0]),
                float(out.change[0]),
                float(out.ret[0]),
                float(out.carry[0]),
                int(spreads.near[0]),
                int(spreads.far[0]),
                float(spreads.sigma()[0]),
                bool(spreads.alive(bars.day)[0]),
            )
        )
    return rows


def assert_same_rows(one, other):
    np.testing.assert_array_equal(np.array(one, dtype=float), np.array(other, dtype=float))


class TestReturns:
    @pytest.mark.parametrize("missing", [0.0, 0.15])
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_are_those_of_the_pair_held_into_the_session(self, seed, missing):
        """A loop that keeps nothing but the pair and its prices at its last complete session."""
        markets, spreads = made_up_pair(outlier_sigmas=1e6)
        near = far = NO_CONTRACT
        before, changes, rets = None, 0, []
        for bars in made_up_sessions(seed, 420, missing):
            quotes = bars.quotes[0]
            (row,) = drive(markets, spreads, [bars])
            seen, change, ret = row[:3]
            assert seen == (near in quotes and far in quotes)
            if seen:
                price = quotes[near] - quotes[far]
                assert change == pytest.approx(price - before[0], rel=1e-12, abs=1e-12)
                assert ret == pytest.approx((price - before[0]) / before[1], rel=1e-12, abs=1e-15)
                before = price, quotes[near]
                rets.append(ret)
            else:
                assert (change, ret) == (0.0, 0.0)
            if (row[4], row[5]) != (near, far):
                changes += near != NO_CONTRACT
                near, far = row[4], row[5]
                before = (quotes[near] - quotes[far], quotes[near]) if near else None
        assert changes >= 4
        assert len(rets) > 200
        assert spreads.vol.count[0] == len(rets)
        assert np.abs(rets).max() < 0.02  # legs are some 2 to 4 % apart: no jump between pairs

    def test_the_pair_is_chosen_by_the_rule_and_kept_until_its_window(self):
        """Quarterly, eight days before the last trade date; the held contract is the front."""
        markets, spreads = made_up_pair()
        for bars in made_up_sessions(5, 420):
            (row,) = drive(markets, spreads, [bars])
            quoted = [month for month in LISTED if ENDS[month] >= bars.day][:4]
            holdable = [month for month in quoted if ENDS[month] - bars.day > 8]
            assert markets.held[0] == holdable[0]
            # once held, a contract has its nearer neighbour until that ends; the pair stays
            first = quoted[0] == holdable[0] and bars.day < ENDS[201503] - 8
            assert row[4:6] == tuple(holdable[1:3] if first else holdable[:2])

    def test_carry_is_that_of_the_pair_chosen(self):
        markets, spreads = made_up_pair()
        for bars in made_up_sessions(6, 300):
            (row,) = drive(markets, spreads, [bars])
            quotes = bars.quotes[0]
            months = sorted(quotes)
            gains = {
                month: (quotes[before] - quotes[month]) * 365.25 / (ENDS[month] - ENDS[before])
                for before, month in pairwise(months)
            }
            expected = gains.get(row[4], np.nan) - gains.get(row[5], np.nan)
            np.testing.assert_allclose(row[3], expected, rtol=1e-9, atol=1e-9)

    def test_carry_of_a_straight_line_is_zero_and_of_a_falling_bend_positive(self):
        for bend, sign in ((0.0, 0), (0.1, 1), (-0.1, -1)):
            markets, spreads = made_up_pair()
            days = weekdays(FIRST, 20).tolist()
            quotes = {m: _bent(ENDS[m] - FIRST, bend) for m in LISTED[4:8]}
            rows = drive(markets, spreads, [session(day, quotes) for day in days])
            carry = rows[-1][3]
            assert np.sign(np.round(carry, 9)) == sign

    @hypothesis.settings(max_examples=20)
    @given(st.integers(0, 10**6), st.integers(1, 119), st.floats(0, 0.3))
    def test_what_comes_later_changes_nothing_before(self, seed, cut, missing):
        sessions = made_up_sessions(seed, 120, missing)
        wild = [
            session(b.day, {month: 7.0 * close - 300.0 for month, close in b.quotes[0].items()})
            for b in sessions[cut:]
        ]
        whole = drive(*made_up_pair(), sessions)
        other = drive(*made_up_pair(), sessions[:cut] + wild)
        assert_same_rows(whole[:cut], other[:cut])

    @hypothesis.settings(max_examples=20)
    @given(st.integers(0, 10**6), st.integers(0, 119), st.floats(0, 0.3))
    def test_a_restart_from_the_state_changes_nothing(self, seed, cut, missing):
        sessions = made_up_sessions(seed, 120, missing)
        markets, spreads = made_up_pair()
        drive(markets, spreads, sessions[:cut])
        again, successor = made_up_pair()
        for old, new in (
            (markets, again),
            (markets.vol, again.vol),
            (spreads, successor),
            (spreads.vol, successor.vol),
        ):
            for name in old.STATE:
                setattr(new, name, copy.deepcopy(getattr(old, name)))
        again.refresh()
        successor.vol.refresh()
        day = sessions[cut].day
        np.testing.assert_array_equal(successor.alive(day), spreads.alive(day))
        np.testing.assert_array_equal(successor.must_exit(day), spreads.must_exit(day))
        assert_same_rows(
            drive(again, successor, sessions[cut:]), drive(markets, spreads, sessions[cut:])
        )

    def test_all_that_changes_is_in_the_state(self):
        _, spreads = made_up_pair()
        before = {name for name, value in vars(spreads).items() if isinstance(value, np.ndarray)}
        assert before - {"_tick"} == set(CalendarSpreads.STATE)

    def test_volatility_is_the_blend_of_the_pandas_ones(self):
        import pandas as pd

        markets, spreads = made_up_pair()
        rows = drive(markets, spreads, made_up_sessions(8, 200))
        std = pd.Series([row[2] for row in rows if row[0]]).ewm(span=10, min_periods=10).std()
        expected = 0.7 * std.iloc[-1] + 0.3 * std.dropna().iloc[-40:].mean()
        assert rows[-1][6] == pytest.approx(expected, rel=1e-9)


def _bent(days, bend):
    years = days / 365.25
    return 100.0 * (1 - 0.05 * years + bend * years**2)


class TestUnbelievablePrices:
    def test_a_leg_beyond_three_times_or_a_third_of_the_market_is_no_price(self):
        """However often it is repeated, and from the first session on."""
        for bad in ([-99.0, -99.0, -99.0], [99999.0, 99998.0, 99999.0], [1e-5, 1e-5, 2e-5]):
            markets, spreads = made_up_pair()
            closes = [10.0, 10.5, *bad, 10.2]
            quotes = [{201503: 11.0, 201506: c, 201509: 9.0, 201512: 9.5} for c in closes]
            days = weekdays(FIRST, 6).tolist()
            rows = drive(
                markets, spreads, [session(*pair) for pair in zip(days, quotes, strict=True)]
            )
            np.testing.assert_allclose([row[1] for row in rows], [0, 0.5, 0, 0, 0, -0.3])
            assert not np.isfinite(spreads.suspect[0])

    def test_the_next_return_is_over_the_last_price_believed(self):
        markets, spreads = made_up_pair()
        far = {201509: 9.0, 201512: 9.5}
        near_closes = [10.0, 10.5, -2.0, -3.0, 8.0]
        days = weekdays(FIRST, 5).tolist()
        quotes = [{201503: 11.0, 201506: close, **far} for close in near_closes]
        rows = drive(markets, spreads, [session(*pair) for pair in zip(days, quotes, strict=True)])
        assert rows[0][4:6] == (201506, 201509)
        np.testing.assert_allclose([row[1] for row in rows], [0, 0.5, 0, 0, -2.5])
        expected = [0, 0.5 / 10, 0, 0, -2.5 / 10.5]
        np.testing.assert_allclose([row[2] for row in rows], expected)
        assert spreads.near_price[0] == 8.0


class TestOutliers:
    def warm(self, sessions=60):
        """A spread with a volatility, the sessions to come and the last quotes."""
        days = made_up_sessions(4, 80)
        markets, spreads = made_up_pair()
        drive(markets, spreads, days[:sessions])
        return markets, spreads, days[sessions:]

    def test_a_spike_of_a_leg_is_dropped_and_the_next_return_spans_it(self):
        markets, spreads, days = self.warm()
        far, price, sigma = int(spreads.far[0]), spreads.price[0], spreads.sigma()[0]
        spiked = session(days[0].day, {**days[0].quotes[0], far: 130.0})
        notes = []
        markets.observe(spiked)
        out = spreads.observe(spiked)
        notes = out.notes
        assert not out.seen[0]
        assert (out.change[0], out.ret[0]) == (0.0, 0.0)
        assert math.isnan(out.carry[0])
        assert spreads.price[0] == price
        assert spreads.sigma()[0] == sigma
        assert [(m, kind) for m, kind, _ in notes] == [(0, "outlier")]
        assert "AA spread moved" in notes[0][2]
        (row,) = drive(markets, spreads, days[1:2])
        now = days[1].quotes[0]
        assert row[0]
        assert row[1] == pytest.approx(now[int(spreads.near[0])] - now[far] - price)
        assert math.isnan(spreads.suspect[0])

    def test_a_new_level_is_taken_when_it_is_confirmed(self):
        markets, spreads, days = self.warm()
        far, price = int(spreads.far[0]), spreads.price[0]
        shifted = [
            session(b.day, {m: c + 20.0 * (m >= far) for m, c in b.quotes[0].items()})
            for b in days[:3]
        ]
        rows = drive(markets, spreads, shifted)
        assert [row[0] for row in rows] == [False, True, True]
        now = shifted[1].quotes[0]
        assert rows[1][1] == pytest.approx(now[int(spreads.near[0])] - now[far] - price)
        assert rows[1][1] < -15
        assert abs(rows[2][1]) < 1

    def test_another_spike_does_not_confirm_the_first(self):
        markets, spreads, days = self.warm()
        far = int(spreads.far[0])
        spikes = [
            session(b.day, {**b.quotes[0], far: close})
            for b, close in zip(days[:3], (130.0, 160.0, 90.0), strict=True)
        ]
        assert [row[0] for row in drive(markets, spreads, spikes)] == [False, False, False]

    def test_the_gate_waits_for_a_volatility(self):
        markets, spreads, days = self.warm(sessions=9)
        far = int(spreads.far[0])
        (row,) = drive(markets, spreads, [session(days[0].day, {**days[0].quotes[0], far: 130.0})])
        assert row[0]

    def test_one_that_never_moved_has_its_ticks(self):
        """20 ticks of 0.01 are let through, not more."""
        quotes = {201503: 103.0, 201506: 102.0, 201509: 101.5, 201512: 101.0}
        for move, expected in ((0.19, True), (0.21, False)):
            markets, spreads = made_up_pair()
            days = weekdays(FIRST, 31).tolist()
            drive(markets, spreads, [session(day, quotes) for day in days[:30]])
            moved = session(days[30], {**quotes, 201509: 101.5 + move})
            assert drive(markets, spreads, [moved])[0][0] == expected

    def test_a_market_that_is_held_back_holds_its_spread_back(self):
        """All contracts moved together, so that the spread itself is calm."""
        markets, spreads, days = self.warm()
        price, near = spreads.price[0], spreads.near[0]
        up = [
            session(b.day, {month: close + 60.0 for month, close in b.quotes[0].items()})
            for b in days[:2]
        ]
        rows = drive(markets, spreads, up[:1])
        assert np.isfinite(markets.suspect[0])
        assert not rows[0][0]
        assert (spreads.price[0], spreads.near[0]) == (price, near)
        rows = drive(markets, spreads, up[1:])
        assert np.isnan(markets.suspect[0])
        assert rows[0][0]
        now = up[1].quotes[0]
        assert rows[0][1] == pytest.approx(now[int(near)] - now[int(spreads.far[0])] - price)

    def test_a_change_of_pair_forgets_the_suspicion(self):
        """The far leg spikes, and has no bar when the near leg's window opens."""
        days = made_up_sessions(4, 130)
        markets, spreads = made_up_pair()
        k = next(k for k, b in enumerate(days) if ENDS[201506] - b.day <= 8 + 40)
        drive(markets, spreads, days[:k])
        assert (spreads.near[0], spreads.far[0]) == (201506, 201509)
        spiked = session(days[k].day, {**days[k].quotes[0], 201509: 150.0})
        drive(markets, spreads, [spiked])
        assert spreads.suspect[0] == days[k].quotes[0][201506] - 150.0
        for bars in days[k + 1 :]:
            quotes = {m: c for m, c in bars.quotes[0].items() if m != 201509}
            drive(markets, spreads, [session(bars.day, quotes)])
            if spreads.near[0] != 201506:
                break
        assert ENDS[201506] - bars.day <= 8
        assert spreads.near[0] == 201512
        assert math.isnan(spreads.suspect[0])


class TestMissingBars:
    def test_a_leg_without_a_bar_leaves_all_as_it_was(self):
        days = made_up_sessions(4, 62)
        markets, spreads = made_up_pair()
        drive(markets, spreads, days[:60])
        state = {name: getattr(spreads, name).copy() for name in CalendarSpreads.STATE}
        far = int(spreads.far[0])
        for gone in ({far}, set(days[60].quotes[0])):
            quotes = {m: c for m, c in days[60].quotes[0].items() if m not in gone}
            (row,) = drive(markets, spreads, [session(days[60].day, quotes)])
            assert row[:3] == (False, 0.0, 0.0)
            for name, value in state.items():
                np.testing.assert_array_equal(getattr(spreads, name), value)
        nan = session(days[61].day, {**days[61].quotes[0], far: math.nan})
        assert not drive(markets, spreads, [nan])[0][0]

    def test_after_gap_days_without_it_the_spread_is_out_and_the_market_is_not(self):
        days = made_up_sessions(4, 100)
        markets, spreads = made_up_pair()
        drive(markets, spreads, days[:60])
        far, last = int(spreads.far[0]), days[59].day
        for bars in days[60:]:
            quotes = {m: c for m, c in bars.quotes[0].items() if m != far}
            (row,) = drive(markets, spreads, [session(bars.day, quotes)])
            if row[5] != far:
                break
            assert row[7] == (bars.day - last <= 14)
            assert markets.alive(bars.day)[0]
        assert bars.day - last > 21

    def test_it_is_there_again_with_the_next_bar(self):
        days = made_up_sessions(4, 100)
        markets, spreads = made_up_pair()
        drive(markets, spreads, days[:60])
        far, price = int(spreads.far[0]), spreads.price[0]
        gap = [session(b.day, {m: c for m, c in b.quotes[0].items() if m != far}) for b in days]
        assert not drive(markets, spreads, gap[60:76])[-1][7]
        (row,) = drive(markets, spreads, days[76:77])
        assert (row[0], row[7]) == (True, True)
        now = days[76].quotes[0]
        assert row[1] == pytest.approx(now[int(spreads.near[0])] - now[far] - price)

    def test_two_contracts_make_no_spread(self):
        markets, spreads = made_up_pair()
        rows = drive(markets, spreads, made_up_sessions(4, 80, quoted=2))
        held_with_neighbour = [row[4:6] for row in rows if row[4] != NO_CONTRACT]
        assert held_with_neighbour == []
        assert not any(row[0] or row[7] for row in rows)
        assert spreads.must_exit(FIRST).all()


class TestMustExit:
    def test_from_the_session_before_the_near_legs_last_holding_day(self):
        _, spreads = made_up_pair()
        spreads.near[0], spreads.far[0] = 201503, 201506
        friday = MONDAY + 4
        spreads.near_last[0] = friday + 3
        assert not spreads.must_exit(friday - 1)[0]
        assert spreads.must_exit(friday)[0]
        spreads.near_last[0] = friday + 4
        assert not spreads.must_exit(friday)[0]
        assert spreads.must_exit(friday + 3)[0]

    def test_without_a_pair(self):
        _, spreads = made_up_pair()
        assert spreads.must_exit(FIRST).tolist() == [True]

    @pytest.mark.parametrize("missing", [0.0, 0.3])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_no_pair_is_kept_into_its_window_nor_behind_the_held_contract(self, seed, missing):
        markets, spreads = made_up_pair()
        for bars in made_up_sessions(seed, 300, missing):
            drive(markets, spreads, [bars])
            near = int(spreads.near[0])
            if near == NO_CONTRACT or not bars.quotes[0]:
                continue
            assert ENDS[near] - bars.day > 8
            assert near >= markets.held[0]
            assert spreads.far[0] > near
            assert spreads.near_last[0] == ENDS[near] - 1


class TestExtremeLegs:
    """003, Calendar Spreads: the contract of highest against the one of lowest carry."""

    LIQUID = dict.fromkeys(RBOB, 1000.0)

    def months(self, quotes, interest, floor=0.1, held=SEP, **changes):
        contracts = chain(*((month, *_both(end)) for month, end in EXPIRY.items()))
        points = sorted_curve(quotes, contracts, AUGUST)
        legs = possible_legs(market(**changes), held, points, AUGUST)
        found = extreme_legs(legs, points, interest, floor, AUGUST)
        return None if found is None else tuple(leg.month for leg in found)

    def test_rbob_of_exhibit_e_is_october_against_december(self):
        """003: long the October contract, short the December contract."""
        assert self.months(RBOB, self.LIQUID) == (OCT, DEC)

    def test_the_nearer_of_both_comes_first_whichever_carries_more(self):
        kinked = {SEP: 3.0, OCT: 3.1, NOV: 3.1, DEC: 2.8}
        assert self.months(kinked, self.LIQUID) == (OCT, DEC)
        assert self.months({SEP: 3.0, OCT: 2.9, NOV: 3.5, DEC: 3.5}, self.LIQUID) == (OCT, NOV)

    def test_a_contract_below_the_floor_is_no_leg(self):
        thin = self.LIQUID | {DEC: 99.0}
        assert self.months(RBOB, thin) == (OCT, NOV)
        assert self.months(RBOB, thin, floor=0.05) == (OCT, DEC)

    def test_unknown_open_interest_makes_none(self):
        assert self.months(RBOB, {}) is None
        assert self.months(RBOB, {OCT: 1000.0}) is None
        assert self.months(RBOB, {}, floor=0.0) is None

    def test_equal_carry_everywhere_makes_none(self):
        assert self.months(dict.fromkeys(RBOB, 3.0), self.LIQUID) is None

    def test_contracts_beyond_reach_are_none(self):
        far = AUGUST + REACH + 1
        contracts = chain(*((month, *_both(end)) for month, end in EXPIRY.items()))
        contracts[DEC] = Contract(DEC, far, far)
        points = sorted_curve(RBOB, contracts, AUGUST)
        legs = possible_legs(market(), SEP, points, AUGUST)
        found = extreme_legs(legs, points, self.LIQUID, 0.1, AUGUST)
        assert found is not None
        assert tuple(leg.month for leg in found) == (OCT, NOV)

    def test_the_spreads_take_them_where_open_interest_is_known(self):
        for interest, expected in (({}, (OCT, NOV)), (self.LIQUID, (OCT, DEC))):
            markets = Markets([market()], vol_span=10, vol_long_sessions=40)
            contracts = chain(*((month, *_both(end)) for month, end in EXPIRY.items()))
            markets.contracts[0].update(contracts)
            spreads = CalendarSpreads(markets, extreme_floor=0.1)
            bars = replace(session(AUGUST, RBOB), open_interest=[interest])
            markets.observe(bars)
            spreads.observe(bars)
            assert (spreads.near[0], spreads.far[0]) == expected

    @pytest.mark.parametrize("known", [True, False])
    def test_a_market_without_open_interest_is_named_once(self, known):
        markets, _ = made_up_pair()
        spreads = CalendarSpreads(markets, vol_span=10, vol_long_sessions=40, extreme_floor=0.1)
        notes = []
        for bars in made_up_sessions(3, 60):
            interest = dict.fromkeys(bars.quotes[0], 500.0) if known else {}
            bars = replace(bars, open_interest=[interest])
            markets.observe(bars)
            notes += spreads.observe(bars).notes
        told = [text for _, kind, text in notes if kind == "spread"]
        assert len(told) == (0 if known else 1)
        assert all("neighbours stand for extreme legs" in text for text in told)
