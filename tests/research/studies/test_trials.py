"""The register of trials: chained, tamper-evident, safe for several writers."""

from __future__ import annotations

import hashlib
import json
import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from research.measures.deflated import Moments, deflated_sharpe, moments
from research.studies.trials import FILE, HEAD, Trial, TrialRegister, TrialsError


def trial(number: int, data: str = "d", sharpe: float | None = None) -> Trial:
    ratio = number / 100 if sharpe is None else sharpe
    of = Moments(ratio, -0.1, 4.0, 500)
    return Trial(
        "ablation",
        f"run {number}",
        data,
        f"c{number}",
        {"x": str(number)},
        "2000-01-03",
        "2001-12-31",
        of,
    )


def filled(folder: Path, count: int = 5) -> TrialRegister:
    register = TrialRegister(folder)
    register.record(trial(i) for i in range(count))
    return register


def test_an_entry_is_what_the_format_says(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    first, second = (tmp_path / FILE).read_text().splitlines()
    entry = json.loads(second)
    assert (entry["number"], entry["name"], entry["sharpe"]) == (2, "run 1", 0.01)
    assert entry["previous"] == json.loads(first)["hash"]
    stored = entry.pop("hash")
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    assert stored == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_trial_counts_once_and_other_figures_again(tmp_path: Path) -> None:
    register = filled(tmp_path, 3)
    assert register.record([trial(1), trial(2)]) == 0
    assert register.record([trial(1, sharpe=0.5)]) == 1
    assert register.record([trial(1, data="other")]) == 1
    assert (register.count("d"), register.count("other"), register.count("none")) == (4, 1, 0)
    assert TrialRegister(tmp_path).verify() == 5


def test_variance_and_deflation_take_every_trial_on_the_data(tmp_path: Path) -> None:
    register = filled(tmp_path, 6)
    register.record([trial(9, sharpe=math.nan), trial(7, data="other")])
    variance = np.var([i / 100 for i in range(6)], ddof=1)
    assert register.sharpe_variance("d") == pytest.approx(variance)
    returns = np.random.default_rng(0).standard_normal(500) * 0.01 + 0.0005
    assert register.deflate(returns, "d") == deflated_sharpe(
        moments(returns), 7, register.sharpe_variance("d")
    )
    assert TrialRegister(tmp_path / "new").deflate(returns, "d").trials == 1
    assert not (tmp_path / "new").exists()


def change(lines: list[str]) -> None:
    lines[1] = lines[1].replace('"sharpe":0.01', '"sharpe":0.09')


def rehash(lines: list[str]) -> None:
    entry = json.loads(lines[1])
    del entry["hash"]
    entry["sharpe"] = 0.09
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    entry["hash"] = hashlib.sha256(text.encode()).hexdigest()
    lines[1] = json.dumps(entry, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (change, "line 2 was changed"),
        (rehash, "line 3 does not follow"),
        (lambda lines: lines.pop(2), "line 3 does not follow"),
        (lambda lines: lines.pop(), "from its end"),
        (lambda lines: lines.clear(), "from its end"),
        (lambda lines: lines.insert(2, lines[1]), "line 3 does not follow"),
        (lambda lines: lines.insert(0, lines.pop()), "line 1 does not follow"),
        (lambda lines: lines.__setitem__(0, "[]"), "line 1 is not an entry"),
    ],
)
def test_tampering_is_seen(tmp_path: Path, tamper, message: str) -> None:
    filled(tmp_path)
    lines = (tmp_path / FILE).read_text().splitlines()
    tamper(lines)
    (tmp_path / FILE).write_text("".join(line + "\n" for line in lines))
    for act in (TrialRegister.verify, lambda r: r.count("d"), lambda r: r.record([trial(99)])):
        with pytest.raises(TrialsError, match=message):
            act(TrialRegister(tmp_path))


def test_tampering_under_an_open_register_is_seen(tmp_path: Path) -> None:
    register = filled(tmp_path)
    lines = (tmp_path / FILE).read_text().splitlines()
    (tmp_path / FILE).write_text("".join(line + "\n" for line in lines[:3]))
    with pytest.raises(TrialsError, match="shorter than it was"):
        register.record([trial(50)])


def test_a_crash_in_the_middle_of_a_line_or_before_the_head_costs_no_entry(tmp_path: Path) -> None:
    register = filled(tmp_path)
    head = (tmp_path / HEAD).read_text()
    register.record([trial(20)])
    (tmp_path / HEAD).write_text(head)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"number":7,"na')
    assert TrialRegister(tmp_path).record([trial(21)]) == 1
    assert TrialRegister(tmp_path).verify() == 7


def write(folder: Path, writer: int) -> int:
    register = TrialRegister(folder)
    return sum(register.record([trial(100 * writer + i)]) for i in range(20))


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        done = list(pool.map(write, [tmp_path] * 3, range(3)))
    assert done == [20, 20, 20]
    assert TrialRegister(tmp_path).verify() == 60


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrialsError, match="file"):
        TrialRegister(tmp_path / "file").record([trial(1)])
