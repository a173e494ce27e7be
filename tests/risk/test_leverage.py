"""Variable leverage as an exposure scale: its share, and what it says where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from alpha.scale import Scale, combined
from risk import leverage
from risk.leverage import LeverageScale, LeverageSettings
from tests.helpers import instrument

SETTINGS = LeverageSettings(leverage=True, leverage_ar=0, leverage_ma=0, leverage_least=24)
MARKETS = [instrument("ZN"), instrument("ES")]


def snapshots(count: int = 640, seed: int = 7, step: float = 0.0) -> list[SimpleNamespace]:
    days = np.busday_offset("2001-01-01", np.arange(count), roll="forward")
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((count, 2)) * 0.01 + step
    out = []
    for day, ret in zip(days, returns, strict=True):
        number = int(day.astype("datetime64[M]").astype(int))
        out.append(
            SimpleNamespace(
                day=int(day.astype(int)),
                month=(1970 + number // 12) * 100 + number % 12 + 1,
                seen=np.array([True, True]),
                ret=ret,
            )
        )
    return out


def walk(scale: LeverageScale, days: list[SimpleNamespace]) -> list[Scale]:
    out = []
    for one in days:
        scale.observe(one)
        out.append(scale.scale(one, float("nan")))
    return out


@pytest.fixture(scope="module")
def said() -> list[Scale]:
    return walk(LeverageScale(SETTINGS, MARKETS), snapshots())


def test_it_is_leverage_over_its_full_value(said):
    figures = [one.figures for one in said if one.figures]
    values = [one.value for one in said if one.figures]
    assert len(values) > 50
    assert values == [min(one["leverage"] / 2.0, 1.0) for one in figures]
    assert min(values) >= 0.5  # leverage is at least 1
    assert all(bool(one.reason) == (one.value < 1.0) for one in said)
    assert said[-1].reason.startswith("leverage of ES ")


def test_it_waits_for_its_months_and_says_so_once(said):
    assert said[0].notes == (
        "exposure does not follow leverage: the first fit takes 24 months of ES",
    )
    assert [one.value for one in said[:500]] == [1.0] * 500
    assert not any(one.notes for one in said[1:])


def test_great_leverage_is_full_exposure():
    days = snapshots(step=0.004)
    last = walk(LeverageScale(SETTINGS, MARKETS), days)[-1]
    assert last.figures["leverage"] > 2.0
    assert (last.value, last.reason) == (1.0, "")


def test_off_it_looks_at_nothing():
    scale = LeverageScale(LeverageSettings(), MARKETS)
    assert walk(scale, snapshots(30)) == [Scale("leverage", 1.0)] * 30
    assert scale.model.month == 0


def test_a_market_that_is_not_there_or_stops():
    scale = LeverageScale(SETTINGS, [instrument("ZN")])
    notes = [one.notes for one in walk(scale, snapshots(3))]
    assert notes == [("exposure does not follow leverage: ES is not traded",), (), ()]
    scale = LeverageScale(SETTINGS, MARKETS)
    days = snapshots(620)
    walk(scale, days[:600])
    for one in days[600:]:
        one.seen = np.array([True, False])
    later = walk(scale, days[600:])
    assert any("ES stopped on 2003-04-18" in note for one in later for note in one.notes)
    assert (later[0].value < 1.0, later[-1].value) == (True, 1.0)


def test_without_the_libraries_exposure_stays(monkeypatch):
    monkeypatch.setattr(leverage, "missing_libraries", lambda: "arch")
    said = walk(LeverageScale(SETTINGS, MARKETS), snapshots(2))
    assert said[0] == Scale(
        "leverage", 1.0, notes=("exposure does not follow leverage: arch not installed",)
    )
    assert said[1] == Scale("leverage", 1.0)


def test_exposure_is_whole_at_the_cap(said):
    capped = LeverageSettings(**{**vars(SETTINGS), "leverage_cap": 1.5})
    values = [one.value for one in walk(LeverageScale(capped, MARKETS), snapshots(600))]
    leverage = [one.figures["leverage"] for one in said[:600] if one.figures]
    assert values[-len(leverage) :] == [min(one, 1.5) / 1.5 for one in leverage]


def test_the_product_of_scales_has_a_floor():
    scales = [Scale("governor", 0.5), Scale("regime", 0.5), Scale("leverage", 0.5)]
    assert combined(scales, 0.0) == 0.125
    assert combined(scales, 0.3) == 0.3
