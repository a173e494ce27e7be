import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import (
    FAR_AWAY,
    MONDAY,
    instrument,
    observe_closes,
    one_market,
    session,
    walk,
    weekdays,
)
from universe.markets import UNQUOTED_SESSIONS, Markets
from universe.session import NO_CONTRACT, Contract

MAR, JUN, SEP = 202003, 202006, 202009


def warm(count=60, sigma=0.01, seed=3, **options):
    """A market after ``count`` ordinary closes, and the weekday after them."""
    markets = one_market(**options)
    closes = walk(seed, count, sigma)
    observe_closes(markets, closes)
    return markets, float(closes[-1]), int(weekdays(MONDAY, count + 1)[-1])


def kinds(observation):
    return [kind for _, kind, _ in observation.notes]


class TestSeries:
    def test_first_session_takes_the_price_and_no_return(self):
        markets = one_market()
        (seen,) = observe_closes(markets, [101.5])
        assert markets.held[0] == MAR
        assert (markets.adjusted[0], seen.ret[0]) == (101.5, 0.0)
        assert seen.seen[0]
        assert seen.rolls == []

    def test_returns_are_changes_over_the_last_price(self):
        markets = one_market()
        seen = observe_closes(markets, [100.0, 102.0, 99.96])
        assert [float(s.ret[0]) for s in seen] == pytest.approx([0.0, 0.02, -0.02])

    def test_lows_are_those_of_the_held_contract(self):
        markets, close, day = warm()
        bars = session(day, {MAR: close, JUN: close})
        bars.lows = {(0, MAR): 0.9 * close, (0, JUN): 0.5 * close}
        assert markets.observe(bars).low.tolist() == pytest.approx([0.9])
        for low in (0.0, -1.0, 1.1 * close, np.nan):
            day += 1
            bars = session(day, {MAR: close, JUN: close})
            bars.lows = {(0, MAR): low}
            assert markets.observe(bars).low.tolist() == [1.0]

    def test_volatility_is_the_blend_of_001(self):
        markets = one_market(vol_span=32, vol_long_sessions=100, vol_long_weight=0.3)
        closes = walk(5, 400)
        observe_closes(markets, closes)
        std = pd.Series(closes).pct_change().dropna().ewm(span=32, min_periods=32).std()
        expected = 0.7 * std.iloc[-1] + 0.3 * std.iloc[-100:].mean()
        assert markets.sigma()[0] == pytest.approx(expected, rel=1e-9)
        assert markets.sigma_price()[0] == pytest.approx(expected * closes[-1], rel=1e-9)

    def test_volatility_is_nan_while_too_young(self):
        markets = one_market(vol_span=32)
        closes = walk(5, 33)
        observe_closes(markets, closes[:32])  # 31 returns
        assert np.isnan(markets.sigma()[0])
        markets.observe(session(weekdays(MONDAY, 33)[-1], {MAR: closes[32]}))
        assert np.isfinite(markets.sigma()[0])

    def test_a_roll_leaves_its_gap_out_of_the_series(self):
        markets = one_market((MAR, MONDAY + 10), (JUN, MONDAY + 100), roll_days=8)
        seen = [
            markets.observe(session(MONDAY, {MAR: 100.0, JUN: 110.0})),
            markets.observe(session(MONDAY + 1, {MAR: 101.0, JUN: 111.5})),
            markets.observe(session(MONDAY + 2, {MAR: 99.0, JUN: 109.0})),  # rolls at this close
            markets.observe(session(MONDAY + 3, {MAR: 50.0, JUN: 112.0})),
        ]
        assert [float(s.ret[0]) for s in seen] == pytest.approx([0, 1 / 100, -2 / 101, 3 / 109])
        assert markets.adjusted[0] == 102.0
        (roll,) = seen[2].rolls
        assert (roll.old, roll.new, roll.old_close, roll.new_close) == (MAR, JUN, 99.0, 109.0)
        assert (roll.day, roll.market, roll.reason) == (MONDAY + 2, "AA", "window")
        assert not any(s.rolls for k, s in enumerate(seen) if k != 2)

    @given(st.integers(0, 10**6))
    def test_increments_equal_the_profit_of_the_contracts_held(self, seed):
        """A one-lot account in the held contract, marked by hand, earns the change."""
        rng = np.random.default_rng(seed)
        months = [202000 + k for k in range(1, 7)]
        expiry = MONDAY + 25 + np.cumsum(rng.integers(20, 35, len(months)))
        markets = one_market(
            *((m, int(e)) for m, e in zip(months, expiry, strict=True)),
            hold_months="FGHJKM",
            roll_days=9,
            outlier_sigmas=1e6,
        )
        price = 100 + rng.standard_normal((150, 6)).cumsum(axis=0) + 3 * np.arange(6)
        account, mark, month, first = 0.0, np.nan, NO_CONTRACT, None
        for k, day in enumerate(weekdays(MONDAY, 150)):
            quotes = {
                m: float(price[k, j])
                for j, m in enumerate(months)
                if expiry[j] >= day and rng.random() < 0.93
            }
            seen = markets.observe(session(day, quotes))
            if month in quotes:
                account += quotes[month] - mark
                mark = quotes[month]
                assert seen.seen[0]
            now = int(markets.held[0])
            if now != month:
                if first is None:
                    first = quotes[now]
                month, mark = now, quotes[now]
            assert markets.adjusted[0] - first == pytest.approx(account, abs=1e-9)
            if day >= expiry[-1] - 9:
                break


