"""Exposure scales: their product, its floor, and classes that are spared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.scale import Scale, combined, tilt

CLASSES = ["equity", "bond", "energy", "bond"]
SHARE = st.floats(0.05, 1.0)


@given(SHARE, SHARE, SHARE, st.floats(0.0, 1.0))
def test_spared_classes_keep_their_own_share_and_others_the_product(first, second, more, floor):
    spared = second + more * (1.0 - second)
    scales = [Scale("a", first), Scale("b", second, spared={"bond": spared})]
    whole, factor = combined(scales, floor), tilt(scales, CLASSES, floor)
    assert whole == max(first * second, floor)
    np.testing.assert_array_equal(factor[[0, 2]], 1.0)
    np.testing.assert_allclose(factor[[1, 3]] * whole, max(first * spared, whole), rtol=1e-12)
    assert np.all(factor * whole <= 1.0 + 1e-12)


def test_nothing_spared_tilts_nothing():
    assert tilt([Scale("a", 0.5)], CLASSES, 0.0).tolist() == [1.0] * 4
    assert tilt([Scale("a", 0.0, spared={"bond": 0.5})], CLASSES, 0.0).tolist() == [1.0] * 4


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"scale summer: value is .*; it must be in \[0, 1\]"):
        Scale("summer", value)
