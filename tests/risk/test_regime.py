"""The regime as an exposure scale: what it says, from when on, and what it remembers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from alpha.regime import train
from alpha.regime.document import RegimeDocumentError
from alpha.regime.features import ROW, RegimeFeatures
from alpha.regime.history import RegimeHistory
from research.studies.regime import walk_regime
from risk.regime import RegimeScale, RegimeSettings
from tests.helpers import instrument, regime_markets

FIRST, N, LEAST = 9_000, 1100, 930
SETTINGS = RegimeSettings(regime_least=LEAST, regime_full=0.3)
MARKETS = regime_markets()


def snapshots(seed: int = 0, count: int = N) -> list[SimpleNamespace]:
    """Volatility in waves that the VIX shows some time before."""
    rng = np.random.default_rng(seed)
    phase = np.arange(count) / 30.0
    size = 0.01 * np.exp(1.5 * np.sin(phase))
    ret = rng.standard_normal((count, len(MARKETS))) * size[:, None]
    vix = 20.0 + 8.0 * np.sin(phase + 0.5) + rng.standard_normal(count)
    made = []
    for k in range(count):
        day = FIRST + k
        macro = {"vix.spot": [day, vix[k]], "credit.spread": [day - day % 7, 0.02 + 1e-4 * vix[k]]}
        made.append((day, ret[k], np.full(3, size[k - 1] if k else np.nan), macro))
    return observed(made)


def observed(sessions) -> list[SimpleNamespace]:
    """What the observer tells of days, returns, volatilities before them, and macro series."""
    classes = np.arange(len(MARKETS))
    features = RegimeFeatures([market.code for market in MARKETS], classes)
    return [
        SimpleNamespace(day=one[0], macro=one[3], ret=one[1], regime=features.take(*one))
        for one in sessions
    ]


def walk(scale: RegimeScale, days, decided: int = LEAST) -> list:
    out = []
    for number, one in enumerate(days):
        scale.observe(one)
        if number >= decided:
            out.append(scale.scale(one, 1e6))
    return out


@pytest.fixture(scope="module", autouse=True)
def one_year():
    """A year is enough to train on, so that histories are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "LEAST_YEARS", 1)
        yield


@pytest.fixture(scope="module")
def days():
    return snapshots()


@pytest.fixture(scope="module")
def run(days):
    scale = RegimeScale(SETTINGS, MARKETS)
    return scale, walk(scale, days)


def test_it_acts_and_says_so(run):
    _, said = run
    values = np.array([one.value for one in said])
    assert values.min() < 0.9
    assert values.max() == 1.0
    assert all(bool(one.reason) == (one.value < 1.0) for one in said)
    assert all(set(one.figures) == {"p_off", "base_rate"} for one in said[2:])


def test_bonds_keep_a_part_of_what_is_taken_away(run, days):
    scale = RegimeScale(replace(SETTINGS, regime_bonds=0.25), MARKETS)
    for mine, plain in zip(walk(scale, days), run[1], strict=True):
        assert (mine.value, mine.figures) == (plain.value, plain.figures)
        kept = plain.value + 0.25 * (1.0 - plain.value)
        assert mine.spared == ({"bond": kept} if plain.value < 1.0 else {})
        assert (f", of bonds at {kept:.0%}" in mine.reason) == (plain.value < 1.0)


def test_probabilities_and_shares_are_those_of_the_study(run):
    scale, said = run
    history = scale.history.history()
    study = walk_regime(history, SETTINGS.regime_plan, every=63, least=LEAST)
    rows = slice(0, len(study.day))
    got = np.array([one.figures.get("p_off", np.nan) for one in said])[1:]
    np.testing.assert_array_equal(got[rows], study.probability)
    share = np.array([one.value for one in said])[1:]
    np.testing.assert_array_equal(share[rows], study.share(SETTINGS.regime_policy))


def test_nothing_later_changes_what_was_said(run, days):
    _, said = run
    other = snapshots(seed=9)
    for cut in (1000,):
        again = walk(RegimeScale(SETTINGS, MARKETS), [*days[:cut], *other[cut:]])
        before = cut - LEAST
        assert [(s.value, s.figures) for s in again[:before]] == [
            (s.value, s.figures) for s in said[:before]
        ]
        assert again[-1].figures != said[-1].figures


def test_a_training_on_schedule_makes_what_the_next_session_would(days, run):
    early = RegimeScale(SETTINGS, MARKETS)
    trained = []
    for one in days:
        early.observe(one)
        early.scale(one, 1e6)
        if early.train_if_due():
            trained.append(one.day)
            assert early.trained == one.day
    assert trained == [FIRST + LEAST + 63 * k for k in range(3)]
    assert early.text == run[0].text
    assert early.scale(days[-1], 1e6).value == run[1][-1].value


