"""Purging against the definition, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.regime.folds import purged_folds, purged_train


@given(
    st.integers(5, 60),
    st.integers(0, 59),
    st.integers(1, 20),
    st.integers(0, 8),
    st.integers(0, 5),
)
def test_purging_is_its_definition(
    rows: int, first: int, length: int, horizon: int, embargo: int
) -> None:
    first = min(first, rows - 1)
    test = range(first, min(first + length, rows))

    def kept(i: int) -> bool:
        mine = set(range(i, i + horizon + 1))
        meets = any(mine & set(range(j, j + horizon + 1)) for j in test)
        after = test[-1] + horizon
        return not meets and not after < i <= after + embargo

    expected = [i for i in range(rows) if kept(i)]
    found = purged_train(rows, [(test[0], test[-1] + 1)], horizon, embargo)
    assert found.tolist() == expected


def test_folds_cover_every_row_once() -> None:
    folds = purged_folds(103, 5, horizon=4, embargo=2)
    tests = np.concatenate([test for _, test in folds])
    assert tests.tolist() == list(range(103))
    assert {len(test) for _, test in folds} == {20, 21}
    assert all(not set(train) & set(test) for train, test in folds)


@pytest.mark.parametrize(
    ("rows", "folds", "horizon", "message"),
    [(10, 1, 0, "folds is 1"), (3, 4, 0, "folds is 4"), (10, 2, 10, "leave none to train on")],
)
def test_bad_input(rows: int, folds: int, horizon: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        purged_folds(rows, folds, horizon)