class TestOpenInterest:
    INTEREST = ({MAR: 100.0, JUN: 120.0},)

    @pytest.mark.parametrize(
        ("theta", "held"), [(0.0, MAR), (1.0, JUN), (1.19, JUN), (1.2, MAR), (1.5, MAR)]
    )
    def test_moves_on_with_it_above_theta_unless_that_is_zero(self, theta, held):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90), theta=theta)
        quotes = {MAR: 100.0, JUN: 101.0}
        markets.observe(session(MONDAY, quotes))
        first = markets.observe(session(MONDAY + 1, quotes, open_interest=self.INTEREST))
        assert first.rolls == [], "a lead of one session may be a wrong figure"
        seen = markets.observe(session(MONDAY + 2, quotes, open_interest=self.INTEREST))
        assert markets.held[0] == held
        assert [roll.reason for roll in seen.rolls] == ["open interest"] * (held == JUN)

    @pytest.mark.parametrize("between", [{MAR: 100.0, JUN: 60.0}, {}])
    def test_a_lead_must_last_for_two_sessions_in_a_row(self, between):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90), theta=1.0)
        quotes = {MAR: 100.0, JUN: 101.0}
        for k, interest in enumerate([{}, {MAR: 100.0, JUN: 1e9}, between, *self.INTEREST]):
            markets.observe(session(MONDAY + k, quotes, open_interest=[interest]))
            assert markets.held[0] == MAR

    def test_a_front_contract_named_once_a_year_ahead_is_not_followed(self):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90), (SEP, FAR_AWAY + 180))
        quotes = {MAR: 100.0, JUN: 101.0, SEP: 102.0}
        for k, front in enumerate([MAR, SEP, MAR, MAR, SEP, MAR]):
            markets.observe(session(MONDAY + k, quotes, mapped=[front]))
            assert markets.held[0] == MAR