def test_a_restored_scale_goes_on_as_if_nothing_had_happened(days, run):
    first = RegimeScale(SETTINGS, MARKETS)
    walk(first, days[:980])
    again = RegimeScale(SETTINGS, MARKETS)
    for name, part in first.components().items():
        values = {key: getattr(part, key) for key in part.STATE}
        target = again.components()[name]
        kept = target.from_state(values) if hasattr(target, "from_state") else values
        for key, value in kept.items():
            setattr(target, key, value.copy() if isinstance(value, np.ndarray) else value)
    said = walk(again, days[980:], 0)
    assert [(s.value, s.figures) for s in said] == [(s.value, s.figures) for s in run[1][50:]]


def notes_of(settings, markets, days):
    scale = RegimeScale(settings, markets)
    said = walk(scale, days, 0)
    assert all(one.value == 1.0 and not one.figures for one in said)
    return [note for one in said for note in one.notes]


def test_without_a_model_exposure_stays_and_the_reason_is_said_once(days):
    few = days[:20]
    assert notes_of(SETTINGS, MARKETS, few) == [
        "exposure is not scaled: no model; the first takes 930 sessions"
    ]
    none = {"macro": {"usd.5y": [1, 0.01]}, "regime": np.full(ROW, np.nan)}
    bare = [SimpleNamespace(**{**vars(one), **none}) for one in few]
    assert notes_of(SETTINGS, MARKETS, bare) == ["exposure is not scaled: no macro series is there"]
    others = [instrument("AA"), instrument("BB"), instrument("CC")]
    assert notes_of(SETTINGS, others, few) == [
        "exposure is not scaled: ES and ZN are not both traded"
    ]
    assert notes_of(replace(SETTINGS, regime=False), MARKETS, few) == []


def test_a_series_that_stops_leaves_fewer_features_and_a_reason(days):
    stopped = []
    for number, one in enumerate(days[:970]):
        old = {name: [min(day, FIRST + 935), v] for name, (day, v) in one.macro.items()}
        macro = old if number > 935 else one.macro
        stopped.append((one.day, one.ret, np.full(3, 0.01), macro))
    said = walk(RegimeScale(SETTINGS, MARKETS), observed(stopped))
    notes = [note for one in said for note in one.notes]
    assert any("vix.spot stopped on" in note and "credit.spread stopped" in note for note in notes)
    assert all(np.isfinite(one.figures["p_off"]) for one in said[2:])


def test_a_training_that_fails_is_said_and_tried_a_quarter_later(days):
    macro = {"credit.spread": [FIRST, 0.02]}
    flat = observed([(one.day, np.zeros(3), np.full(3, 0.01), macro) for one in days])
    scale = RegimeScale(SETTINGS, MARKETS)
    said = walk(scale, flat)
    notes = [note for one in said for note in one.notes if "failed" in note]
    assert len(notes) == 3
    assert "is constant" in notes[0]
    assert scale.text == ""


def test_documents_that_do_not_fit_are_refused(days, run):
    text, day = run[0].text, days[-1].day + 1
    fresh = RegimeScale(SETTINGS, MARKETS)
    fresh.offer(text, day)
    assert (fresh.text, fresh.trained) == (text, run[0].trained)
    older = RegimeScale(SETTINGS, MARKETS)
    older.text, older.trained = "newer", day
    older.offer(text, day + 1)
    assert older.text == "newer"
    for settings, then, what in (
        (replace(SETTINGS, regime_horizon=42), day, "other settings .horizon."),
        (SETTINGS, run[0].trained, "on or after the session"),
    ):
        with pytest.raises(RegimeDocumentError, match=what):
            RegimeScale(settings, MARKETS).offer(text, then)
    with pytest.raises(RegimeDocumentError, match="changed after it was written"):
        fresh.offer(text.replace('"base_rate": 0', '"base_rate": 1'), day)


def test_a_document_of_the_state_that_does_not_fit_is_left_out(days):
    scale = RegimeScale(SETTINGS, MARKETS)
    scale.text, scale.trained = "{}", FIRST
    said = walk(scale, days[:40], 30)
    assert any("not readable; it is left out" in note for note in said[0].notes)
    assert scale.text == ""


def test_state_that_no_scale_keeps_is_refused():
    scale, history = RegimeScale(SETTINGS, MARKETS), RegimeHistory()
    with pytest.raises(ValueError, match="out of its range"):
        scale.from_state({"share": 2.0, "tried": 0})
    with pytest.raises(ValueError, match="2 days, not as many rows"):
        history.from_state({"days": np.array([1, 2]), "table": history.table})


def test_a_window_is_never_shorter_than_the_first_training():
    assert RegimeSettings(regime_window=1500).regime_plan.window == 2520
    assert RegimeSettings(regime_window=0).regime_plan.window == 0
