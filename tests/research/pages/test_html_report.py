"""The report as a file: complete, labelled, self-contained, and never half written."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import resource
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from algorithm.settings import Settings
from alpha.carry_sources import Source
from research.engine.result import Event, RunResult
from research.measures.attribution import attribute
from research.measures.benchmark import Benchmark
from research.pages import files as report_files
from research.pages import html_report, markup
from research.pages.charts import Panel
from research.pages.files import write_daily_csv, write_events_csv
from research.pages.html_report import ReportError, render_report, setting_rows, shade, write_report
from research.pages.live import Live
from research.pages.plots import report_panels
from research.pages.summary_table import print_summary
from research.pages.text import money, percent, signed
from tests.research.fake_result import fake_result, small_result
from tests.research.page_text import SCRIPT, table_rows, without_scripts

VOID = {"meta", "link", "br", "hr", "img", "input", "use", "path"}


@pytest.fixture(scope="module")
def run() -> RunResult:
    result = fake_result(700, 8)
    result.carry_per_contract = 3000.0 * np.sign(result.contracts)
    result.carry_source = np.where(result.active, int(Source.BASIS), int(Source.NONE))
    day, market = int(result.day[300]), result.markets[2]
    result.events.append(Event(day, "flip", market, f"{market} trend flipped from +1 to -1"))
    result.events.append(Event(day, "carry", market, f"{market}: no far contract <b>"))
    return result


@pytest.fixture(scope="module")
def whole(run: RunResult) -> str:
    return render_report(run, {"daily.csv": "../daily.csv"})


@pytest.fixture(scope="module")
def page(whole: str) -> str:
    """The report as a reader without scripts has it."""
    return without_scripts(whole)


@pytest.fixture(scope="module")
def panels(run: RunResult) -> list[Panel]:
    return report_panels(run)


@pytest.fixture
def without_live_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the interactive drawings, which cost half of a page's time."""
    monkeypatch.setattr(markup, "live_plots", lambda *_: Live("", "{}", "[]"))