class TestOutliers:
    SPIKE = 0.30  # thirty daily sigmas

    def test_is_held_back_and_not_traded(self):
        markets, price, day = warm()
        sigma, adjusted = markets.sigma()[0], markets.adjusted[0]
        seen = markets.observe(session(day, {MAR: price * (1 + self.SPIKE)}))
        assert not seen.seen[0]
        assert seen.ret[0] == 0.0
        assert (markets.sigma()[0], markets.adjusted[0], markets.price[0]) == (
            sigma,
            adjusted,
            price,
        )
        assert not markets.tradable(seen.seen)[0]
        assert kinds(seen) == ["outlier"]

    def test_a_spike_that_reverts_is_dropped(self):
        markets, price, day = warm()
        markets.observe(session(day, {MAR: price * (1 + self.SPIKE)}))
        seen = markets.observe(session(day + 1, {MAR: price * 1.005}))
        assert seen.ret[0] == pytest.approx(0.005)
        assert markets.tradable(seen.seen)[0]
        assert "dropped" in seen.notes[0][2]

    @pytest.mark.parametrize("jump", [SPIKE, -SPIKE])
    def test_a_new_level_is_confirmed_and_the_whole_move_taken_then(self, jump):
        markets, price, day = warm()
        markets.observe(session(day, {MAR: price * (1 + jump)}))
        seen = markets.observe(session(day + 1, {MAR: price * (1 + jump * 1.02)}))
        assert seen.ret[0] == pytest.approx(jump * 1.02)
        assert markets.adjusted[0] == pytest.approx(price * (1 + jump * 1.02))
        assert markets.tradable(seen.seen)[0]
        assert "confirmed" in seen.notes[0][2]

    def test_a_second_spike_elsewhere_confirms_nothing(self):
        markets, price, day = warm()
        markets.observe(session(day, {MAR: price * 1.4}))
        seen = markets.observe(session(day + 1, {MAR: price * 0.6}))
        assert not seen.seen[0]
        assert markets.price[0] == price

    @pytest.mark.parametrize(("sigmas", "held_back"), [(19.5, False), (20.5, True)])
    def test_the_limit_is_twenty_sigmas(self, sigmas, held_back):
        markets, price, day = warm()
        move = sigmas * float(markets.sigma_price()[0])
        seen = markets.observe(session(day, {MAR: price + move}))
        assert seen.seen[0] != held_back

    def test_a_market_too_young_for_a_volatility_takes_moves_up_to_half_its_price(self):
        seen = observe_closes(one_market(), [100.0, 149.0, 76.0])
        assert [bool(s.seen[0]) for s in seen] == [True] * 3
        seen = observe_closes(one_market(), [100.0, 151.0, 149.0, 152.0])
        assert [bool(s.seen[0]) for s in seen] == [True, False, True, True]

    @pytest.mark.parametrize("bad", [-99.0, 0.0, 1e-5, 9999999.0, 54321.0])
    @pytest.mark.parametrize("first", [1, 10, 60])
    def test_a_price_that_stands_still_confirms_nothing(self, bad, first):
        """Not in the first sessions either; volatility and series are as without it."""
        closes = walk(2, 80)
        clean, markets = one_market(), one_market()
        observe_closes(clean, [*closes[:first], *closes[first + 3 :]])
        spoilt = [*closes[:first], bad, bad, bad, *closes[first + 3 :]]
        seen = observe_closes(markets, spoilt)
        assert [bool(s.seen[0]) for s in seen[first - 1 : first + 4]] == [True, *[False] * 3, True]
        assert markets.sigma()[0] == pytest.approx(clean.sigma()[0])
        assert markets.adjusted[0] == pytest.approx(clean.adjusted[0])
        assert kinds(seen[first]) == ["outlier"]
        assert kinds(seen[first + 1]) == [], "said once"

    @pytest.mark.parametrize("bad", [-9999.0, 99999.0, 1e-5, 0.0])
    def test_no_market_begins_with_a_sign_for_none(self, bad):
        markets = one_market()
        observe_closes(markets, [bad, bad, 100.0, 101.0])
        assert markets.adjusted[0] == 101.0
        assert markets.sessions[0] == 2

    def test_a_quiet_market_may_still_move_twenty_ticks(self):
        markets = one_market(tick=0.25, stale_sessions=250)
        observe_closes(markets, [100.0] * 60)
        day = int(weekdays(MONDAY, 61)[-1])
        assert markets.observe(session(day, {MAR: 105.0})).seen[0]

    def test_a_dead_market_jumping_beyond_twenty_ticks_waits(self):
        markets = one_market(tick=0.25, stale_sessions=250)
        observe_closes(markets, [100.0] * 60)
        day = int(weekdays(MONDAY, 61)[-1])
        assert not markets.observe(session(day, {MAR: 105.25})).seen[0]


class TestUnits:
    @pytest.mark.parametrize("factor", [1e-6, 0.1, 0.25, 4.0, 100.0])
    def test_a_lasting_factor_is_no_return_and_ends_the_trade(self, factor):
        markets, price, day = warm()
        closes = price * factor * walk(9, 30) / 100
        seen = observe_closes(markets, closes, first=day)
        assert not any(s.seen[0] for s in seen)
        assert (markets.price[0], markets.unit[0]) == (price, factor)
        assert kinds(seen[0]) == ["outlier"]
        assert kinds(seen[1]) == ["unit"]
        assert f"about {factor:g} times" in seen[1].notes[0][2]
        assert [k for s in seen[2:] for k in kinds(s)] == ["gap"], "it falls silent"
        assert not markets.alive(int(weekdays(day, 30)[-1]))[0]
        assert markets.suspect[0] == closes[-1], "what the account must not be valued at"

    def test_it_trades_again_when_the_prices_come_back(self):
        markets, price, day = warm()
        closes = [price * 100, price * 101, price * 102, price * 1.01]
        seen = observe_closes(markets, closes, first=day)
        assert seen[3].seen[0]
        assert seen[3].ret[0] == pytest.approx(0.01)
        assert np.isnan(markets.unit[0])

    def test_a_move_of_less_than_three_times_is_one(self):
        markets, price, day = warm()
        seen = observe_closes(markets, [price * 2.9, price * 2.95], first=day)
        assert seen[1].ret[0] == pytest.approx(1.95)


