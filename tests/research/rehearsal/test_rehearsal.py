"""Moments of a rehearsal, its lives on a stand-in for LEAN, and what its judge finds."""

from __future__ import annotations

import gzip
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from algorithm.state_document import sealed
from execution.fills import ROLL
from research.lean.runner import Launcher
from research.rehearsal.judge import Left, differences, missing
from research.rehearsal.moments import CLOCK, PLACED, Moment, moments
from research.rehearsal.parts import RehearsalError, Stage, compile_parts
from research.rehearsal.rehearse import refused_order
from research.rehearsal.run import run
from research.rehearsal.whole import damage
from tests.helpers import settings
from universe.arrays import to_epoch_day

SESSIONS = [date(2014, 3, day) for day in (7, 10, 11, 12)]
NEW_YORK = ZoneInfo("America/New_York")
BEGIN = datetime.fromisoformat("2014-03-07T13:00")  # naive, as LEAN's times are
END = datetime.fromisoformat("2014-03-12T22:00")

LIFE = """
import sys, time
from datetime import datetime, timedelta
folder, begin, end, kill = sys.argv[1:]
now, end = datetime.fromisoformat(begin), datetime.fromisoformat(end)
while now < end:
    now += timedelta(hours=1)
    text = f"{now:%Y-%m-%dT%H:%M:%S} " + ("end" if now >= end else "")
    with open(folder + "/lives.txt", "a") as file:
        print(now.isoformat(), file=file)
    with open(folder + "/clock.txt", "w") as file:
        file.write(text)
    if kill and now >= datetime.fromisoformat(kill.partition("@")[2]):
        sys.exit(9)
    time.sleep(0.02)
time.sleep(60)
"""


class Engine:
    """In LEAN's place: a process whose clock goes an hour in 20 ms."""

    def __init__(self, life=LIFE):
        self.life = life

    def start(self, folder, begin, end, kill):
        import subprocess

        (folder / "clock.txt").unlink(missing_ok=True)
        command = [sys.executable, "-S", "-c", self.life, str(folder), begin, end, kill]
        return subprocess.Popen(command)


def test_the_same_seed_draws_the_same_moments_in_order_within_the_sessions():
    drawn = moments(SESSIONS, 20, 3)
    assert drawn == moments(SESSIONS, 20, 3) != moments(SESSIONS, 20, 4)
    assert [one.at for one in drawn] == sorted(one.at for one in drawn)
    assert len({one.kind for one in drawn}) == 4
    local = [one.at.replace(tzinfo=ZoneInfo("UTC")).astimezone(NEW_YORK) for one in drawn]
    assert {at.date() for at in local} <= set(SESSIONS)
    assert sum((at.hour >= 17 and at.minute >= 55) or at.hour == 18 for at in local) == 10


def test_every_kill_takes_place_and_the_clock_goes_on_behind_it(tmp_path):
    """By the clock from outside, by a count from inside."""
    at = [datetime.fromisoformat(f"2014-03-{day}T12:00") for day in ("08", "10")]
    down = timedelta(minutes=30)
    planned = [Moment(at[0], CLOCK, 1, 0.0, down), Moment(at[1], PLACED, 1, 0.0, down)]
    deaths = run(Engine(), tmp_path, (BEGIN, END), planned, lambda text: None)
    assert [death.moment for death in deaths] == planned
    seen = [datetime.fromisoformat(text) for text in (tmp_path / "lives.txt").read_text().split()]
    assert seen == sorted(seen)
    assert seen[-1] >= END
    for death in deaths:
        assert death.restart == death.at + down
        assert death.restart + timedelta(hours=1) in seen


def test_an_engine_that_ends_by_itself_is_an_error_with_its_last_words(tmp_path):
    (tmp_path / "engine.txt").write_text("20140307 TRACE:: x\n20140307 ERROR:: no such thing\n")
    with pytest.raises(RehearsalError, match=r"ended by itself.*no such thing"):
        run(Engine("pass"), tmp_path, (BEGIN, END), [], lambda text: None)


def test_a_runtime_alone_is_told_what_is_missing(tmp_path):
    dotnet = tmp_path / "dotnet"
    dotnet.write_text("#!/bin/sh\nexit 0\n")
    dotnet.chmod(0o755)
    launcher = Launcher(tmp_path / "x.dll", str(dotnet), tmp_path)
    with pytest.raises(RehearsalError, match=r"\.NET SDK"):
        compile_parts(launcher, tmp_path / "parts")


def test_parts_run_in_an_environment_of_their_own(tmp_path):
    (tmp_path / "config.json").write_text('{"parameters": {"ema-fast": "1"}, "environments": {}}')
    launcher = Launcher(tmp_path / "x.dll", "dotnet", tmp_path)
    stage = Stage(launcher, tmp_path / "parts", tmp_path, {"markets": "ES"}, 1e6)
    config = stage._config(tmp_path, "2014-03-07T13:00:00", "2014-03-12T22:00:00", "placed:1@x")
    assert config["parameters"] == {"markets": "ES"}
    chosen = config["environments"][config["environment"]]
    assert chosen["live-mode"] is True
    assert chosen["data-feed-handler"] == "Rehearsal.Feed"
    assert config["rehearsal-kill"] == "placed:1@x"


