"""The warm-up of a backtest, observed several sessions at a time."""

from __future__ import annotations

from datetime import date

import pytest

from algorithm import lean_algorithm
from tests.helpers import made_up_dataset, settings
from tests.stand_ins.at_work import start
from universe.arrays import to_epoch_day

SETTINGS = settings(start="2015-12-01", warmup_days=400, end="2017-01-01")


@pytest.fixture(scope="module")
def data():
    return made_up_dataset(330, seed=4)


@pytest.mark.parametrize("at_once", [8, 1000])
def test_what_it_leaves_is_the_same_as_of_one_session_after_the_other(data, monkeypatch, at_once):
    engines = []
    for number in (1, at_once):
        monkeypatch.setattr(lean_algorithm, "AT_ONCE", number)
        engine = start(data, SETTINGS).run(to_epoch_day(date(2015, 12, 11)))
        engines.append(engine.finish())
    one, many = engines
    assert many.tickets
    assert many.lines == one.lines
    assert dict(many.object_store) == dict(one.object_store)


def test_a_run_that_ends_in_its_warm_up_has_observed_it_whole(data):
    engine = start(data, SETTINGS).run(to_epoch_day(date(2015, 11, 27)))
    seen = engine.algorithm._context.strategy.day
    engine.finish()
    assert seen < engine.algorithm._context.strategy.day == to_epoch_day(date(2015, 11, 27))