class TestBadPrices:
    def test_nan_is_no_bar(self):
        markets, price, day = warm()
        sigma = markets.sigma()[0]
        seen = markets.observe(session(day, {MAR: float("nan")}))
        assert not seen.seen[0]
        assert (markets.price[0], markets.sigma()[0]) == (price, sigma)
        assert seen.notes == []

    def test_below_zero_waits_for_a_second_close_that_has_moved(self):
        """CL closed at -37.63 on 2020-04-20 and at 10.01 a day later: the close below goes."""
        markets = one_market()
        seen = observe_closes(markets, [20.0, 18.0, -37.63, 10.01, 12.0])
        assert [float(s.ret[0]) for s in seen] == pytest.approx(
            [0, -2 / 20, 0, -7.99 / 18, 1.99 / 10.01]
        )
        assert self.traded(20.0, 18.0, -37.63, 10.01) == [True, True, False, True]

    def test_confirmed_it_is_marked_not_divided_by_and_not_traded(self):
        markets = one_market()
        seen = observe_closes(markets, [20.0, 18.0, -37.63, -36.0, -35.0])
        assert [float(s.ret[0]) for s in seen] == pytest.approx(
            [0, -2 / 20, 0, -54 / 18, 1 / 18], abs=1e-12
        )
        assert self.traded(20.0, 18.0, -37.63, -36.0) == [True, True, False, False]
        assert markets.adjusted[0] == pytest.approx(-35.0)
        assert kinds(seen[3]) == ["outlier", "price"]
        assert kinds(seen[4]) == ["price"]

    @pytest.mark.parametrize("first", [0.0, -3.0])
    def test_a_first_close_that_is_not_positive_makes_no_infinite_return(self, first):
        markets = one_market()
        seen = observe_closes(markets, [first, 2.0, 3.0])
        assert all(np.isfinite(s.ret[0]) for s in seen)
        assert seen[2].ret[0] == pytest.approx(0.5)

    def test_volatility_in_price_uses_the_last_positive_price(self):
        markets, price, day = warm(outlier_sigmas=1e6)
        markets.observe(session(day, {MAR: -0.01 * price}))
        assert markets.sigma_price()[0] == pytest.approx(markets.sigma()[0] * price)

    @staticmethod
    def traded(*closes):
        markets = one_market()
        return [
            bool(markets.tradable(markets.observe(session(day, {MAR: close})).seen)[0])
            for day, close in zip(weekdays(MONDAY, len(closes)), closes, strict=True)
        ]


class TestStaleAndGaps:
    def test_equal_closes_stop_the_trade_until_the_price_moves(self):
        markets, price, day = warm(stale_sessions=15)
        days = weekdays(day, 20)
        traded = []
        notes = []
        for today in days[:18]:
            seen = markets.observe(session(today, {MAR: price}))
            traded.append(bool(markets.tradable(seen.seen)[0]))
            notes += kinds(seen)
        assert traded == [True] * 14 + [False] * 4
        assert notes == ["stale"]
        seen = markets.observe(session(days[18], {MAR: price + 0.01}))
        assert markets.tradable(seen.seen)[0]

    def test_a_hole_is_named_on_the_day_it_becomes_too_long_and_once(self):
        markets, _, day = warm(gap_days=14)
        last = int(markets.last_seen[0])
        named = {
            int(today): kinds(markets.observe(session(today, {}))) for today in weekdays(day, 30)
        }
        first = min(today for today in named if today - last > 14)
        assert {today for today, what in named.items() if what} == {first}
        assert named[first] == ["gap"]
        markets.observe(session(last + 60, {MAR: 100.0}))
        assert kinds(markets.observe(session(last + 90, {}))) == ["gap"], "and named anew"

    def test_out_after_the_gap_and_back_with_the_next_bar(self):
        markets, price, day = warm(gap_days=14)
        last = day - 3 if (day + 3) % 7 == 0 else day - 1
        assert markets.last_seen[0] == last
        assert markets.alive(last + 14)[0]
        assert not markets.alive(last + 15)[0]
        seen = markets.observe(session(last + 40, {MAR: price * 1.03}))
        assert seen.ret[0] == pytest.approx(0.03)
        assert kinds(seen) == ["gap"]
        assert markets.alive(last + 40)[0]

    def test_a_market_without_volatility_is_not_alive(self):
        markets = one_market()
        observe_closes(markets, walk(1, 20))
        assert not markets.alive(int(markets.last_seen[0]))[0]

    def test_closed_sessions_change_nothing(self):
        markets, _, day = warm()
        before = {name: np.copy(getattr(markets, name)) for name in Markets.STATE}
        sigma = markets.sigma()
        for offset in range(5):
            seen = markets.observe(session(day + offset, {}))
            assert not seen.seen[0]
            assert np.isnan(seen.near_price[0])
        for name, value in before.items():
            np.testing.assert_array_equal(getattr(markets, name), value, err_msg=name)
        np.testing.assert_array_equal(markets.sigma(), sigma)


