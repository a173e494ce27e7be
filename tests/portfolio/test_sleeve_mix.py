import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.sleeve_mix import SleeveMix


def fed(rows, **options):
    mix = SleeveMix(rows.shape[1], **options)
    for day, row in enumerate(rows):
        mix.update(row, day // 21)
    return mix.update(np.full(rows.shape[1], np.nan), -1)


def two(first, second, sessions=1260):
    """Results with exactly these ratios of mean over standard deviation."""
    noise = np.resize([1.0, -1.0], sessions)
    return np.column_stack((first + noise, second + noise))


def test_a_quarter_of_the_way_from_equal():
    # proportional shares would be 0.6 and 0.4
    assert fed(two(0.09, 0.06)) == pytest.approx([0.525, 0.475])
    assert fed(two(0.09, 0.06), shrinkage=0.0) == pytest.approx([0.6, 0.4])
    assert fed(two(0.09, 0.06), shrinkage=1.0) == pytest.approx([0.5, 0.5])


def test_a_sleeve_that_loses_counts_as_nothing():
    assert fed(two(0.09, -0.5)) == pytest.approx([0.625, 0.375])
    assert fed(two(0.09, -0.5), shrinkage=0.0) == pytest.approx([0.65, 0.35])
    assert fed(two(-0.09, -0.5)) == pytest.approx([0.5, 0.5])


def test_equal_until_half_of_the_window():
    assert fed(two(0.09, 0.06, 600)).tolist() == [0.5, 0.5]
    assert fed(two(0.09, 0.06, 640)) != pytest.approx([0.5, 0.5])


def test_only_the_window_counts():
    rows = np.vstack((two(-5.0, 5.0, 400), two(0.09, 0.06, 1260)))
    assert fed(rows) == pytest.approx([0.525, 0.475])


def test_shares_change_with_the_month_and_not_with_results_of_its_own():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((1500, 2))
    other = rows.copy()
    other[1491:] += 10.0  # inside the last month
    first, second = SleeveMix(2), SleeveMix(2)
    seen = []
    for day in range(1500):
        month = day // 21
        a, b = first.update(rows[day], month), second.update(other[day], month)
        seen.append(a[0])
        assert np.array_equal(a, b)
    assert len(set(seen)) <= 1500 // 21 + 1


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_shares_are_within_bounds_and_add_up(seed, n):
    rows = np.random.default_rng(seed).standard_normal((700, n)) + 0.05
    shares = fed(rows, shrinkage=0.0, low=0.3, high=0.6)
    assert shares.sum() == pytest.approx(1.0)
    assert np.all(shares >= min(0.3, 1 / n) - 1e-12)
    assert np.all(shares <= max(0.6, 1 / n) + 1e-12)


@pytest.mark.parametrize("options", [{"low": 0.7}, {"high": 1.2}, {"shrinkage": 2.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="mix of sleeves has shares"):
        SleeveMix(2, **options)
