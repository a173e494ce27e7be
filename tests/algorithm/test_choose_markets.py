"""Which markets a run in LEAN trades."""

import ast
from pathlib import Path

import pytest

from algorithm.settings import Settings
from universe.instruments import Instrument, without_twins
from universe.master import MASTER

ROOT = Path(__file__).resolve().parents[2]


def choose(markets):
    """The method alone: its module needs LEAN."""
    tree = ast.parse((ROOT / "algorithm" / "trend_carry.py").read_text(encoding="utf-8"))
    node = next(n for n in ast.walk(tree) if getattr(n, "name", "") == "_choose_markets")
    scope = {
        "MASTER": MASTER,
        "Settings": Settings,
        "Instrument": Instrument,
        "without_twins": without_twins,
    }
    exec(compile(ast.Module([node], []), "trend_carry", "exec"), scope)
    return [i.code for i in scope["_choose_markets"](None, Settings(markets=markets))]


def test_all_is_every_listed_underlying_once():
    codes = choose("all")
    assert {"YM", "RTY", "FDAX", "SI", "CL"} <= set(codes)
    assert not {"MYM", "M2K", "FDXS", "SIL", "QM"} & set(codes)
    assert all(MASTER[code].lean_listed for code in codes)
    small = [i for i in MASTER if i.lean_listed and i.full_size]
    assert len(codes) == sum(i.lean_listed for i in MASTER) - len(small)


def test_named_markets_are_taken_as_they_are():
    assert choose("SIL SI FDXS") == ["SIL", "SI", "FDXS"]


def test_unlisted_markets_are_refused_by_name():
    with pytest.raises(ValueError, match="markets names QM SR3, which LEAN does not list"):
        choose("ES QM SR3")
