from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.position_caps import PositionCaps
from risk.position_limits import LIMITS, RESTRICTED, Eligibility, eligibility, limit_on
from tests.helpers import instrument
from universe.arrays import to_epoch_day
from universe.master import MASTER

BOOK = [MASTER[code] for code in ("ZC", "CL", "QM", "SI", "SIL", "ES")]
NO_SPOT = np.zeros(6, dtype=bool)
DAY = date(2015, 6, 1)


def cap_positions(asked, book, day, spot, headroom=0.1):
    return PositionCaps(book).cap(asked, to_epoch_day(day), spot, headroom)


def test_lines_of_a_market_do_not_overlap_and_every_one_has_a_source():
    for line in LIMITS:
        assert line.source
        assert line.code in MASTER
        assert line.since <= line.until
        others = [o for o in LIMITS if o.code == line.code and o is not line]
        assert all(o.until < line.since or o.since > line.until for o in others)


@pytest.mark.parametrize(
    ("code", "day", "spot", "every"),
    [
        ("ZC", date(2007, 4, 1), 600, 22_000),
        ("ZC", date(2020, 12, 31), 600, 33_000),
        ("ZC", date(2022, 1, 1), 1200, 57_800),
        ("CL", date(2012, 10, 17), 3000, None),
        ("CL", date(2022, 1, 3), 4000, None),
        ("RB", date(2023, 1, 3), 2000, None),
    ],
)
def test_published_levels(code, day, spot, every):
    line = limit_on(code, day)
    assert (line.spot, line.every) == (spot, every)


@pytest.mark.parametrize(
    ("code", "day"), [("ZC", date(1999, 1, 1)), ("ES", DAY), ("NG", date(2022, 1, 3))]
)
def test_what_is_not_established_is_unknown(code, day):
    assert limit_on(code, day) is None


def test_hogs_are_limited_in_a_single_month_by_their_exchange():
    days = [date(2013, 5, 19), date(2013, 5, 20), date(2017, 10, 16), date(2024, 6, 3)]
    assert [limit_on("HE", day).single for day in days] == [None, 4575, 6000, 6000]


def test_single_month_with_headroom():
    found = cap_positions(np.array([40_000, 0, 0, 0, 0, 0]), BOOK, DAY, NO_SPOT, 0.1)
    assert found.contracts[0] == 29_700
    assert "17 CFR 150.2" in found.steps[0]


def test_small_contracts_count_with_the_full_size_one():
    """Two half-size contracts are one: 2000 and 4000 half ones are 4000, of 3000 allowed."""
    spot = np.ones(6, dtype=bool)
    found = cap_positions(np.array([0, 2000, 4000, 0, 0, 0]), BOOK, DAY, spot, 0.0)
    assert found.contracts.tolist() == [0, 1500, 3000, 0, 0, 0]
    hedged = cap_positions(np.array([0, 4000, -2000, 0, 0, 0]), BOOK, DAY, spot, 0.0)
    assert hedged.contracts.tolist() == [0, 4000, -2000, 0, 0, 0]


def test_a_small_contract_alone_counts_by_its_size():
    book = [MASTER["SIL"]]
    found = cap_positions(np.array([9000]), book, DAY, np.ones(1, dtype=bool), 0.0)
    assert found.contracts.tolist() == [7500]  # 1500 contracts of 5000 ounces


def test_outside_the_spot_month_its_limit_does_not_bind():
    found = cap_positions(np.array([0, 5000, 0, 0, 0, 0]), BOOK, DAY, NO_SPOT)
    assert found.contracts[1] == 5000
    assert found.unknown == ("CL",)


def test_an_unknown_limit_is_said_and_not_assumed():
    found = cap_positions(np.array([0, 0, 0, 0, 0, 10**6]), BOOK, DAY, NO_SPOT)
    assert found.contracts[5] == 10**6
    assert found.unknown == ("ES",)


