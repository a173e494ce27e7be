"""One archive from a LEAN run and from an embedded run of the same data, and recomputed by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from algorithm.desk_data import BACKTEST, NOW, PAST
from research.cli import main
from research.compliance.archive import read, verify
from research.compliance.collateral import collateral_path
from research.compliance.files import ARCHIVE, archive_run
from research.data.macro_series import MacroSeries
from research.engine.engine import run_backtest
from research.engine.from_decisions import read_desk, read_run, result_from
from research.lean.record import bring_record
from research.studies.stress import desk_of, stress_of
from risk.breach_cause import Cause
from tests.algorithm.test_lean_algorithm import chosen, start
from tests.helpers import made_up_dataset
from tests.research.compliance.same_archive import (
    compare_archives,
    compare_with_fills_and_prices,
)
from universe.arrays import from_epoch_day

TIGHT = (
    "gross 1.2 1.8 cut market_notional 0.5 0.8 cap daily_loss 0.004 0.006 freeze "
    "shortfall 0.01 0.02 say"
)
"""So that a short run of few markets has every remedy."""

SETTINGS = {"limits": TIGHT, "interest": "ladder"}
SESSIONS = 330


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Folders of a stand-in LEAN's run and of an embedded one, each with its archive."""
    data, settings = with_bills(made_up_dataset(SESSIONS, seed=4)), chosen(**SETTINGS)
    lean, own = (tmp_path_factory.mktemp(name) for name in ("lean", "embedded"))
    engine = start(data, settings).run().finish()
    for key, content in engine.object_store.items():
        path = lean / "store" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    bring_record(lean / "store", lean / "no export", lean / "decisions.jsonl")
    lines: list[str] = []
    run_backtest(data, settings, record=lines.append)
    (own / "decisions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for folder in (lean, own):
        archive_run(read_run(folder), folder)
    return lean, own


def with_bills(data):
    """The data with a bill rate that moves between 2 and 4 %."""
    days = np.unique(np.concatenate([history.day for history in data.markets.values()]))
    rate = 0.03 + 0.01 * np.sin(np.arange(len(days)) / 20.0)
    return data.with_macro({"usd.3m": MacroSeries("usd.3m", days, rate)}, [])


def days_of(folder):
    return read(folder / ARCHIVE)[1]


def test_held_var_exceptions_breaches_and_remedies_are_equal_line_by_line(homes):
    assert compare_archives(*(days_of(folder) for folder in homes)) > 90


def test_there_is_something_of_everything(homes):
    days = days_of(homes[1])
    said = " ".join(text for entry in days for text in entry.remedies)
    for word in ("gross of fund", "market_notional of", "nothing is traded", "daily_loss is"):
        assert word in said
    breaches = [one for entry in days for one in entry.limits if one.status == "breach"]
    assert {one.limit for one in breaches} >= {"daily_loss", "shortfall"}
    assert {one.cause for one in breaches} <= set(Cause)
    assert sum(len(entry.stress) > 0 for entry in days) > len(days) / 6


def test_a_freeze_sends_nothing_but_what_an_expiry_forces(homes):
    frozen = 0
    with (homes[1] / "decisions.jsonl").open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            if line["line"] != "decision":
                continue
            switch = next(stage for stage in line["stages"] if stage[0] == "kill switch")
            if any("nothing is traded" in step for step in switch[2]):
                frozen += 1
                assert all(order[3] == "roll" for order in line["orders"])
    assert frozen > 0


def test_every_figure_of_every_day_from_fills_and_prices(homes):
    for folder in homes:
        assert compare_with_fills_and_prices(folder, days_of(folder)) > 90


def test_margin_of_the_archive_is_what_the_limits_read(homes):
    for entry in days_of(homes[1]):
        used = {one.limit: one.value for one in entry.limits}["margin_use"]
        assert entry.margin == pytest.approx(used, rel=1e-6, abs=1e-12)
        assert entry.short == 0.0


def test_the_account_is_cash_and_bills_and_earns_what_they_do(homes):
    """But for euros at hand, at most a hundredth here, and the fees of closing."""
    for folder in homes:
        result, days = read_run(folder), days_of(folder)
        cash, bills, earned = ([getattr(e, n) for e in days] for n in ("cash", "bills", "earned"))
        np.testing.assert_allclose(np.add(cash, bills), 1.0, atol=0.011)
        np.testing.assert_allclose(earned * result.nav, result.interest)
        assert min(bills[1:]) > 0.5
        assert result.interest.sum() / result.nav[0] == pytest.approx(
            0.03 * (result.day[-1] - result.day[0]) / 365, rel=0.25
        )


def test_an_earlier_run_s_ladder_is_shown_beside_it(homes):
    """Of a run that books plain interest the ladder is shown, with what it would have earned."""
    result = read_run(homes[1])
    settings = result.settings | {"interest": "bills"}
    days = np.array([0]), np.array([0.03])
    path = collateral_path(replace(result, settings=settings, collateral={}), days)
    assert not path.booked
    np.testing.assert_allclose(path.cash + path.bills - path.earned, 1.0, atol=1e-9)


def test_the_archive_goes_on_where_it_ended(homes, tmp_path):
    """A live run's: the same lines, whether written at once or as the record grows."""
    text = (homes[1] / "decisions.jsonl").read_text(encoding="utf-8").splitlines()
    archive_run(result_from(text[:-40]), tmp_path)
    first = (tmp_path / ARCHIVE).read_bytes()
    archive_run(result_from(text), tmp_path)
    assert (tmp_path / ARCHIVE).read_bytes().startswith(first[:-1])
    assert verify(tmp_path / ARCHIVE).ok
    assert len(days_of(tmp_path)) == len(days_of(homes[1]))


def test_stress_of_a_lean_run(homes):
    result = read_run(homes[0])
    found = {one.name: one for one in stress_of(result, desk_of(result), len(result.day) - 1)}
    assert found["reverse: loses 20 %"].profit == pytest.approx(-0.2)
    assert found["liquidity x5"].profit < 0
    assert found["correlation to one"].profit < found["liquidity x5"].profit


class TestCommands:
    def call(self, *words):
        return CliRunner().invoke(main, list(map(str, words)))

    def test_the_desk_s_page_of_a_lean_run(self, homes):
        found = self.call("risk", "--run", homes[0], "--date", "2016-03-01")
        assert found.exit_code == 0, found.output
        page = (homes[0] / "desk.html").read_text(encoding="utf-8")
        for words in ("Risk desk, 2016-03-01", "correlation to one", "liquidity x5",
                      "reverse: loses 20 %", "initial margin", "Position limits",
                      "1987 crash begins on", "Margin over rolls", "as the broker has it",
                      "Bills and cash are the account"):  # fmt: skip
            assert words in page, words
        assert "http" not in page

    def test_the_page_from_what_lean_writes_after_every_decision(self, homes, tmp_path):
        """Of the last session: the record's page but for what is older than the data."""
        (tmp_path / "trend-carry").mkdir()
        lines = []
        for name in (PAST, NOW):
            kept = (homes[0] / "store" / "trend-carry" / name).read_text(encoding="utf-8")
            (tmp_path / "trend-carry" / name).write_text(kept, encoding="utf-8")
            lines += kept.splitlines()[1:]
        whole = (homes[0] / "decisions.jsonl").read_text(encoding="utf-8").splitlines()
        assert lines[-BACKTEST:] == whole[-1 - BACKTEST : -1]
        assert read_desk(tmp_path).history_ret.tolist() == read_run(homes[0]).history_ret.tolist()
        for folder, words in ((tmp_path, ()), (homes[0], ("--date", from_epoch_day(
            int(read_run(homes[0]).day[-1])).isoformat()))):  # fmt: skip
            found = self.call("risk", "--run", folder, *words)
            assert found.exit_code == 0, found.output
        mine, theirs = ((f / "desk.html").read_text(encoding="utf-8").split("<h1>")
                        for f in (tmp_path, homes[0]))  # fmt: skip
        same = [a.split("</h1>")[0] for a, b in zip(mine, theirs, strict=True) if a == b]
        assert {"Stress tests", "Position limits and eligibility"} <= set(same)
        missing = self.call("risk", "--run", tmp_path / "trend-carry" / "none")
        assert missing.exit_code == 2
        assert "nor data of a risk desk" in missing.output

    def test_the_table_of_stress_tests(self, homes):
        found = self.call("stress", "--run", homes[1])
        assert found.exit_code == 0, found.output
        assert "reverse" in found.output
        assert "1987 crash begins on 1987-10-13" in " ".join(found.output.split())

    def test_an_episode_before_the_record_by_prices_from_a_folder(self, homes, tmp_path):
        run, data = tmp_path / "run", tmp_path / "data"
        run.mkdir()
        data.mkdir()
        text = (homes[1] / "decisions.jsonl").read_text(encoding="utf-8")
        (run / "decisions.jsonl").write_text(text.replace("EQ1", "ES"), encoding="utf-8")
        day = np.arange("1987-08-03", "1987-12-01", dtype="datetime64[D]")
        rows = [f"{one},{300 - k % 7},198712" for k, one in enumerate(day[np.is_busday(day)])]
        (data / "ES.csv").write_text("\n".join(["date,close,contract", *rows]), encoding="utf-8")
        words = ("stress", "--run", run, "--cache", "none", "--data")
        found = self.call(*words, data)
        assert found.exit_code == 0, found.output
        assert "│ 1987 crash" in found.output
        assert "1987 crash begins" not in " ".join(found.output.split())
        (data / "ES.csv").rename(data / "NQ.csv")
        none = self.call(*words, data)
        assert none.exit_code == 2
        assert "has none of the run's markets: ES" in " ".join(none.output.split())

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("--date", "yesterday"), "it must be a date"),
            (("--date", "2014-01-01"), "no session of the run (2015-12-01"),
        ],
    )
    def test_a_day_that_is_none(self, homes, words, sentence):
        found = self.call("stress", "--run", homes[1], *words)
        assert found.exit_code == 2
        assert sentence in " ".join(found.output.split())

    def test_the_pack_makes_its_archive_where_there_is_none(self, homes, tmp_path):
        pytest.importorskip("reportlab")
        (tmp_path / "decisions.jsonl").write_bytes((homes[0] / "decisions.jsonl").read_bytes())
        found = self.call(
            "compliance", "--run", tmp_path, "--legal-test", "absolute",
            "--determination", "A. Person, 2016-01-04: no index fits.",
        )  # fmt: skip
        assert found.exit_code == 0, found.output
        head, days, _ = read(tmp_path / ARCHIVE)
        assert head.legal_test == "absolute"
        assert len(days) == len(days_of(homes[0]))
        files = {path.name for path in tmp_path.iterdir()}
        assert files >= {"pack.html", "pack.pdf", "nport.csv", "nport.json", "archive.csv"}
        assert self.call("compliance", "--run", tmp_path, "--verify").exit_code == 0

    def test_a_determination_comes_first_or_begins_another_archive(self, homes, tmp_path):
        (tmp_path / "decisions.jsonl").write_bytes((homes[0] / "decisions.jsonl").read_bytes())
        absolute = ("compliance", "--run", tmp_path, "--legal-test", "absolute")
        missing = self.call(*absolute)
        assert missing.exit_code == 2
        assert "needs --determination" in missing.output
        (tmp_path / ARCHIVE).write_bytes((homes[0] / ARCHIVE).read_bytes())
        late = self.call(*absolute, "--determination", "A. Person, 2016-01-04: no index fits.")
        assert late.exit_code == 2
        assert "only ever appended to" in " ".join(late.output.split())

    def test_folders_without_what_is_asked_for(self, homes, tmp_path):
        assert self.call("compliance", "--run", tmp_path).exit_code == 2
        missing = self.call("risk", "--run", homes[1], "--macro", tmp_path)
        assert missing.exit_code == 2
        assert "no macro series" in missing.output
