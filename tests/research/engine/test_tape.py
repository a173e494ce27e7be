"""What is read from a tape is what is observed, to the last bit."""

import ast
import dataclasses
import multiprocessing
import os
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from algorithm.observer import Observer, data_settings
from algorithm.settings import Settings
from alpha.snapshot import Snapshot
from research.data.array_file import Cache, CacheWarning
from research.engine.engine import EmbeddedEngine, run_backtest
from research.engine.feed import Feed
from research.engine.result import RunResult
from research.engine.tape import Tape, TapeWriter, layout
from research.engine.tapes import CODE, ROOT, tape_key
from tests.helpers import bent, made_up_dataset, settings
from universe.arrays import from_epoch_day, to_epoch_day

EVERY = {
    "trend_rules": "tsmom ewmac breakout",
    "carry_rules": "smoothed cross_section relative_value directional calendar",
    "forecast_multiplier": "estimated",
    "carry_source": "class",
}


FAST = {"trend_rules": "ewmac breakout", "ewmac_spans": "2 4", "breakout_horizons": "10 20"}
"""Rules that say something after two months."""


@pytest.fixture(scope="module")
def data():
    return made_up_dataset(sessions=150)


@pytest.fixture(scope="module")
def year():
    return made_up_dataset(sessions=275)


