"""Which markets a run in LEAN trades."""

from __future__ import annotations

import pytest

from universe.choice import lean_markets
from universe.instrument_table import read_table
from universe.instruments import UnknownInstrumentError
from universe.master import MASTER


def choose(markets: str) -> list[str]:
    return [i.code for i in lean_markets(markets, MASTER)]


def test_all_is_every_listed_underlying_once() -> None:
    codes = choose("all")
    assert {"YM", "RTY", "FDAX", "SI", "CL", "BTC"} <= set(codes)
    assert not {"MYM", "M2K", "FDXS", "SIL", "QM", "MBT", "HP"} & set(codes)
    assert all(MASTER[code].lean_listed for code in codes)
    small = [i for i in MASTER if i.lean_listed and i.full_size]
    assert len(codes) == sum(i.lean_listed for i in MASTER) - len(small)


def test_named_markets_are_taken_as_they_are() -> None:
    assert choose("SIL SI FDXS") == ["SIL", "SI", "FDXS"]


def test_a_sources_names_are_taken_once() -> None:
    assert choose("WHEAT SP500 ES") == ["ZW", "ES"]


def test_own_markets_count() -> None:
    master = read_table("code,like,lean_listed\nLBS,LBR,yes\nOWN,ES,no\n", MASTER)
    assert [i.code for i in lean_markets("LBS", master)] == ["LBS"]
    assert "LBS" in {i.code for i in lean_markets("all", master)}
    assert "OWN" not in {i.code for i in lean_markets("all", master)}


def test_unlisted_markets_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="markets names QM SR3, which LEAN does not list"):
        choose("ES QM SR3")
    with pytest.raises(UnknownInstrumentError, match="unknown market 'ESX'"):
        choose("ES ESX")