@pytest.fixture
def without_plots(without_live_plots: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out all drawings, for tests of words and figures."""
    monkeypatch.setattr(markup, "still_svg", lambda *_: "<svg></svg>")


class Checker(HTMLParser):
    """Balanced tags, unique ids and references that lead somewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.stack.pop() == tag


def test_the_page_is_well_formed(page: str) -> None:
    checker = Checker(page)
    assert checker.stack == []
    assert len(checker.ids) == len(set(checker.ids))
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {a or b for a, b in used} <= set(checker.ids)


def test_the_page_needs_nothing_from_elsewhere(whole: str, page: str) -> None:
    links = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import', page)
    assert all((a or b).startswith(("#", "data:")) for a, b in links if a != "../daily.csv")
    assert page.count("http") == page.count("http://www.w3.org/")
    for script in SCRIPT.findall(whole):
        assert not re.match(r"<script[^>]*src", script)


def test_the_page_holds_what_a_committee_asks_for(
    run: RunResult, page: str, panels: list[Panel]
) -> None:
    for text in (run.settings_hash, run.data_hash, "embedded", "1990-01-01", "Glossary"):
        assert text in page
    for market in run.markets:
        assert f'<th scope="row">{market}</th>' in page
    for name in ("Worst days", "Deepest drawdowns", "exceptions by decade", "Data issues"):
        assert name in page
    assert page.count("<figure ") == len(panels) == 17
    rolls = sum(event.kind == "roll" for event in run.events)
    assert f"roll: all {rolls} events" in page
    assert all(setting["name"] in page for setting in Settings.table())


def test_carry_and_spot_are_in_the_page(run: RunResult, page: str) -> None:
    split = attribute(run)
    *_, whole = table_rows(page, "Carry and spot by the asset classes of Roberts (2017)")
    row = split.total().loc["all"]
    parts = ("carry", "spot", "total", "cost", "net")
    assert whole[1:6] == [signed(100 * row[f"{part}_annual"]) for part in parts]
    assert len(table_rows(page, "Carry and spot by market")) == len(run.markets) + 1
    beside = {cells[0]: cells[1:] for cells in table_rows(page, "The run beside Roberts (2017)")}
    assert beside["capture"][1] == "79 %"
    assert beside["capture, commodities"][1] == "about 40 %"
    assert beside["capture, fixed income"][1] == "above 100 %"
    assert beside["markets"][:2] == ["8", "61"]
    assert beside["cost, cumulative"][1:] == ["not included", ""]
    assert "61 markets (9 foreign exchange" in page


def test_signals_are_in_the_page(run: RunResult, page: str) -> None:
    _, _, *rows, whole = table_rows(page, "Agreement of trend and carry by class")
    assert [row[0] for row in rows] == sorted(set(run.classes))
    shares = [float(cell.removesuffix(" %")) for cell in whole[2:5]]
    assert sum(shares) == pytest.approx(100, abs=1.1)
    assert table_rows(page, "Daily flips of trend by class")[-1][:3] == ["all", "1", "1"]
    assert table_rows(page, "What carry was computed from")[-1][-1] == "100.0 %"
    (_, event) = table_rows(page, "Carry that is not what")
    assert event[1:] == [run.markets[2], "no far contract &lt;b&gt;"]
    assert "carry: all 1 event" not in page


@pytest.mark.usefixtures("without_plots")
def test_what_a_run_lacks_is_said_in_a_sentence() -> None:
    page = without_scripts(
        render_report(small_result([100.0] * 5, forecasts={"trend": np.ones((5, 1))}))
    )
    assert "a run in LEAN does not" in page
    assert "no other outright one to compare it with" in page
    assert "Trend never flipped" in page
    assert "changed its source or fell silent" in page
    assert page.count("<figure ") == 12


@pytest.mark.usefixtures("without_plots")
def test_the_profit_of_calendar_spreads_is_named() -> None:
    spreads = np.full((5, 1), 2.0)
    run = small_result(
        [100.0] * 5,
        pnl=spreads,
        sleeve_pnl={"calendar": spreads},
        carry_per_contract=np.ones((5, 1)),
        spread_pnl=spreads,
    )
    assert "calendar spreads' gross profit, 8.0 % of NAV over the run" in render_report(run)
    assert attribute(run).total().loc["all", "total"] == 0.0


def test_text_from_the_data_is_escaped(page: str) -> None:
    assert "seeded walk Ω &lt;b&gt;" in page
    assert "close -37.63 &lt;kept&gt; &amp; flagged" in page
    assert "Größe ≠ 0" in page
    assert "<b>" not in page


def test_a_synthetic_market_is_named_in_every_figure_and_table(
    whole: str, page: str, panels: list[Panel]
) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == sum(len(panel.plots) for panel in panels)
    for svg in drawings:
        assert "synthetic market" in re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert page.count('<span class="syn">synthetic market</span></h3>') == len(panels)
    documents = re.search(r'id="plots">(.*?)</script>', whole, re.DOTALL)
    assert documents is not None
    assert len(re.findall(r'"text": ?"synthetic market"', documents[1])) == len(drawings)
    captions = re.findall(r"<caption>(.*?)</caption>", page)
    assert len(captions) == page.count("<table")
    assert all("synthetic market" in caption for caption in captions)
    assert "<title>seeded walk Ω &lt;b&gt; [synthetic market]" in page


def test_colours_follow_the_page(page: str) -> None:
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert "var(--ink)" in svg
        assert not re.search(r"(?:fill|stroke): #(?!ffffff)[0-9a-f]{6}", svg)


def test_the_same_run_gives_the_same_page(run: RunResult, whole: str) -> None:
    assert render_report(run, {"daily.csv": "../daily.csv"}) == whole


def test_readers_find_their_way(page: str) -> None:
    """Contents lead to every section; every head of a table says what it is the head of."""
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'href="#([^"]+)"', nav) == re.findall(r'<h2 id="([^"]+)"', page)
    assert not re.findall(r"<th(?![^>]*scope=)[ >][^>]*>", page.replace("<thead>", ""))
    assert "account currency" not in page
    assert '<a href="../daily.csv">daily.csv</a>' in page
    assert "tfoot { display: table-row-group; }" in page, "totals would be on every printed page"
    assert not re.search(r"\b00[0-4]\b(?!,)", re.sub(r"<[^>]*>", " ", nav)), "ids of documents"