class TestContractsThatEnd:
    def test_bars_past_the_expiry_or_of_unknown_contracts_are_ignored(self):
        markets = one_market((MAR, MONDAY + 10), (JUN, MONDAY + 100))
        markets.observe(session(MONDAY + 11, {MAR: 1.0, 209912: 5.0}))
        assert markets.held[0] == NO_CONTRACT

    def test_one_that_expires_while_held_is_followed_by_the_next_with_a_bar(self):
        markets = one_market((MAR, MONDAY + 4), (JUN, MONDAY + 100), roll_days=1)
        markets.observe(session(MONDAY, {MAR: 100.0}))
        for offset in range(1, 5):
            markets.observe(session(MONDAY + offset, {MAR: 100.0 + offset}))
        assert markets.held[0] == MAR
        assert markets.must_exit[0]
        seen = markets.observe(session(MONDAY + 7, {JUN: 120.0}))
        assert markets.held[0] == JUN
        assert not markets.must_exit[0]
        assert [roll.reason for roll in seen.rolls] == ["lost"]

    def test_the_gap_to_the_next_contract_is_no_return(self):
        markets = one_market((MAR, MONDAY + 4), (JUN, MONDAY + 100), roll_days=1)
        markets.observe(session(MONDAY, {MAR: 100.0}))
        markets.observe(session(MONDAY + 1, {MAR: 101.0}))
        returns = []
        for day in weekdays(MONDAY + 7, 7):
            returns.append(float(markets.observe(session(day, {JUN: 120.0})).ret[0]))
        assert returns == [0.0] * 7
        assert markets.held[0] == JUN
        assert markets.adjusted[0] == 101.0

    def test_one_that_ceases_to_be_quoted_is_left_after_a_few_sessions(self):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90))
        markets.observe(session(MONDAY, {MAR: 100.0, JUN: 102.0}))
        held = []
        for day in weekdays(MONDAY + 1, UNQUOTED_SESSIONS):
            markets.observe(session(day, {JUN: 103.0}))
            held.append(int(markets.held[0]))
        assert held == [MAR] * (UNQUOTED_SESSIONS - 1) + [JUN]
        seen = markets.observe(session(MONDAY + 30, {JUN: 104.03}))
        assert seen.ret[0] == pytest.approx(0.01)

    def test_the_contract_taken_instead_is_not_left_at_once(self):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90), (SEP, FAR_AWAY + 180))
        markets.observe(session(MONDAY, {MAR: 100.0}))
        days = weekdays(MONDAY + 1, 2 * UNQUOTED_SESSIONS)
        for day in days[:UNQUOTED_SESSIONS]:
            markets.observe(session(day, {JUN: 102.0}))
        assert markets.held[0] == JUN
        markets.observe(session(days[UNQUOTED_SESSIONS], {SEP: 103.0}))
        assert markets.held[0] == JUN

    def test_closed_days_do_not_count_as_unquoted(self):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90))
        markets.observe(session(MONDAY, {MAR: 100.0}))
        for day in weekdays(MONDAY + 1, 30):
            markets.observe(session(day, {}))
        markets.observe(session(MONDAY + 60, {JUN: 100.0}))
        assert markets.held[0] == MAR

    def test_other_contracts_without_a_price_do_not_count_either(self):
        markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90), (SEP, MONDAY))
        markets.observe(session(MONDAY, {MAR: 100.0}))
        for day in weekdays(MONDAY + 1, 30):
            markets.observe(session(day, {JUN: float("nan"), SEP: 99.0}))  # SEP has expired
        markets.observe(session(MONDAY + 60, {JUN: 100.0}))
        assert markets.held[0] == MAR

    def test_must_exit_before_the_last_holding_day_without_successor(self):
        markets = one_market((MAR, MONDAY + 10, MONDAY + 3))
        exits = []
        for offset in range(4):
            markets.observe(session(MONDAY + offset, {MAR: 100.0 + offset}))
            exits.append(bool(markets.must_exit[0]))
        assert exits == [False, False, True, True]

    @pytest.mark.parametrize(
        ("listed", "held"), [(False, [MAR, MAR, JUN]), (True, [MAR, JUN, JUN])]
    )
    def test_a_roll_by_spread_is_not_left_to_the_last_session(self, listed, held):
        """The last holding day is Thursday: legs are decided on Wednesday, a spread on Tuesday."""
        market = instrument(spread_listed=listed, roll_days=2)
        markets = Markets([market], spread_rolls=True)
        for month, expiry, last in ((MAR, 10, 3), (JUN, 100, 93)):
            markets.contracts[0][month] = Contract(month, MONDAY + expiry, MONDAY + last)
        found = []
        for day in range(MONDAY, MONDAY + 3):
            markets.observe(session(day, {MAR: 100.0, JUN: 101.0}))
            found.append(int(markets.held[0]))
        assert found == held

    def test_must_exit_does_not_need_a_bar_of_the_held_contract(self):
        markets = one_market((MAR, MONDAY + 10, MONDAY + 3), (JUN, MONDAY + 12, MONDAY + 11))
        markets.observe(session(MONDAY, {MAR: 100.0}))
        markets.observe(session(MONDAY + 1, {MAR: 100.5}))
        markets.observe(session(MONDAY + 2, {JUN: 100.5}))  # JUN is in its own window
        assert markets.must_exit[0]


