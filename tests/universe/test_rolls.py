import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import MONDAY, chain, instrument, weekdays
from universe.rolls import carry_contract, choose_contract, in_cycle, roll_window_days
from universe.session import NO_CONTRACT

MAR, JUN, SEP, DEC = 202003, 202006, 202009, 202012
CONTRACTS = chain((MAR, 100), (JUN, 190), (SEP, 280), (DEC, 370))
ALL = dict.fromkeys(CONTRACTS, 50.0)


def choose(held, day, *, quotes=ALL, mapped=NO_CONTRACT, contracts=CONTRACTS, **options):
    market = instrument(**options.pop("market", {}))
    return choose_contract(market, held, quotes, contracts, mapped, day, **options)


class TestWindow:
    def test_is_the_markets_roll_days(self):
        assert roll_window_days(instrument(roll_days=8)) == 8

    def test_depth_opens_it_a_cycle_step_earlier(self):
        market = instrument(roll_days=8, depth=2, hold_months="HMUZ")
        assert roll_window_days(market) == pytest.approx(8 + 2 * 365.25 / 4)

    @pytest.mark.parametrize(("day", "month"), [(91, MAR), (92, JUN)])
    def test_rolls_on_the_first_session_within_it(self, day, month):
        assert choose(MAR, day).month == month

    def test_reason_is_named(self):
        assert choose(MAR, 92).reason == "window"
        assert choose(MAR, 91).reason == ""

    def test_depth_holds_the_second_contract(self):
        monthly = chain(*((202001 + k, 30 + 30 * k) for k in range(6)))
        quotes = dict.fromkeys(monthly, 3.0)
        deep = {"roll_days": 5, "depth": 1, "hold_months": "FGHJKMNQUVXZ"}
        assert choose(0, 1, quotes=quotes, contracts=monthly, market=deep).month == 202002
        assert choose(202002, 20, quotes=quotes, contracts=monthly, market=deep).month == 202002
        assert choose(202002, 25, quotes=quotes, contracts=monthly, market=deep).month == 202003

    def test_no_contract_is_entered_within_its_own_window(self):
        close = chain((MAR, 100), (JUN, 104), (SEP, 280))
        assert choose(MAR, 98, contracts=close, quotes=dict.fromkeys(close, 1.0)).month == SEP

    def test_no_contract_is_entered_after_its_last_holding_day(self):
        notice = chain((MAR, 100, 60), (JUN, 190, 70), (SEP, 280))
        quotes = dict.fromkeys(notice, 1.0)
        assert choose(MAR, 70, contracts=notice, quotes=quotes).month == SEP
        assert choose(NO_CONTRACT, 70, contracts=notice, quotes=quotes).month == SEP

    def test_last_holding_day_before_the_window_rolls_too(self):
        early = chain((MAR, 100, 61), (JUN, 190))
        quotes = dict.fromkeys(early, 1.0)
        assert choose(MAR, 59, contracts=early, quotes=quotes).month == MAR
        assert choose(MAR, 60, contracts=early, quotes=quotes).month == JUN

    @pytest.mark.parametrize(("ahead", "friday"), [(1, MAR), (2, JUN)])
    def test_a_session_in_hand_before_the_last_holding_day(self, ahead, friday):
        """Of Tuesday: a spread is decided on the Friday before, and fills on Monday."""
        early = chain((MAR, 100, 61), (JUN, 190))
        quotes = dict.fromkeys(early, 1.0)
        months = [
            choose(MAR, day, contracts=early, quotes=quotes, ahead=ahead).month
            for day in (56, 57, 60)
        ]
        assert months == [MAR, friday, JUN]

    def test_only_months_of_the_cycle_are_entered(self):
        assert choose(MAR, 95, market={"hold_months": "HZ"}).month == DEC

    def test_waits_until_the_successor_has_a_price(self):
        decision = choose(MAR, 95, quotes={MAR: 1.0})
        assert (decision.month, decision.must_exit) == (MAR, False)

    def test_waits_until_the_held_contract_has_a_price(self):
        assert choose(MAR, 95, quotes={JUN: 1.0, SEP: 1.0}).month == MAR