def test_damaged_documents_are_named(tmp_path):
    store = tmp_path / "store/trend-carry"
    (store / "decisions-live").mkdir(parents=True)
    (store / "state.json").write_text(sealed({"day": 1}))
    part = gzip.compress(b"{}")
    (store / "decisions-live/2014-03.gz").write_bytes(part)
    assert damage(tmp_path) == ""
    (store / "orders-2.json").write_text(sealed({"a": 1})[:-4])
    (store / "decisions-live/2014-03.gz").write_bytes(part[:-3])
    assert damage(tmp_path) == "orders-2.json, 2014-03.gz"


class Line:
    """A decision, as far as the judge looks at it."""

    def __init__(self, holdings, orders=(("ES", 201406, 3, ROLL),), nav=5e7, pending=()):
        self.holdings, self.orders, self.contracts = holdings, orders, np.array([3])
        self.nav, self.pending = nav, pending


def left(tmp_path, name, **changes):
    folder = tmp_path / name
    (folder / "store/trend-carry").mkdir(parents=True, exist_ok=True)
    (folder / "store/trend-carry/state.json").write_text(
        sealed(dict.fromkeys(("owner", "assets", "contracts", "settings", "components", "extra"))
               | {"day": 2})
    )  # fmt: skip
    seen = ("placed", "filled", "refused")
    events = [{"what": what, "tag": "child 1.0.201406.0 twap"} for what in seen]
    one = Left(folder, None, {1: Line({}), 2: Line({(0, 201406): 3})}, [1, 2], events, {"ES": 3.0})
    return replace(one, **changes)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """The sentences on a killed run that differs in something."""
    monkeypatch.setattr(
        "research.rehearsal.judge.redecide", lambda *_: type("Done", (), {"mismatches": []})
    )
    good = left(tmp_path, "undisturbed")

    def judge(**changes):
        return list(differences(good, left(tmp_path, "killed", **changes), None))

    return judge


def test_two_runs_alike_have_no_difference(judged, tmp_path):
    assert judged() == []
    assert missing(left(tmp_path, "killed")) == []


def test_another_account_value_leaves_a_contract_of_rounding_open(judged):
    """Fills at other minutes' prices: whole contracts are those of the account."""
    one_off = {1: Line({}), 2: Line({(0, 201406): 4}, (), nav=4.998e7)}
    assert judged(decisions=one_off, held={"ES": 4.0}) == []
    two_off = {1: Line({}), 2: Line({(0, 201406): 5}, (), nav=4.998e7)}
    assert "holdings without kills" in judged(decisions=two_off)[0]


def test_what_is_on_its_way_is_not_ordered_again(judged):
    """A decision that is taken anew, with two of three contracts at the broker already."""
    rest = Line({(0, 201406): 3}, (("ES", 201406, 1, ROLL),), pending=(("ES", 201406, 2, False),))
    assert judged(decisions={1: Line({}), 2: rest}) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"events": [{"what": "placed", "tag": "child 1.0.201406.0 twap"}] * 2}, "sent 2 times"),
        ({"held": {"ES": 2.0}}, "at the end"),
        ({"decisions": {1: Line({}), 2: Line({(0, 201406): 4})}}, "holdings without kills"),
        ({"decisions": {1: Line({}), 2: Line({(0, 201406): 3}, ())}}, "orders without kills"),
        ({"decisions": {1: Line({}), 2: Line({(0, 201406): 3}, nav=4.99e7)}}, "NAV without kills"),
        ({"decisions": {1: Line({})}}, "no decision in the run killed"),
        ({"days": [1, 2, 2]}, "the record's days"),
        ({"days": [1]}, "the state is of 1970-01-03"),
    ],
)
def test_what_must_not_be_is_found(judged, changes, sentence):
    assert sentence in "\n".join(judged(**changes))


@pytest.mark.parametrize(("resolution", "day"), [("daily", "07"), ("minute", "10")])
@pytest.mark.parametrize(("filled", "market"), [("ES ZN", "ZN"), ("ZN ES", "ZN"), ("", "GC")])
def test_the_refused_order_is_one_of_the_first_decision(
    monkeypatch, resolution, day, filled, market
):
    """Of the last market that has one: sent on that evening, or worked in the next session."""
    first, later = (to_epoch_day(session) for session in SESSIONS[1:3])
    fills = [SimpleNamespace(market=code, epoch_day=first) for code in filled.split()]
    fills.append(SimpleNamespace(market="GC", epoch_day=later))
    monkeypatch.setattr("research.rehearsal.rehearse._trial", lambda *_: fills)
    data = SimpleNamespace(markets=dict.fromkeys(("ES", "ZN", "GC")))
    chosen = settings(execution_resolution=resolution)
    assert refused_order(data, chosen, SESSIONS) == f"{market}@2014-03-{day}"


def test_what_was_not_seen_is_said(tmp_path):
    quiet = left(tmp_path, "killed", events=[], decisions={1: Line({}, ())})
    assert missing(quiet) == [
        "no order was placed",
        "no order was filled",
        "no order was refused",
        "no contract was rolled: choose other days",
    ]
