"""004's index by itself: money, levy, rolls, delay, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alpha.direction.votes import AGES
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.data.macro_series import MacroSeries
from research.studies.direction import (
    DirectionWalk,
    index_history,
    levied,
    rolled,
    walk_direction,
)
from research.studies.direction_study import HELD, LEVERED, run_direction
from research.studies.study_commands import Place
from research.studies.trials import TrialRegister
from tests.helpers import instrument, made_up_dataset, settings
from universe.arrays import from_epoch_day


@pytest.fixture(scope="module")
def data() -> Dataset:
    """A price index twice as long as the future, and every series that votes."""
    made = made_up_dataset(300, markets=[instrument("FESX", currency="USD")], closed=0.0)
    late = np.unique(made.markets["FESX"].day)
    early = late[0] - np.arange(300, 0, -1)
    day = np.concatenate([early, late])
    rng = np.random.default_rng(4)
    path = 3000 * np.cumprod(1 + 0.01 * rng.standard_normal(len(day)))
    macro = {name: MacroSeries(name, day, np.full(len(day), 0.03)) for name in AGES}
    macro["us.cape"] = MacroSeries("us.cape", day, np.full(len(day), 20.0))
    macro["sx5e.price"] = MacroSeries("sx5e.price", day, path)
    macro["eur.eonia"] = MacroSeries("eur.eonia", day[:100], np.full(100, 0.036))
    macro["eur.estr"] = MacroSeries("eur.estr", day[400:], np.full(len(day) - 400, -0.0036))
    return made.with_macro(macro, [])


@pytest.fixture(scope="module")
def chosen(data: Dataset):
    day = data.macro["sx5e.price"].day
    return settings(
        start=from_epoch_day(int(day[0])).isoformat(), end=from_epoch_day(int(day[-1])).isoformat()
    )


def test_money_is_eonia_then_euribor_then_estr(data, chosen):
    history = index_history(data, chosen)
    assert history.rate["eur.eonia"] == 100 + 10  # and ten days of its last value
    assert history.rate["eur.estr"] > 150
    assert history.rate["eur.euribor"] > 250
    assert history.money[0] == pytest.approx(0.036 / 360)
    index = data.macro["sx5e.price"]
    before = index.value[1] / index.value[0] - 1
    assert history.excess[0] == pytest.approx(before + 0.03 / 365 - 0.036 / 360)
    assert history.future_from == np.unique(data.markets["FESX"].day)[1]
    assert np.all(np.diff(history.day) > 0)


def test_an_exposure_waits_for_the_next_close():
    known = np.full((5, 7), np.nan)
    known[1:, -1] = [1.0, 2.0, 0.0, -1.0]
    np.testing.assert_array_equal(DirectionWalk(known, []).exposure, [0.0, 0.0, 0.0, 1.0, 2.0])


def test_levy_on_rebalances_and_rolls_by_hand():
    day = np.array(["2015-02-26", "2015-02-27", "2015-03-02", "2015-03-03"], dtype="datetime64[D]")
    epoch = day.astype(np.int64)
    assert rolled(epoch).tolist() == [False, False, True, False]
    charge = levied(np.array([1.0, 2.0, 2.0, 0.0]), epoch, 0.00015)
    np.testing.assert_allclose(charge, [0.00015, 0.00015, 0.00015, 0.00015])
    assert not levied(np.zeros(4), epoch, 0.00015).any()


def test_nothing_later_changes_what_was_said(data, chosen):
    history = index_history(data, chosen)
    walk = walk_direction(history, data.macro, chosen)
    cut = 400
    short = data.with_macro(
        {name: one.until(int(history.day[cut])) for name, one in data.macro.items()}, []
    )
    again = walk_direction(index_history(short, chosen), short.macro, chosen)
    np.testing.assert_array_equal(again.known[:cut], walk.known[:cut])


@pytest.mark.slow
def test_page_and_figures(tmp_path: Path, data, chosen):
    place = Place(tmp_path / "out", tmp_path / "rows", TrialRegister(tmp_path))
    page = run_direction(data, chosen, place).read_text(encoding="utf-8")
    result = json.loads((place.out / "result.json").read_text())
    assert [row["name"] for row in result["rows"]][:2] == [HELD, LEVERED]
    assert sum(result["exposure"].values()) == pytest.approx(1.0)
    for words in ("Baa spread below its mean of a year", "EONIA was followed by ESTR"):
        assert words in page
    assert (place.out / "direction.csv").read_text().startswith("date,phase,turning,uncertain,I,")
    with pytest.raises(
        DataError, match=r"the index by itself needs sx5e.price, eur.dividend_price"
    ):
        run_direction(data.with_macro({}, []), chosen, place)