class TestCarryPair:
    def test_is_in_order_of_expiry_whatever_side_is_held(self):
        for held, offset in ((MAR, +1), (JUN, -1)):
            markets = one_market(
                (MAR, FAR_AWAY), (JUN, FAR_AWAY + 91), (SEP, FAR_AWAY + 182), carry_offset=offset
            )
            quotes = {MAR: 100.0, JUN: 98.0, SEP: 90.0}
            seen = markets.observe(session(MONDAY, quotes, mapped=[held]))
            assert markets.held[0] == held
            assert (seen.near_price[0], seen.far_price[0]) == (100.0, 98.0)
            assert (seen.near_expiry[0], seen.far_expiry[0]) == (FAR_AWAY, FAR_AWAY + 91)

    def test_is_missing_without_a_second_price(self):
        (seen,) = observe_closes(one_market(), [100.0])
        assert np.isnan(seen.near_price[0])
        assert np.isnan(seen.far_price[0])

    def test_is_that_of_the_new_contract_after_a_roll(self):
        markets = one_market((MAR, MONDAY + 9), (JUN, MONDAY + 100), (SEP, MONDAY + 200))
        markets.observe(session(MONDAY, {MAR: 100.0}))
        seen = markets.observe(session(MONDAY + 1, {MAR: 100.0, JUN: 99.0, SEP: 97.0}))
        assert markets.held[0] == JUN
        assert (seen.near_price[0], seen.far_price[0]) == (99.0, 97.0)


def test_markets_are_independent_of_each_other():
    alone = one_market()
    both = Markets([instrument("AA"), instrument("BB")])
    for contracts in both.contracts:
        contracts[MAR] = Contract(MAR, FAR_AWAY, FAR_AWAY - 1)
    closes, others = walk(1, 120), walk(2, 120, sigma=0.05)
    for k, day in enumerate(weekdays(MONDAY, 120)):
        alone.observe(session(day, {MAR: closes[k]}))
        both.observe(session(day, {MAR: closes[k]}, {MAR: others[k]} if k % 3 else {}))
    assert both.sigma()[0] == alone.sigma()[0]
    assert both.adjusted[0] == alone.adjusted[0]
