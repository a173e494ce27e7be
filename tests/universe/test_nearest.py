import pytest

from universe.nearest import did_you_mean


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("es", "; did you mean 'ES'?"),
        ("vol_traget", "; did you mean 'vol_target'?"),
        ("qqqqqq", ""),
        ("", ""),
    ],
)
def test_the_nearest_name(name, hint):
    assert did_you_mean(name, ["ES", "ZN", "vol_target", "var_limit"]) == hint


def test_nothing_is_known():
    assert did_you_mean("x", []) == ""
