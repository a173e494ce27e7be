import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.collateral import BillLadder, Haircut, bill_price, wanted_cash

DAY = 18_000


def test_bill_price_by_hand():
    """A 91-day bill at a discount of 5.22 %: 100 (1 - 0.0522 x 91 / 360) = 98.68."""
    assert bill_price(0.0522, np.array(91.0)) == pytest.approx(0.986805, abs=1e-6)


class TestSweep:
    def test_one_bill_to_maturity_earns_its_discount(self):
        ladder = BillLadder((91,), smallest=0.0)
        first = ladder.sweep(DAY, 0.05, 1e6, 0.0)
        assert first.cash == pytest.approx(0.0, abs=1e-6)
        assert first.bills == pytest.approx(1e6)
        face = 1e6 / (1 - 0.05 * 91 / 360)
        earned = sum(ladder.sweep(DAY + k, 0.05, 0.0, 0.0).earned for k in range(1, 92))
        assert earned == pytest.approx(face - 1e6)

    def test_rungs_are_filled_evenly(self):
        ladder = BillLadder((28, 56, 91), smallest=0.0)
        ladder.sweep(DAY, 0.04, 3e6, 0.0)
        assert ladder.rungs() == pytest.approx(np.full(3, ladder.rungs()[0]))
        ladder.sweep(DAY + 28, 0.04, 0.0, 0.0)  # the first matured: its money goes to the end
        assert ladder.rungs()[2] == pytest.approx(ladder.rungs()[0], rel=0.01)

    def test_what_matures_first_is_sold_first(self):
        ladder = BillLadder((28, 56), smallest=1000.0)
        ladder.sweep(DAY, 0.0, 2e6, 0.0)
        found = ladder.sweep(DAY + 1, 0.0, -1_100_500.0, 0.0)
        assert found.sold == 1_101_000.0
        assert found.cash == 500.0
        assert ladder.rungs().tolist() == [0.0, 899_000.0]

    def test_no_bills_and_negative_cash_are_short(self):
        found = BillLadder().sweep(DAY, 0.05, -5e5, 1e5)
        assert (found.sold, found.cash, found.short) == (0.0, -5e5, 6e5)

    def test_without_any_rate_nothing_is_bought(self):
        ladder = BillLadder()
        assert ladder.sweep(DAY, np.nan, 1e6, 0.0).cash == 1e6
        ladder.sweep(DAY + 1, 0.05, 1e6, 0.0)
        assert ladder.sweep(DAY + 2, np.nan, 0.0, 0.0).earned > 0  # the last rate goes on

    def test_a_rise_of_the_rate_is_a_loss(self):
        ladder = BillLadder((91,), smallest=0.0)
        ladder.sweep(DAY, 0.02, 1e6, 0.0)
        loss = ladder.sweep(DAY, 0.03, 0.0, 0.0).earned
        assert loss == pytest.approx(-1e6 / (1 - 0.02 * 91 / 360) * 0.01 * 91 / 360)

    def test_haircuts_by_maturity(self):
        haircuts = (Haircut(30, 0.01), Haircut(60, 0.02))
        ladder = BillLadder((28, 56, 91), smallest=0.0, haircuts=haircuts)
        ladder.sweep(DAY, 0.0, 3e6, 0.0)
        assert ladder.pledgeable() == pytest.approx(1e6 * 0.99 + 1e6 * 0.98)

    @given(
        st.lists(
            st.tuples(st.floats(-2e6, 2e6), st.floats(-0.01, 0.15), st.floats(0, 1e6)),
            min_size=1, max_size=60,
        ),
        st.sampled_from([0.0, 1000.0]),
    )  # fmt: skip
    def test_money_is_neither_made_nor_lost(self, days, smallest):
        """Cash and bills change by flows and by what the bills earn, and by nothing else."""
        ladder, cash, bills, total = BillLadder(smallest=smallest), 0.0, 0.0, 0.0
        for k, (flow, rate, wanted) in enumerate(days):
            found = ladder.sweep(DAY + 3 * k, rate, cash + flow, wanted)
            total += flow + found.earned
            cash, bills = found.cash, found.bills
            assert cash + bills == pytest.approx(total, abs=1e-3)
            assert bills >= 0
            assert np.all(ladder.face > 0)
            assert found.pledgeable <= bills + 1e-9
            if found.short > 1e-3:
                assert bills == pytest.approx(0.0, abs=1e-6)
            elif smallest == 0 and found.bought:
                assert cash == pytest.approx(wanted, abs=1e-3)

    def test_a_state_that_is_read_back_goes_on_the_same(self):
        one, other = BillLadder(), BillLadder()
        one.sweep(DAY, 0.05, 5e6, 1e5)
        for name in BillLadder.STATE:
            value = getattr(one, name)
            setattr(other, name, value.copy() if isinstance(value, np.ndarray) else value)
        assert one.sweep(DAY + 40, 0.04, 2e5, 1e5) == other.sweep(DAY + 40, 0.04, 2e5, 1e5)

    def test_a_clock_that_steps_back_is_refused(self):
        ladder = BillLadder()
        ladder.sweep(DAY, 0.05, 1e6, 0.0)
        with pytest.raises(ValueError, match="before the ladder's last one"):
            ladder.sweep(DAY - 1, 0.05, 1e6, 0.0)

    @pytest.mark.parametrize("terms", [(), (0,), (28, 28), (56, 28)])
    def test_a_ladder_without_rungs_is_refused(self, terms):
        with pytest.raises(ValueError, match="terms are"):
            BillLadder(terms)

    def test_unknown_cash_is_refused(self):
        with pytest.raises(ValueError, match="cash is nan"):
            BillLadder().sweep(DAY, 0.05, np.nan, 0.0)


def test_wanted_cash_by_hand():
    assert wanted_cash(1e6, 5e6, 8e6, buffer=0.2, least=0.0) == pytest.approx(1.2e6)
    assert wanted_cash(1e6, 5e6, 5e6, buffer=0.2, least=0.0) == pytest.approx(2.2e6)
    assert wanted_cash(0.0, 0.0, 5e6, buffer=0.2, least=3e5) == 3e5
