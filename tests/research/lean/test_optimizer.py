"""Command lines for LEAN's optimizer, parsed as its own command line parses them."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from algorithm.settings import SettingsError
from research.commands.optimize import command
from research.lean.optimizer import command_lines, parameter_range


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("buffer=0.05:0.3:0.05", (0.05, 0.3, 0.05, 6)),
        ("governor_window", (60, 2520, 615, 5)),
        ("regime_gamma", (0.0, 1.0, 0.25, 5)),
        ("regime_refit=63:126:63", (63, 126, 63, 2)),
    ],
)
def test_ranges(text, expected):
    found = parameter_range(text)
    assert found.name == text.partition("=")[0]
    assert (found.low, found.high, found.step, found.count) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("bufer", "did you mean 'buffer'"),
        ("markets", "markets is no number"),
        ("buffer=0.1", "must be buffer=LOW:HIGH:STEP"),
        ("buffer=-1:0.3:0.1", "within 0 and"),
        ("buffer=0.3:0.1:0.1", "must rise"),
        ("buffer=0.1:0.3:0", "step above 0"),
        ("governor_window=60:100:0.5", "whole number"),
        ("buffer=a:b:c", "it must be a number"),
    ],
)
def test_what_is_no_range_is_named(text, what):
    with pytest.raises(SettingsError, match=re.escape(what)):
        parameter_range(text)


def options_of(module):
    """Options that LEAN's command line knows, from its source."""
    spec = importlib.util.find_spec("lean")
    if spec is None or spec.origin is None:
        pytest.skip("the lean package is missing")
    source = (Path(spec.origin).parent / "commands" / module).read_text(encoding="utf-8")
    return set(re.findall(r'@option\("(--[a-z-]+)"', source))


def test_lean_knows_every_option_and_the_cloud_takes_two():
    ranges = [parameter_range("buffer=0.05:0.3:0.05"), parameter_range("vol_target=0.08:0.12:0.02")]
    local, cloud = (shlex.split(line) for line in command_lines(ranges))
    for words, module in ((local, "optimize.py"), (cloud, "cloud/optimize.py")):
        assert {word for word in words if word.startswith("--")} <= options_of(module)
        place = words.index("--parameter")
        assert words[place + 1 : place + 5] == ["buffer", "0.05", "0.3", "0.05"]
    assert local[:3] == ["lean", "optimize", "trend-carry"]
    assert len(command_lines([*ranges, parameter_range("regime_gamma")])) == 1


def test_the_command_prints_lines_to_copy():
    done = CliRunner().invoke(command, ["--name", "buffer=0.1:0.3:0.1 regime_gamma"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("lean optimize trend-carry --strategy 'Grid Search'")
    assert "15 backtests" in done.output
