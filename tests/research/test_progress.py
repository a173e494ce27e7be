import io

from rich.console import Console

from research.progress import Bars


def drawn(draw, *, terminal=True):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=120, color_system=None)
    with Bars(console) as bars:
        draw(bars)
    return screen.getvalue()


def half_way(bars):
    bars.wait("start")
    report = bars.stage("run")
    for done in range(60):
        report(done, 120)
    bars._progress.refresh()


def test_stages_with_time_to_go():
    text = drawn(half_way)
    assert "start" in text
    assert "59/120" in text
    assert "ETA 0:00:0" in text
    last = [line for line in text.splitlines() if "run" in line][-1]
    assert "120/120" in last  # filled at the end,
    assert "ETA" not in last  # with nothing to wait for


def test_a_waiting_stage_has_no_end_to_tell():
    def draw(bars):
        bars.wait("start")
        bars._progress.refresh()

    assert "start" in drawn(draw)
    assert "ETA" not in drawn(draw)
    assert "0/" not in drawn(draw)


def test_a_few_long_steps_tell_no_time():
    def draw(bars):
        bars.stage("report")(3, 5)
        bars._progress.refresh()

    assert "3/5" in drawn(draw)
    assert "ETA" not in drawn(draw)


def test_what_data_is_called_is_no_markup():
    def draw(bars):
        bars.market_stage("load")(1, 2, "[red]ES")
        bars._progress.refresh()

    assert "[red]ES" in drawn(draw)


def test_nothing_but_on_a_terminal():
    assert drawn(half_way, terminal=False) == ""
