"""What a risk stage of one's own may not do is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from risk.book import Book, Verdict, checked
from risk.var import VarModel

ASKED, HELD = np.array([5, -3, 0]), np.array([8, 2, -1])


def book() -> Book:
    model = VarModel(np.eye(3), np.ones(3), np.zeros((0, 3)))
    return Book(1, 1e6, ["AA", "BB", "CC"], ASKED, HELD, np.ones(3), np.ones(3, bool), model)


@pytest.mark.parametrize(
    "contracts", [ASKED, HELD, [0, 0, 0], [8, -3, -1], [6, 1, 0], [0, 2, -1]], ids=str
)
def test_between_none_what_is_asked_for_and_what_is_held(contracts):
    verdict = Verdict("mine", np.array(contracts))
    assert checked(verdict, book()) is verdict


@pytest.mark.parametrize(
    ("contracts", "words"),
    [
        ([9, 0, 0], "'mine' made \\+5 AA \\+9 while \\+8 are held"),
        ([0, -4, 0], "'mine' made -3 BB -4 while \\+2 are held"),
        ([0, 0, 1], "'mine' made \\+0 CC \\+1 while -1 are held"),
        ([-1, 0, 0], "never add"),
        ([1.0, 0.0, 0.0], "type float64"),
        ([np.nan, 0.0, 0.0], "type float64"),
        ([1, 0], "shape \\(2,\\)"),
    ],
    ids=str,
)
def test_anything_else_is_refused(contracts, words):
    with pytest.raises(ValueError, match=words):
        checked(Verdict("mine", np.array(contracts)), book())