class TestMustExit:
    @pytest.mark.parametrize(("day", "must"), [(97, False), (98, True), (99, True)])
    def test_when_the_last_holding_day_comes_without_successor(self, day, must):
        decision = choose(MAR, day, quotes={MAR: 1.0})
        assert decision == type(decision)(MAR, "", must)

    def test_not_when_a_successor_is_taken(self):
        assert choose(MAR, 98).must_exit is False

    @pytest.mark.parametrize("weekday", range(5))
    def test_leaves_so_that_the_next_session_is_at_most_the_last_holding_day(self, weekday):
        days = weekdays(MONDAY, 15)
        last = int(days[5 + weekday])
        contracts = chain((MAR, last + 3, last), (JUN, last + 90))
        quotes = dict.fromkeys(contracts, 1.0)
        filled = None
        for today, tomorrow in itertools.pairwise(days):
            decision = choose(
                MAR, int(today), contracts=contracts, quotes=quotes, market={"roll_days": 1}
            )
            if decision.month == JUN:
                filled = int(tomorrow)
                break
        assert filled is not None
        assert last - 3 <= filled <= last


class TestMapping:
    def test_first_contract_is_the_mapped_one_if_it_may_be_held(self):
        assert choose(NO_CONTRACT, 1, mapped=JUN).month == JUN
        assert choose(NO_CONTRACT, 95, mapped=MAR).month == JUN

    def test_first_contract_is_the_nearest_without_mapping(self):
        assert choose(NO_CONTRACT, 1) == type(choose(0, 1))(MAR, "first")

    def test_nothing_to_hold(self):
        assert choose(NO_CONTRACT, 1, quotes={}).month == NO_CONTRACT

    def test_follows_a_later_front(self):
        decision = choose(MAR, 50, mapped=JUN)
        assert (decision.month, decision.reason) == (JUN, "mapping")

    def test_a_front_beyond_the_next_contract_must_last_for_two_sessions(self):
        decision = choose(MAR, 50, mapped=SEP)
        assert (decision.month, decision.reason, decision.leading) == (MAR, "", SEP)
        decision = choose(MAR, 50, mapped=SEP, led=SEP)
        assert (decision.month, decision.reason) == (SEP, "mapping")
        unquoted = choose(MAR, 50, mapped=SEP, quotes={MAR: 1.0, SEP: 1.0})
        assert unquoted.month == SEP, "what is not quoted is not skipped"

    def test_ignores_an_earlier_front(self):
        assert choose(JUN, 50, mapped=MAR).month == JUN

    def test_ignores_a_front_without_price(self):
        assert choose(MAR, 50, mapped=JUN, quotes={MAR: 1.0, SEP: 1.0}).month == MAR

    def test_can_be_switched_off(self):
        assert choose(MAR, 50, mapped=JUN, follow_mapping=False).month == MAR


class TestOpenInterest:
    @pytest.mark.parametrize(
        ("theta", "following", "month"),
        [(1.0, 101, JUN), (1.0, 100, MAR), (1.5, 149, MAR), (1.5, 151, JUN), (0.5, 51, JUN)],
    )
    def test_rolls_above_theta_times_the_held_ones(self, theta, following, month):
        interest = {MAR: 100.0, JUN: float(following)}
        found = choose(MAR, 10, open_interest=interest, theta=theta, led=JUN)
        assert found.month == month

    def test_reason_is_named(self):
        found = choose(MAR, 10, open_interest={MAR: 1.0, JUN: 2.0}, led=JUN)
        assert (found.reason, found.leading) == ("open interest", NO_CONTRACT)

    def test_a_lead_of_one_session_moves_nothing(self):
        interest = {MAR: 100.0, JUN: 1e9}
        for led in (NO_CONTRACT, SEP):
            found = choose(MAR, 10, open_interest=interest, led=led)
            assert (found.month, found.leading) == (MAR, JUN)
        assert choose(MAR, 10, open_interest={MAR: 1.0, JUN: 0.5}, led=JUN).leading == NO_CONTRACT

    def test_only_the_next_contract_counts(self):
        assert choose(MAR, 10, open_interest={MAR: 100.0, JUN: 5.0, SEP: 900.0}).month == MAR

    def test_unknown_interest_falls_back_on_the_calendar(self):
        assert choose(MAR, 10, open_interest={JUN: 900.0}).month == MAR
        assert choose(MAR, 95, open_interest={}).month == JUN

    def test_never_goes_back(self):
        assert choose(JUN, 10, open_interest={MAR: 900.0, JUN: 1.0}).month == JUN


