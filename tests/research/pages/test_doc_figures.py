"""Figures of the documents are those of the run kept with them, and nobody's hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from execution.fills import Fill
from research.engine.result import RunResult
from research.measures.summary import summary
from research.pages.doc_figures import (
    FIGURES,
    PAGES,
    SHOWN,
    DocumentError,
    figures_of,
    filled,
    read_figures,
    run_block,
    write_figures,
    write_study_figures,
)
from research.pages.doc_rolls import rolls_block, rolls_figures
from tests.research.fake_result import fake_result

ROOT = Path(__file__).resolve().parents[3]
EMPTY = "before\n<!-- figures: run -->\nold\n<!-- end of figures -->\nafter\n"


def carrying(days: int, markets: int) -> RunResult:
    """A run that records what a contract carries."""
    run = fake_result(days, markets)
    run.carry_per_contract = np.full(run.pnl.shape, 100.0)
    return run


def empty_documents(root: Path) -> None:
    """Documents without a block."""
    (root / "docs").mkdir()
    for page in PAGES:
        (root / page).write_text("no block", encoding="utf-8")


def test_the_documents_follow_from_the_figures() -> None:
    record = read_figures(ROOT)
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "<!-- figures: " in text or page.name == "studies.md"
        assert filled(text, record) == text, f"{page} differs from {FIGURES}: make docs"


def test_a_block_shows_the_figures_of_the_screen(tmp_path: Path) -> None:
    run = carrying(600, 6)
    run.interest = np.full(600, 100.0)
    empty_documents(tmp_path)
    (tmp_path / "README.md").write_text(EMPTY, encoding="utf-8")
    choices = tmp_path / "docs" / "choices.md"
    choices.write_text(EMPTY.replace("run", "now"), encoding="utf-8")
    write_figures(run, run, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    shown = dict(summary(run))
    for start in SHOWN[:-1]:
        label = next(label for label in shown if label.startswith(start))
        assert f"| {label} | {shown[label]} |" in text
    sharpe = shown["Sharpe ratio, net"].partition(" (")[0]
    assert f"net Sharpe ratio {sharpe}, volatility " in choices.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert run.settings_hash in text
    assert "synthetic market" in text
    assert json.loads((tmp_path / FIGURES).read_text(encoding="utf-8")) == {
        **figures_of(run, run),
        "studies": {},
    }
    assert filled(text, read_figures(tmp_path)) == text
    kept = read_figures(tmp_path)
    sleeves = filled(EMPTY.replace("run", "sleeves"), kept)
    assert f"capture {kept['carry']['capture']} (" in sleeves
    assert f"| {kept['agreement']['agree']} |" in sleeves
    coverage = filled(EMPTY.replace("run", "coverage"), kept)
    assert f"| all | {kept['coverage'][-1]['sessions']} |" in coverage


def test_rolls_by_legs_and_as_spreads_are_beside_each_other() -> None:
    """Ten contracts rolled at half of what legs cost, and thirty in a market without spreads."""
    run = carrying(300, 3)
    day, first, second = int(run.day[50]), *run.markets[:2]
    legs = [
        Fill(day, first, month, quantity, 100.0, 40.0, 10.0, "roll spread", 80.0)
        for month, quantity in ((200003, -10), (200006, 10))
    ]
    alone = [
        Fill(day, second, month, quantity, 100.0, 100.0, 0.0, "roll")
        for month, quantity in ((200003, 30), (200006, -30))
    ]
    by_spread = replace(run, fills=[*legs, *alone])
    record = rolls_figures(run, by_spread)
    assert (record["share"], record["markets"]) == ("25 %", "1 of 2")
    assert record["ratio_spread"] == record["ratio_listed"] == f"{100 / 180:.2f}"
    assert record["ratio"] == f"{300 / 380:.2f}"
    shown = rolls_block({**figures_of(run, by_spread), "rolls": record})
    assert f"| {record['legs']['of trades']} | {record['spread']['of trades']} |" in shown
    assert "25 % of the contracts are rolled as such, in 1 of 2 markets" in shown


def test_a_study_is_shown_as_its_page_has_it(tmp_path: Path) -> None:
    run, out = carrying(600, 6), tmp_path / "out"
    empty_documents(tmp_path)
    out.mkdir()
    studies = tmp_path / "docs" / "studies.md"
    write_figures(run, run, tmp_path)
    studies.write_text(EMPTY.replace("run", "sizes"), encoding="utf-8")
    with pytest.raises(DocumentError, match="no study 'sizes'; docs --study adds it"):
        write_figures(run, run, tmp_path)
    with pytest.raises(DocumentError, match=r"no result\.json with a table"):
        write_study_figures(out, tmp_path)
    result = {
        "command": "sizes",
        "data": {"name": "made up", "hash": "abc"},
        "first": "2001-01-02",
        "last": "2002-01-02",
        "table": {"head": ["", "lost"], "rows": [["USD 1.0 m", "−0.03"]]},
    }
    (out / "result.json").write_text(json.dumps(result), encoding="utf-8")
    write_study_figures(out, tmp_path)
    text = studies.read_text(encoding="utf-8")
    assert "made up, 2001-01-02 to 2002-01-02:" in text
    assert "| USD 1.0 m | −0.03 |" in text
    assert filled(text, read_figures(tmp_path)) == text
    write_figures(run, run, tmp_path)  # a later run keeps it
    assert studies.read_text(encoding="utf-8") == text


def test_faults_are_named(tmp_path: Path) -> None:
    run = carrying(300, 3)
    record = figures_of(run, run)
    assert "| whole run |" in run_block(record)
    with pytest.raises(
        DocumentError, match="figures: walk in a document; there are run, now, coverage, sleeves"
    ):
        filled(EMPTY.replace("run", "walk"), record)
    with pytest.raises(DocumentError, match="cannot be read"):
        read_figures(tmp_path)
    assert filled("no block", record) == "no block"
