import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.contract_sizes import Lines, Sizes, contract_lines, fill, one_a_position
from tests.helpers import instrument
from universe.master import MASTER

INDEX = Sizes(10, trade_full=20.0, trade_small=2.6)  # the small one is dearer for its size
JUN, SEP = 202406, 202409


def lines_of(*codes: str) -> Lines:
    return contract_lines([MASTER[code] for code in codes], MASTER, yearly_trades=5.0)


class TestFill:
    """Full-size and small contracts of a position."""

    def test_from_nothing_by_cost_per_unit_of_risk(self):
        assert fill(37, 0, 0, INDEX) == (3, 7)
        assert fill(-37, 0, 0, INDEX) == (-3, -7)
        assert fill(9, 0, 0, INDEX) == (0, 9)
        assert fill(0, 0, 0, INDEX) == (0, 0)
        # eight small ones cost as much as a full one, which is worth ten
        assert fill(18, 0, 0, Sizes(10, 20.0, 1.0)) == (0, 18)

    def test_what_is_held_is_kept_where_changing_it_costs(self):
        assert fill(37, 0, 37, INDEX) == (0, 37)
        assert fill(40, 3, 7, INDEX) == (3, 10)
        assert fill(27, 3, 7, INDEX) == (2, 7)

    def test_dear_rolls_of_many_small_contracts_make_them_change(self):
        assert fill(40, 0, 40, Sizes(10, 20.0, 2.6, hold_full=80.0, hold_small=30.0)) == (4, 0)

    @pytest.mark.parametrize("ratio", [1, 0, -10])
    def test_a_ratio_that_is_none_is_refused(self, ratio):
        with pytest.raises(ValueError, match="ratio of contract sizes"):
            Sizes(ratio, 1.0, 1.0)

    @given(
        st.integers(-120, 120),
        st.integers(-12, 12),
        st.integers(-30, 30),
        st.integers(2, 12),
        st.floats(0, 30),
        st.floats(0, 5),
    )
    def test_no_other_way_to_fill_is_cheaper(
        self, units, full, small, ratio, cost_full, cost_small
    ):
        sizes = Sizes(ratio, cost_full, cost_small, 0.3 * cost_full, 0.4 * cost_small)

        def cost(a, b):
            trade = abs(a - full) * cost_full + abs(b - small) * cost_small
            return trade + abs(a) * sizes.hold_full + abs(b) * sizes.hold_small

        found = fill(units, full, small, sizes)
        assert found[0] * ratio + found[1] == units
        assert found[0] * units >= 0
        assert found[1] * units >= 0
        for other in range(-60, 61):
            rest = units - other * ratio
            if other * units >= 0 and rest * units >= 0 and (units or not other):
                assert cost(*found) <= cost(other, rest) + 1e-6