@st.composite
def chains(draw):
    """A random chain, and per session which contracts are priced beside the held one."""
    gaps = draw(st.lists(st.integers(10, 60), min_size=4, max_size=8))
    expiry = np.cumsum(gaps) + 20
    notice = draw(st.lists(st.integers(1, 25), min_size=len(gaps), max_size=len(gaps)))
    contracts = chain(
        *(
            (202001 + k, int(expiry[k]), int(expiry[k]) - min(notice[k], gaps[k]))
            for k in range(len(gaps))
        )
    )
    market = instrument(
        hold_months="FGHJKMNQUVXZ",
        roll_days=draw(st.integers(0, 30)),
        depth=draw(st.integers(0, 1)),
    )
    return market, contracts, draw(st.integers(0, 10**6))


class TestProperties:
    @given(chains())
    def test_of_every_roll_on_a_random_chain(self, drawn):
        market, contracts, seed = drawn
        rng = np.random.default_rng(seed)
        window = roll_window_days(market)
        held = NO_CONTRACT
        for day in range(max(c.expiry for c in contracts.values())):
            quotes = {m: 1.0 for m in contracts if m == held or rng.random() < 0.7}
            mapped = int(rng.choice([NO_CONTRACT, *contracts]))
            interest = {m: float(rng.integers(1, 100)) for m in quotes} if day % 3 else {}
            decision = choose_contract(
                market, held, quotes, contracts, mapped, day, open_interest=interest
            )
            new = decision.month
            if new != held:
                assert new in quotes
                assert contracts[new].expiry - day > window
                assert contracts[new].last_holding > day
                assert decision.reason
                assert not decision.must_exit
                if held != NO_CONTRACT:
                    assert contracts[new].expiry > contracts[held].expiry
            elif held != NO_CONTRACT and contracts[held].last_holding <= day + 1:
                open_later = [
                    m
                    for m in quotes
                    if contracts[m].expiry > contracts[held].expiry
                    and contracts[m].expiry - day > window
                    and contracts[m].last_holding > day
                ]
                assert not open_later
                assert decision.must_exit
            held = new
            if held != NO_CONTRACT and contracts[held].expiry <= day + 1:
                held = NO_CONTRACT  # it is gone; the caller says so

    @given(chains())
    def test_never_held_past_the_last_holding_day_when_a_successor_is_priced(self, drawn):
        market, contracts, _ = drawn
        quotes = dict.fromkeys(contracts, 1.0)
        final = max(contracts.values(), key=lambda contract: contract.expiry)
        held = ordered = NO_CONTRACT
        for day in range(final.expiry):
            held = ordered  # yesterday's decision is filled in this session
            if held not in (NO_CONTRACT, final.month):
                assert contracts[held].last_holding >= day
            ordered = choose_contract(market, held, quotes, contracts, NO_CONTRACT, day).month


class TestCarryContract:
    def carry(self, held, offset, months=(MAR, JUN, SEP, DEC)):
        quotes = dict.fromkeys(months, 1.0)
        return carry_contract(instrument(carry_offset=offset), held, quotes, CONTRACTS)

    def test_the_nearest_farther_one(self):
        assert self.carry(JUN, +1) == SEP

    def test_the_nearest_nearer_one(self):
        assert self.carry(SEP, -1) == JUN

    def test_the_other_side_if_that_side_has_no_price(self):
        assert self.carry(DEC, +1) == SEP
        assert self.carry(MAR, -1) == JUN
        assert self.carry(JUN, +1, months=(MAR, JUN)) == MAR

    def test_none_alone_or_among_strangers(self):
        assert self.carry(JUN, +1, months=(JUN,)) == NO_CONTRACT
        assert self.carry(JUN, +1, months=(JUN, 203012)) == NO_CONTRACT

    def test_a_contract_of_the_same_expiry_is_no_pair(self):
        twins = chain((MAR, 100), (JUN, 100))
        quotes = {MAR: 1.0, JUN: 2.0}
        assert carry_contract(instrument(), MAR, quotes, twins) == NO_CONTRACT

    def test_months_outside_the_cycle_count_if_priced(self):
        market = instrument(hold_months="HZ", carry_offset=1)
        quotes = dict.fromkeys(CONTRACTS, 1.0)
        assert carry_contract(market, MAR, quotes, CONTRACTS) == JUN


@pytest.mark.parametrize(
    ("month", "letters", "member"),
    [(202001, "F", True), (202012, "HMUZ", True), (202011, "HMUZ", False), (199903, "H", True)],
)
def test_in_cycle(month, letters, member):
    assert in_cycle(month, letters) is member