@given(
    arrays(np.int64, 6, elements=st.integers(-(10**5), 10**5)),
    arrays(bool, 6),
    st.floats(0, 0.9),
    st.sampled_from([date(2008, 1, 2), DAY, date(2021, 6, 1), date(2022, 6, 1)]),
)
def test_a_cap_never_raises_a_position_and_the_net_holds(asked, spot, headroom, day):
    found = cap_positions(asked, BOOK, day, spot, headroom)
    assert np.all(np.abs(found.contracts) <= np.abs(asked))
    assert np.all(found.contracts * asked >= 0)
    size = np.array([1.0, 1.0, 0.5, 1.0, 0.2, 1.0])
    for code, members in (("ZC", [0]), ("CL", [1, 2]), ("SI", [3, 4])):
        line = limit_on(code, day)
        net = abs((found.contracts * size)[members].sum())
        asked_net = abs((asked * size)[members].sum())
        if line is not None and line.every is not None:
            assert net <= line.every * (1 - headroom) + 1e-6
        if line is not None and spot[members][found.contracts[members] != 0].any():
            assert net <= line.spot * (1 - headroom) + 1.0  # whole contracts of the lighter side
        assert net <= asked_net + 1.0


def test_headroom_of_all_is_refused():
    with pytest.raises(ValueError, match="headroom is 1"):
        cap_positions(np.zeros(6, dtype=np.int64), BOOK, DAY, NO_SPOT, 1.0)


def test_an_own_market_counts_with_the_run_s_full_size_one():
    """A tenth of a market that no master knows, and one whose full-size market is nowhere."""
    full = instrument("ZC", multiplier=10.0)
    small = instrument("XXS", multiplier=1.0, full_size="ZC")
    lost = instrument("YYS", multiplier=1.0, full_size="YY")
    caps = PositionCaps([full, small, lost])
    assert caps.size.tolist() == [1.0, 0.1, 1.0]
    found = caps.cap(np.array([30_000, 60_000, 5]), to_epoch_day(DAY), np.zeros(3, bool), 0.0)
    assert abs(found.contracts[:2] @ [1.0, 0.1]) <= 33_000
    assert found.unknown == ("YY",)


def test_levels_change_with_the_days_in_any_order():
    caps = PositionCaps([MASTER["ZC"]])
    for line in (*LIMITS, *LIMITS[::-1]):
        if line.code == "ZC":
            assert caps.lines(to_epoch_day(line.since)) == (line,)
            assert caps.lines(to_epoch_day(line.since) - 1) != (line,)


def test_what_a_us_fund_may_not_hold_is_closed():
    since = to_epoch_day(RESTRICTED["KM"][0])
    caps = PositionCaps([MASTER["KM"], MASTER["ES"]], us_fund=True)
    none = np.zeros(2, dtype=bool)
    assert caps.cap(np.array([5, 5]), since - 1, none).contracts.tolist() == [5, 5]
    found = caps.cap(np.array([5, 5]), since, none)
    assert found.contracts.tolist() == [0, 5]
    assert "may not be held by a US fund" in found.steps[0]


class TestEligibility:
    def test_by_source(self):
        assert eligibility(MASTER["ES"], DAY)[0] is Eligibility.ELIGIBLE
        assert eligibility(MASTER["KM"], DAY)[0] is Eligibility.UNKNOWN
        found, source = eligibility(MASTER["KM"], RESTRICTED["KM"][0])
        assert found is Eligibility.RESTRICTED
        assert "KOSPI" in source

    def test_foreign_debt_needs_no_certificate_and_a_foreign_index_does(self):
        assert eligibility(MASTER["FGBL"], DAY)[0] is Eligibility.ELIGIBLE
        assert eligibility(MASTER["Z"], DAY)[0] is Eligibility.UNKNOWN

    def test_every_market_has_an_answer_and_a_reason(self):
        assert all(eligibility(instrument, DAY)[1] for instrument in MASTER)


def test_a_market_counted_in_small_contracts_is_a_part_of_the_full_size_one():
    """3,000 contracts of gold in the spot month are 30,000 of a tenth, whoever counts."""
    from portfolio.contract_sizes import contract_lines

    gold = contract_lines([MASTER["GC"]], MASTER, yearly_trades=5.0).markets
    caps = PositionCaps(gold)
    assert caps.size.tolist() == [0.1]
    day, spot = to_epoch_day(date(2015, 1, 5)), np.array([True])
    found = caps.cap(np.array([40_000]), day, spot, 0.1)
    assert found.contracts.tolist() == [27_000]
    assert PositionCaps([MASTER["GC"]]).cap(np.array([4_000]), day, spot).contracts[0] == 2_700