def channels(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    """Ratio of relative luminances by WCAG 2."""

    def luminance(colour: np.ndarray) -> float:
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_letters_stand_out_from_what_is_behind_them(page: str, scheme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    found = {name: channels(code) for name, code in re.findall(r"--(\w+): (#\w{6})", blocks[0])}
    if scheme:
        found |= {n: channels(code) for n, code in re.findall(r"--(\w+): (#\w{6})", blocks[1])}
    for front in ("ink", "muted", "link", "warn"):
        for back in ("page", "card", "mark"):
            assert contrast(found[front], found[back]) >= 4.5, (front, back)
    for value in (1.0, -1.0):
        shades = re.search(r"rgba\((.*?)\)", shade(value, 1.0))
        assert shades is not None
        *colour, alpha = [float(part) for part in shades[1].split(",")]
        behind = alpha * np.array(colour) / 255 + (1 - alpha) * found["page"]
        assert contrast(found["ink"], behind) >= 4.5
    for front, back in re.findall(r"\.zone\.\w+ \{ background: (#\w+);(?: color: (#\w+);)?", page):
        assert contrast(channels(back or "#ffffff"), channels(front)) >= 4.5


@pytest.mark.usefixtures("without_plots")
def test_what_a_run_records_beyond_the_usual_is_shown(run: RunResult) -> None:
    n, markets = run.contracts.shape
    more = replace(
        run,
        var_held=np.where(np.arange(n) == 99, 0.25, 0.1),
        es_one_day=np.full(n, 0.02),
        diversification_ratio=np.full(n, 2.5),
        risk_share=np.full((n, markets), 1 / markets),
        exposure=run.weight,
        benchmark=Benchmark("60 % AA + 40 % BB", np.linspace(-0.01, 0.01, n)),
        target_contracts=[[] for _ in range(n - 1)] + [[(run.markets[0], 199003, -7)]],
    )
    page = without_scripts(render_report(more))
    (breach,) = table_rows(page, "Breaches of the VaR limit by the contracts held")[1:]
    assert breach[2:] == ["1", "25.0 %", "yes"]
    assert "VaR of the contracts held: highest 25.0 %" in page
    assert "one-day expected shortfall 99 %" in page
    assert "Share of the ex-ante variance of the targets" in page
    assert "gross, held" in page
    assert "Beside 60 % AA + 40 % BB" in page
    rows = {row[0]: row for row in table_rows(page, "Positions at the last close")[1:]}
    assert rows[run.markets[0]][2] == "199003 × −7"
    assert rows[run.markets[0]][7] == "12.5 %"


@pytest.mark.usefixtures("without_plots")
def test_what_no_fund_could_have_had_comes_first() -> None:
    broke = small_result([100.0, 20.0, -5.0, -5.0])
    page = without_scripts(render_report(broke))
    assert page.index("No fund could have had this run") < page.index("<h1>")
    assert "NAV is −5 on 2020-01-03" in page
    out = io.StringIO()
    print_summary(broke, Console(file=out, width=120))
    assert out.getvalue().startswith("no fund could have had this run: NAV is −5")
    assert "No fund could" not in without_scripts(render_report(small_result([100.0] * 5)))


@pytest.mark.usefixtures("without_plots")
def test_a_result_has_frames_a_summary_and_a_report(tmp_path: Path, run: RunResult) -> None:
    frame, summary = run.frame(), run.summary()
    assert list(frame["nav"]) == list(run.nav)
    assert str(frame.index[0].date()) == "1990-01-01"
    assert summary.loc["Maximum drawdown", "number"] == pytest.approx(run.drawdown.max())
    path = small_result([100.0] * 5).report(tmp_path / "report.html")
    assert "</html>" in path.read_text(encoding="utf-8")


def test_changed_settings_are_marked() -> None:
    rows = {
        row.name: row for row in setting_rows({"buffer": "0.30", "vol_target": "0.1", "x": "1"})
    }
    assert rows["buffer"].changed
    assert not rows["vol_target"].changed
    assert (rows["impact"].value, rows["impact"].changed) == ("not recorded", False)
    assert rows["x"].meaning == "unknown to this version"
    assert not any(row.changed for row in setting_rows(Settings().as_strings()))


@pytest.mark.parametrize("days", [1, 3])
def test_short_runs(days: int) -> None:
    assert "</html>" in render_report(fake_result(days, 2))


@pytest.mark.usefixtures("without_plots")
def test_a_real_run_without_trades_events_exceptions_or_issues() -> None:
    page = without_scripts(render_report(small_result([100.0] * 5)))
    assert "All 0 exceptions" in page
    assert "No day of loss." in page
    assert page.count("None.") == 3
    assert "ynthetic market" not in page


@pytest.mark.usefixtures("without_live_plots")
def test_a_ruined_run_and_unknown_numbers() -> None:
    nothing = np.full(4, np.nan)
    result = small_result(
        [100.0, 20.0, -5.0, -5.0],
        exante_vol=nothing,
        var_parametric=nothing,
        var_one_day=nothing,
        weight=np.full((4, 1), np.nan),
    )
    assert "untested" in render_report(result)


# --- files ---------------------------------------------------------------------------------------
@pytest.fixture
def rendered(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_report, "render_report", lambda result, files: page)


@pytest.mark.usefixtures("rendered")
def test_the_report_replaces_the_old_one(tmp_path: Path, run: RunResult, page: str) -> None:
    path = tmp_path / "new folder" / "bericht Ω.html"
    assert write_report(run, path) == path
    assert path.read_text(encoding="utf-8") == page
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.stat().st_size < 2_000_000


@pytest.mark.usefixtures("rendered")
def test_a_full_disk_keeps_the_old_report(
    tmp_path: Path, run: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(report_files.os, "fsync", full)
    with pytest.raises(
        ReportError, match=r"^cannot write .*report\.html: No space left on device$"
    ):
        write_report(run, path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.usefixtures("rendered")
def test_a_write_that_stops_half_way_leaves_nothing(tmp_path: Path, run: RunResult) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(ReportError, match="File too large"):
            write_report(run, tmp_path / "report.html")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = small_result([1.0, 1.0])
    for path in (tmp_path / "file" / "report.html", tmp_path):
        with pytest.raises(ReportError, match=f"cannot write {re.escape(str(path))}: "):
            write_daily_csv(result, path)
    assert (tmp_path / "file").read_text() == ""


def test_daily_csv(tmp_path: Path, run: RunResult) -> None:
    path = write_daily_csv(run, tmp_path / "daily.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(run.day)
    assert rows[0]["date"] == "1990-01-01"
    assert rows[0]["net_return"] == ""
    for column, values in (
        ("nav", run.nav),
        ("governor_scale", run.governor_scale),
        ("gate_scale", run.gate_scale),
        ("var_one_day", run.var_one_day),
        ("cost", run.cost.sum(axis=1)),
    ):
        np.testing.assert_allclose([float(row[column]) for row in rows], values, rtol=1e-9)
    np.testing.assert_allclose([float(r["net_return"]) for r in rows[1:]], run.returns, atol=1e-9)
    assert {row["data"] for row in rows} == {"seeded walk Ω <b> [synthetic market]"}


def test_events_csv(tmp_path: Path, run: RunResult) -> None:
    path = write_events_csv(run, tmp_path / "events.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(run.events) + 1
    assert lines[0] == "date,kind,market,detail,data"


# --- terminal ------------------------------------------------------------------------------------
def test_the_terminal_table_names_the_synthetic_market(run: RunResult) -> None:
    out = io.StringIO()
    print_summary(run, Console(file=out, width=120))
    text = out.getvalue()
    assert text.splitlines()[0].strip() == "seeded walk Ω <b> [synthetic market]"
    assert "Sharpe ratio, net" in text
    assert run.settings_hash in text


def test_numbers_as_text() -> None:
    assert percent(-0.0123, 1) == "−1.2 %"
    assert percent(-0.00001) == "0.0 %"
    assert percent(float("nan")) == "–"
    assert signed(-1234.5, 1) == "−1,234.5"
    assert money(2.5e6) == "2.5 m"
    assert money(-12345.6) == "−12,346"