@pytest.fixture(scope="module")
def plain(data):
    return recorded(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tapes")


@pytest.fixture(scope="module")
def first(data, folder):
    return recorded(dataclasses.replace(data, cache=folder))


BRIEF = {"end": "2015-04-30"}


@pytest.fixture(scope="module")
def brief(data):
    return recorded(data, **BRIEF)


def recorded(data, **changes):
    lines = []
    result = run_backtest(data, settings(**FAST, **changes), None, lines.append)
    return result, [line for line in lines if '"engine":' not in line]


def tapes(folder):
    return [path.name for path in folder.iterdir()]


def assert_same(one, other):
    """Two values, bit for bit."""
    if dataclasses.is_dataclass(one):
        for spec in dataclasses.fields(one):
            if spec.name != "timings":
                assert_same(getattr(one, spec.name), getattr(other, spec.name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_same(value, other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other or (one != one and other != other)


def assert_same_run(one, other):
    assert isinstance(one[0], RunResult)
    assert_same(one[0], other[0])
    assert one[1] == other[1]


class TestRuns:
    def test_writing_a_tape_changes_nothing(self, plain, first, folder):
        assert_same_run(first, plain)
        assert len(tapes(folder)) == 1

    def test_a_run_from_the_tape_is_the_first_one(self, data, plain, first, folder, monkeypatch):
        def observe(*_):
            raise AssertionError("a session is observed although there is a tape")

        monkeypatch.setattr(Observer, "observe", observe)
        assert_same_run(recorded(dataclasses.replace(data, cache=folder)), plain)

    def test_it_serves_other_settings_of_portfolio_and_risk(self, data, first, folder):
        changes = {"vol_target": 0.2, "buffer": 0.3, "cap_market": 0.5}
        taped = recorded(dataclasses.replace(data, cache=folder), **changes)
        assert len(tapes(folder)) == 1
        assert_same_run(taped, recorded(data, **changes))
        assert not np.array_equal(taped[0].nav, first[0].nav)

    def test_it_serves_a_run_that_ends_earlier(self, data, first, folder):
        end = from_epoch_day(int(first[0].day[-40])).isoformat()
        taped = recorded(dataclasses.replace(data, cache=folder), end=end)
        assert len(tapes(folder)) == 1
        assert_same_run(taped, recorded(data, end=end))
        np.testing.assert_array_equal(taped[0].nav, first[0].nav[:-39])

    def test_a_longer_run_replaces_it(self, data, tmp_path):
        kept = dataclasses.replace(data, cache=tmp_path)
        whole = settings(**FAST)
        cut = int(np.unique(next(iter(data.markets.values())).day)[40])
        short = settings(**FAST, end=from_epoch_day(cut).isoformat())
        for one in (short, whole):
            walk(kept, one)
        (name,) = tapes(tmp_path)
        entry = Cache(tmp_path).read(name.removesuffix(".arrays"))
        assert entry.about["days"][-1] == int(EmbeddedEngine(data, whole).feed.days[-1])

    def test_a_damaged_tape_is_written_anew_with_a_word(self, data, brief, first, tmp_path, folder):
        (name,) = tapes(folder)
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / name).write_bytes(bytes(content))
        with pytest.warns(CacheWarning, match=f"{name}: is damaged"):
            again = recorded(dataclasses.replace(data, cache=tmp_path), **BRIEF)
        assert_same_run(again, brief)
        assert Cache(tmp_path).read(name.removesuffix(".arrays")) is not None

    def test_a_run_that_breaks_off_leaves_no_tape(self, data, tmp_path):
        def stop(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_backtest(dataclasses.replace(data, cache=tmp_path), settings(**FAST), stop)
        assert tapes(tmp_path) == []

    def test_a_folder_that_takes_nothing_stops_no_run(self, data, brief, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.warns(CacheWarning, match="nothing can be kept there"):
            again = recorded(dataclasses.replace(data, cache=tmp_path / "file"), **BRIEF)
        assert_same_run(again, brief)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that share memory")
    def test_processes_that_start_together_agree(self, data, brief, tmp_path):
        kept = dataclasses.replace(data, cache=tmp_path)
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        workers = [context.Process(target=_put_nav, args=(kept, queue)) for _ in range(2)]
        for worker in workers:
            worker.start()
        found = [queue.get() for _ in workers]
        for worker in workers:
            worker.join()
        assert found == [brief[0].nav.tobytes()] * 2
        assert len(tapes(tmp_path)) == 1


def _put_nav(data, queue):
    queue.put(run_backtest(data, settings(**FAST, **BRIEF)).nav.tobytes())


def walk(data, chosen):
    """Observe and write a tape without a fund."""
    engine = EmbeddedEngine(data, chosen)
    for moment in engine._moments():
        moment.observe()


class TestSnapshots:
    @pytest.mark.parametrize(
        "changes",
        [EVERY, {"covariance": "ledoit_wolf", "corr_window": 60}],
        ids=["every rule and spreads", "ledoit_wolf"],
    )
    def test_all_that_is_known_of_a_session_comes_back(self, year, tmp_path, changes):
        chosen = settings(var_years=1.0, **changes)
        source = bent(year) if changes is EVERY else year
        feed, observer = made(source, chosen)
        writer = Cache(tmp_path).writer("tape", layout(observer, len(feed.days)))
        seen = []
        for moment in TapeWriter(observer, feed, writer).walk():
            gate = list(moment.gate.usual)
            believed = passes(moment)
            seen.append((moment.day, moment.fx.copy(), gate, believed, copied(moment.observe())))
        feed, observer = made(source, chosen)
        tape = Tape(Cache(tmp_path).read("tape"), feed, observer)
        for moment, (day, fx, gate, believed, snapshot) in zip(tape.walk(), seen, strict=True):
            assert moment.day == day
            np.testing.assert_array_equal(moment.fx, fx)
            np.testing.assert_array_equal(moment.gate.usual, gate)
            assert passes(moment) == believed
            assert_same(snapshot, moment.observe())

    @pytest.mark.parametrize(
        "changes",
        [EVERY, {**FAST, "covariance": "ledoit_wolf", "corr_window": 60}],
        ids=["every rule and spreads", "ledoit_wolf"],
    )
    def test_sessions_are_observed_alike_however_they_are_parted(self, year, changes):
        """One at a time, as LEAN does, or many; and nothing knows of a later one."""
        chosen = settings(var_years=1.0, **changes)
        feed, alone = made(bent(year), chosen)
        sessions = [bars.session for bars in feed]
        expected = [copied(alone.observe(session)) for session in sessions]
        together, found = made(bent(year), chosen)[1], []
        for first, last in pairwise((0, 2, 3, 90, 185, 186, len(sessions))):
            run = together.walk(sessions[first:last])
            found += [copied(run.at(row)) for row in range(len(run))]
        assert_same(found, expected)
        assert_same(dict(states(together)), dict(states(alone)))


def states(observer):
    """Everything that is kept for a restart, by name."""
    for name, component in observer.components().items():
        for attribute in component.STATE:
            yield f"{name}.{attribute}", getattr(component, attribute)


def made(data, chosen):
    feed = Feed(data, to_epoch_day(date(2000, 1, 1)), to_epoch_day(date(2030, 1, 1)))
    observer = Observer(chosen, [history.instrument for history in data.markets.values()])
    for market, contracts in enumerate(feed.contracts()):
        for contract in contracts:
            observer.list_contract(market, contract)
    return feed, observer


def passes(moment):
    """What the gate says of the first contracts' bars."""
    out = []
    for market in range(3):
        for month in list(moment.quotes[market])[:2]:
            opened = moment.open_of(market, month)
            out.append((month, opened, moment.gate.passes(market, month, opened)))
    return out


def copied(snapshot: Snapshot):
    """A snapshot that later sessions do not write into."""
    fields = {spec.name: getattr(snapshot, spec.name) for spec in dataclasses.fields(snapshot)}
    arrays = {k: v.copy() for k, v in fields.items() if isinstance(v, np.ndarray)}
    return dataclasses.replace(
        snapshot,
        **arrays,
        signals={name: value.copy() for name, value in snapshot.signals.items()},
        factors={name: value.copy() for name, value in snapshot.factors.items()},
        rolls=list(snapshot.rolls),
        notes=[tuple(note) for note in snapshot.notes],
    )


class TestKeys:
    @pytest.fixture
    def key(self, data):
        def key(data=data, **changes):
            chosen = settings(**{**FAST, **changes})
            first_day = to_epoch_day(chosen.first_day) - chosen.warmup_days
            return tape_key(data, chosen, Feed(data, first_day, to_epoch_day(chosen.last_day)))

        return key

    @pytest.mark.parametrize(
        "changes",
        [
            {"vol_span": 40},
            {"outlier_sigmas": 8.0},
            {"breakout_horizons": "10 40"},
            {"trend_rules": "ewmac"},
            {"carry_spans": "5 20"},
            {"forecast_cap": 3.0},
            {"corr_span": 100},
            {"covariance": "ledoit_wolf"},
            {"var_years": 2.0},
            {"cost_limit": 0.5},  # of the speeds
            {"start": "2015-03-02", "warmup_days": 0},
        ],
        ids=str,
    )
    def test_what_the_tape_depends_on_gives_another(self, key, changes):
        assert key(**changes) != key()

    @pytest.mark.parametrize(
        "changes",
        [
            {"vol_target": 0.2},
            {"buffer": 0.3},
            {"cash": 1e6},
            {"min_position": 1.0},
            {"end": "2015-06-30"},
            {"tsmom_skip_days": 10},  # of a rule that is not in use
        ],
        ids=str,
    )
    def test_what_it_does_not_depend_on_gives_the_same(self, key, changes):
        assert key(**changes) == key()

    def test_another_price_or_another_instrument_gives_another(self, key, data):
        code, history = next(iter(data.markets.items()))
        close = history.close.copy()
        close[-1] += 0.01
        dearer = dataclasses.replace(history.instrument, tick=2 * history.instrument.tick)
        for changed in (
            dataclasses.replace(history, close=close),
            dataclasses.replace(history, instrument=dearer),
        ):
            other = dataclasses.replace(data, markets={**data.markets, code: changed})
            assert key(other) != key()


class Watched:
    """Settings that say what was read of them."""

    def __init__(self, chosen):
        self._chosen, self.read = chosen, set()

    def __getattr__(self, name):
        derived = getattr(type(self._chosen), name, None)
        if isinstance(derived, property):
            return derived.fget(self)
        self.read.add(name)
        return getattr(self._chosen, name)


def test_the_observer_reads_no_setting_that_is_not_in_the_key(data):
    chosen = settings(**EVERY)
    watched = Watched(chosen)
    feed, observer = made(bent(data), watched)
    for bars in list(feed)[:60]:
        observer.observe(bars.session)
    names = {spec.name for spec in dataclasses.fields(Settings)}
    assert watched.read & names <= data_settings(chosen).keys()
    assert len(watched.read & names) > 30


def test_the_code_behind_a_tape_is_all_that_the_observer_imports():
    tree = ast.parse((ROOT / "algorithm/observer.py").read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    packages = {"alpha", "portfolio", "risk", "universe"}
    ours = [module for module in modules if module and module.split(".")[0] in packages]
    assert ours
    for module in ours:
        path = module.replace(".", "/") + ".py"
        assert any(path == code or path.startswith(f"{code}/") for code in CODE), path
