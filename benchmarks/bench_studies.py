"""Speed of trainings, of a day's probability, and of a study on two processes (make bench).

Every ratio is of one sitting. Without other work on the machine the study takes some five minutes.
"""

import os
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from algorithm.settings import Settings
from alpha.regime.document import Voice
from alpha.regime.features import NAMES
from alpha.regime.models import ModelKind
from alpha.regime.train import History, TrainingPlan, train
from research.open_data import DataRequest, open_data
from research.studies.runner import Workers
from research.studies.study_commands import Place, WalkPlan, run_walkforward
from research.studies.trials import TrialRegister
from research.studies.walkforward import grid_requests

ROOT = Path(__file__).resolve().parents[1]
MARKETS = "ES NQ FESX FDXS VX ZT ZF ZN UB 6A 6E 6J GC HG CL NG ZC ZS KC HE"
START = os.environ.get("BENCH_START", "2015-01-02")
END = os.environ.get("BENCH_END", "2019-12-31")
SESSIONS, REPEATS, WARM_UP = 10_000, 5, 1500


def history():
    """Forty years of features that wander, and volatility in waves that the first of them show."""
    rng = np.random.default_rng(15)
    wave = np.sin(np.arange(SESSIONS) / 60.0)
    rows = rng.standard_normal((SESSIONS, len(NAMES)))
    for k in range(1, SESSIONS):
        rows[k] += 0.95 * rows[k - 1]
    rows[:, :4] = wave[:, None] + 0.3 * rows[:, :4]
    returns = 0.01 * np.exp(wave) * rng.standard_normal(SESSIONS)
    return History(np.arange(SESSIONS), rows, returns, returns)


class Inside:
    """Processor time that a library's functions take while they are watched."""

    def __init__(self, monkeypatch):
        import lightgbm
        from sklearn.linear_model import LogisticRegression

        self.seconds = 0.0
        for owner, name in (
            (LogisticRegression, "fit"),
            (lightgbm, "train"),
            (lightgbm, "Dataset"),
        ):
            monkeypatch.setattr(owner, name, self._watched(getattr(owner, name)))

    def _watched(self, function):
        def call(*args, **options):
            began = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                self.seconds += time.thread_time() - began

        return call


@pytest.mark.parametrize("kind", list(ModelKind))
def test_a_refit_and_a_day(monkeypatch, capsys, kind):
    past, inside, ratios = history(), Inside(monkeypatch), []
    for _ in range(REPEATS):
        inside.seconds, began = 0.0, time.thread_time()
        document = train(past, TrainingPlan(model=kind))
        ratios.append((time.thread_time() - began) / inside.seconds)
    voice, days = Voice(document), []
    for row in past.rows[-500:]:
        began = time.perf_counter()
        voice.probability(row)
        days.append(1e3 * (time.perf_counter() - began))
    with capsys.disabled():
        print(
            f"\n{kind}: a refit takes {np.median(ratios):.2f} times the library's own fits"
            f" ({min(ratios):.2f} to {max(ratios):.2f}), a day {np.median(days):.3f} ms"
            f" (99 % within {np.quantile(days, 0.99):.3f} ms)"
        )
    assert np.median(ratios) <= 1.5
    assert np.median(days) <= 1.0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    named = os.environ.get("FUTURES_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "futures"
    if not folder.is_dir():
        pytest.skip("no real futures data: set FUTURES_DATA or put it in ../shared/data/futures")
    request = DataRequest(
        folder,
        MARKETS.split(),
        date.fromisoformat(START) - timedelta(days=WARM_UP),
        date.fromisoformat(END),
        cache=tmp_path_factory.mktemp("cache"),
    )
    return open_data(request)


def test_a_walk_forward_on_two_workers(data, tmp_path, capsys):
    """The whole study each time, page included; both find the tape, a run before them writes it."""
    settings = Settings.parse({"start": START, "end": END, "markets": MARKETS})
    plan = WalkPlan(train=500, test=125)
    register = TrialRegister(tmp_path)
    warm = Settings.parse({**settings.as_strings(), "buffer": "0.15"})
    Place(tmp_path, tmp_path, register).rows("warm", grid_requests(warm)[:1], data)
    seconds, written = {}, {}
    for count in (1, 2):
        out, began = tmp_path / str(count), time.perf_counter()
        run_walkforward(data, settings, Place(out, out, register, Workers(count)), plan)
        seconds[count] = time.perf_counter() - began
        written[count] = (out / "result.json").read_bytes()
    configurations = len(grid_requests(settings)) - 1  # the settings as they are, are one of them
    ratio, each = seconds[1] / seconds[2], seconds[1] / configurations
    with capsys.disabled():
        print(
            f"\n{configurations} configurations of {each:.0f} s: one process {seconds[1]:.0f} s,"
            f" two workers {seconds[2]:.0f} s, ratio {ratio:.2f}; on two workers"
            f" {seconds[2] / each:.1f} such runs"
        )
    assert written[1] == written[2]
    assert seconds[2] <= 12 * each
    assert ratio >= 1.7