class TestLines:
    """Which contracts make up which markets."""

    def test_the_smallest_contract_that_lean_lists(self):
        lines = lines_of("ES", "ZN", "GC", "CL", "6E", "NG")
        assert lines.codes[6:] == ["MES", "MGC", "MCL", "M6E"]  # not QM, E7 nor QG
        assert lines.market[6:] == [0, 2, 3, 4]
        assert lines.units == [10, 1, 10, 10, 10, 1, 1, 1, 1, 1]

    def test_a_market_is_counted_in_its_smallest_contract(self):
        es = lines_of("ES").markets[0]
        full, small = MASTER["ES"], MASTER["MES"]
        assert (es.code, es.multiplier) == ("ES", small.multiplier)
        assert es.half_spread + es.fee / es.multiplier == pytest.approx(
            full.half_spread + full.fee / full.multiplier
        )
        assert es.adv_contracts == 10 * full.adv_contracts + small.adv_contracts
        assert [one.code for one in lines_of("ES", "ZN").smallest] == ["MES", "ZN"]

    def test_data_of_the_small_contract_serve_both(self):
        lines = lines_of("MHI", "MES")
        assert lines.codes == ["MHI", "MES", "HSI", "ES"]
        assert lines.units == [1, 1, 5, 10]
        assert lines.markets[1].multiplier == MASTER["MES"].multiplier
        assert lines.targets({1: {JUN: 37}}, {}) == {1: {JUN: 7}, 3: {JUN: 3}}

    def test_off_changes_nothing(self):
        given_ = [MASTER["ES"], MASTER["MES"]]
        lines = contract_lines(given_, MASTER, yearly_trades=5.0, small=False)
        assert lines.markets == lines.instruments == given_
        held = {(0, JUN): 3}
        assert lines.in_units(held) is held
        assert lines.targets({0: {JUN: 3}}, held) == {0: {JUN: 3}}

    def test_one_position_of_an_underlying(self):
        kept = one_a_position(MASTER[code] for code in ("MES", "ES", "CL", "QM", "MGC"))
        # crude's mini contract is held in other months, gold's has no full-size one beside it
        assert [one.code for one in kept] == ["ES", "CL", "QM", "MGC"]
        assert lines_of("QM", "CL").codes == ["QM", "CL", "MCL"]
        assert lines_of("QM", "CL").market == [0, 1, 1]

    @pytest.mark.parametrize(
        "changes",
        [
            {"currency": "EUR"},
            {"priced_months": "M", "hold_months": "M"},
            {"multiplier": 3.0},
            {"multiplier": 50.0},
            {"lean_listed": False},
        ],
    )
    def test_contracts_that_do_not_go_together(self, changes):
        full = instrument("AA", multiplier=50.0, hold_months="HMUZ", priced_months="HMUZ")
        alike = {"multiplier": 5.0, "full_size": "AA"}
        small = instrument("MAA", hold_months="HMUZ", priced_months="HMUZ", **alike)
        other = instrument(
            "MAA", **{"hold_months": "HMUZ", "priced_months": "HMUZ", **alike, **changes}
        )
        assert contract_lines([full], [full, small], yearly_trades=5.0).codes == ["AA", "MAA"]
        assert contract_lines([full], [full, other], yearly_trades=5.0).codes == ["AA"]

    def test_a_contract_that_cannot_be_ordered_leaves_the_own_one(self):
        lines = lines_of("ES")
        assert lines.targets({0: {JUN: 37}}, {}, listed={(0, JUN)})[0] == {JUN: 4}

    def test_what_was_left_without_a_price_is_left_in_both(self):
        assert lines_of("ZN", "ES").stuck({(0, JUN): SEP, (1, JUN): SEP}) == {
            (0, JUN): SEP,
            (1, JUN): SEP,
            (2, JUN): SEP,
        }

    @given(
        st.dictionaries(st.sampled_from([JUN, SEP]), st.integers(-60, 60), min_size=1),
        st.dictionaries(
            st.tuples(st.sampled_from([0, 2]), st.sampled_from([JUN, SEP])), st.integers(-9, 9)
        ),
    )
    def test_targets_are_worth_what_is_wanted(self, wanted, held):
        lines = lines_of("ES", "ZN")
        found = lines.targets({0: wanted, 1: {JUN: 2}}, held)
        orders = {(line, month): n for line, months in found.items() for month, n in months.items()}
        assert lines.in_units(orders) == {**{(0, m): n for m, n in wanted.items()}, (1, JUN): 2}

    def test_money_by_line_is_that_of_the_markets(self):
        lines = lines_of("ES", "ZN")
        assert lines.summed(np.array([1.0, 2.0, 4.0])).tolist() == [5.0, 2.0]
        assert lines.spread_out(np.array([1.0, 2.0])).tolist() == [1.0, 2.0, 1.0]

    def test_small_contracts_of_the_master_roll_with_the_full_size_one(self):
        """Where the small one ends earlier, its market has rolled long before."""
        from universe.expiry import last_holding_date, last_trade_date
        from universe.rolls import MONTH_LETTERS, roll_window_days

        full = [one for one in MASTER if not one.full_size]
        lines = contract_lines(full, MASTER, yearly_trades=5.0)
        assert len(lines.seconds) > 15
        for one in lines.seconds:
            market, small = lines.instruments[one.market], one.instrument
            for year in (2015, 2020):
                for letter in market.hold_months:
                    month = MONTH_LETTERS.index(letter) + 1
                    end = last_trade_date(market.expiry_rule, year, month)
                    other = last_trade_date(small.expiry_rule, year, month)
                    last = last_holding_date(small.notice, other, year, month)
                    assert (end - last).days < roll_window_days(market) - 2, small.code
