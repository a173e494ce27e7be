import pytest

from risk.governor import DrawdownGovernor
from risk.governor_map import BY_VOLATILITY, governor_points


def test_years_of_the_volatility_target():
    expected = [(0.1, 0.8), (0.15, 0.6), (0.2, 0.4)]
    for found, point in zip(governor_points(BY_VOLATILITY, 0.10), expected, strict=True):
        assert found == pytest.approx(point)
    assert governor_points(BY_VOLATILITY, 0.20)[0][0] == pytest.approx(0.2)


def test_fractions_of_nav_stay_what_they_are():
    text = "0.05 0.8 0.10 0.6 0.15 0.4"
    assert governor_points(text, 0.2) == ((0.05, 0.8), (0.10, 0.6), (0.15, 0.4))


def test_the_governor_takes_it():
    governor = DrawdownGovernor(governor_points(BY_VOLATILITY, 0.10), 1.0, 0.1)
    assert [governor.map(d) for d in (0.0, 0.05, 0.099, 0.1, 0.16, 0.3)] == [1, 1, 1, 0.8, 0.6, 0.4]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.05",
        "0.05 0.8 0.1",
        "0.1 0.8 0.05 0.6",
        "0.05 0.6 0.1 0.8",
        "0.05 1.8",
        "12x 0.8",
        "-1x 0.8",
        "x 0.8",
        "five 0.8",
        "0.05 nan",
        "1x 0.8 0.1 0.6",
    ],
)
def test_other_words_are_refused(text):
    with pytest.raises(ValueError, match="must be pairs of drawdown and share"):
        governor_points(text, 0.10)
