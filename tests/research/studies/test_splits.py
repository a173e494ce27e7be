"""Walk-forward windows and combinatorial splits: counted, covered, and without a leak."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.studies.splits import combinatorial_purged, walk_forward
from tests.portfolio.figures import OTHER_LIBRARIES


@given(
    st.integers(30, 400),
    st.integers(20, 120),
    st.integers(1, 50),
    st.integers(0, 9),
    st.booleans(),
)
def test_walk_forward_tests_everything_once_and_trains_on_what_was_known(
    sessions: int, train: int, test: int, horizon: int, expanding: bool
) -> None:
    if sessions <= train:
        sessions = train + 1
    windows = walk_forward(sessions, train, test, horizon=horizon, expanding=expanding)
    tested = [i for w in windows for i in range(w.test_first, w.test_end)]
    assert tested == list(range(train, sessions))
    for w in windows:
        last_label = w.train_end - 1 + horizon
        assert w.train_first < w.train_end
        assert last_label < w.test_first - horizon  # the embargo is the horizon by default
        assert w.train_first == (0 if expanding else w.test_first - train)


def test_walk_forward_by_hand() -> None:
    first, second = walk_forward(1000, 504, 252, horizon=21, embargo=0)
    assert (first.train_first, first.train_end, first.test_first, first.test_end) == (
        0,
        483,
        504,
        756,
    )
    assert (second.train_first, second.test_end) == (252, 1000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sessions": 100, "train": 0, "test": 10, "horizon": 0}, "at least 1 session"),
        ({"sessions": 100, "train": 40, "test": 10, "horizon": 20}, "more than the 40 left out"),
        ({"sessions": 40, "train": 40, "test": 10, "horizon": 1}, "more than the 40 of training"),
    ],
)
def test_walk_forward_bad_input(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        walk_forward(**arguments)


@pytest.mark.parametrize(("groups", "held_out"), [(6, 2), (5, 1), (7, 3)])
def test_combinatorial_paths_are_whole_histories(groups: int, held_out: int) -> None:
    splits = combinatorial_purged(210, groups, held_out, horizon=3, embargo=2)
    assert len(splits) == math.comb(groups, held_out)
    paths = math.comb(groups, held_out) * held_out // groups
    pieces: dict[int, list[np.ndarray]] = {}
    for split in splits:
        for (_, rows), path in zip(split.tests, split.paths, strict=True):
            pieces.setdefault(path, []).append(rows)
            assert np.abs(split.train[:, None] - rows[None, :]).min() > 3
    assert sorted(pieces) == list(range(paths))
    for rows in pieces.values():
        assert np.sort(np.concatenate(rows)).tolist() == list(range(210))


def test_combinatorial_training_is_skfolios() -> None:
    """The rows of CombinatorialPurgedCV(6, 2, purged_size=4, embargo_size=3), as runs of them."""
    found = [
        [row for first, end in runs for row in range(first, end)]
        for runs in OTHER_LIBRARIES["skfolio_combinatorial_train"]
    ]
    ours = combinatorial_purged(240, 6, 2, horizon=4, embargo=3)
    assert [split.train.tolist() for split in ours] == found


def test_combinatorial_bad_input() -> None:
    with pytest.raises(ValueError, match="held_out is 4"):
        combinatorial_purged(100, 4, 4, horizon=1)
    with pytest.raises(ValueError, match="leaves no session"):
        combinatorial_purged(12, 3, 2, horizon=5)
