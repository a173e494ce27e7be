import numpy as np
import pytest

from research.compliance.archive import ArchiveWriter, read, verify
from research.compliance.build import entries_of, head_of
from research.compliance.records import LimitEntry, canonical
from research.measures.performance import var_exceptions, var_periods
from risk.account import Remedy
from risk.limits import Reading, Status
from risk.stress import StressResult
from tests.research.fake_result import fake_result, small_result
from universe.arrays import from_epoch_day


@pytest.fixture(scope="module")
def run():
    return fake_result(500)


@pytest.fixture(scope="module")
def days(run):
    return entries_of(run)


def test_every_session_is_there_and_can_be_written(run, days, tmp_path):
    assert [entry.day for entry in days] == [from_epoch_day(d).isoformat() for d in run.day]
    path = tmp_path / "archive.jsonl"
    with ArchiveWriter(path, head_of(run)) as archive:
        for entry in days:
            archive.append(entry)
    assert verify(path).ok
    assert read(path)[1] == days


def test_exceptions_are_those_of_the_report(run, days):
    expected = {from_epoch_day(e.day).isoformat() for e in var_exceptions(run)}
    assert {entry.day for entry in days if entry.is_exception} == expected
    tested = [entry for entry in days if entry.is_exception is not None]
    assert len(tested) == var_periods(run)[-1].sessions
    for entry in tested:
        assert entry.is_exception == (-entry.result > entry.var_tested)


def test_figures_by_hand():
    result = small_result(
        [100.0, 96.0, 97.0], contracts=np.array([[2], [2], [0]]), targets=np.array([[2], [2], [0]]),
        weight=np.array([[0.5], [0.6], [0.0]]), pnl=np.array([[0.0], [-3.0], [1.0]]),
        var_one_day=np.array([0.03, 0.05, np.nan]), drawdown=np.array([0, 0.04, 0.03]),
        var_parametric=np.array([0.1, 0.25, 0.1]),
    )  # fmt: skip
    first, second, third = entries_of(result)
    assert (first.result, first.is_exception) == (None, None)
    assert second.result == pytest.approx(-0.04)
    assert second.clean_result == pytest.approx(-0.03)
    assert (second.var_tested, second.is_exception) == (0.03, True)
    assert third.is_exception is False
    assert second.gross == pytest.approx(0.6)
    assert second.exposure == [second.gross]


def test_limits_and_switch_are_what_the_decisions_read():
    reading = Reading(18262, "gross", "fund", 7.5, 5.0, 7.0, Status.BREACH, Status.WARN,
                      Remedy.CUT, 18261, 2, -1, "prices")  # fmt: skip
    result = small_result(
        [100.0, 96.0], readings=[(), (reading,)], figures={"switch": np.array([0.0, 1.0])}
    )
    first, second = entries_of(result)
    assert (first.limits, first.switch, second.switch) == ([], "armed", "freeze")
    assert second.limits == [
        LimitEntry("gross", "fund", 7.5, 5.0, 7.0, "breach", "cut", "prices", 2, -1)
    ]


def test_var_of_the_portfolio_held_where_the_run_kept_it():
    """Targets at 10 % are half the reference's 20 %; 15 % held are three quarters of it."""
    result = small_result(
        [100.0], var_parametric=np.array([0.1]), var_relative=np.array([0.5]),
        var_held=np.array([0.15]),
    )  # fmt: skip
    (entry,) = entries_of(result)
    assert head_of(result).var_of == "held"
    assert (entry.var_held, entry.var_parametric) == (0.15, 0.1)
    assert entry.var_relative == pytest.approx(0.75)


def test_a_market_of_unknown_volume_is_not_taken_for_liquid():
    result = small_result(
        [100.0, 100.0], contracts=np.array([[2], [0]]), targets=np.array([[2], [0]]),
        weight=np.array([[0.5], [0.0]]),
    )  # fmt: skip
    held, flat = entries_of(result)
    assert held.liquidity_risk == [0.0, 0.0, 0.0, 1.0]
    assert flat.liquidity_risk == [1.0, 0.0, 0.0, 0.0]


def test_stress_and_remedies_are_kept(run):
    day = int(run.day[5])
    stress = {day: [StressResult("s", -0.1, np.zeros(1), -0.2, (), ("A by B x 1.00",))]}
    entry = entries_of(run, stress=stress)[5]
    assert (entry.stress[0].profit, entry.stress[0].remarks) == (-0.1, ["A by B x 1.00"])
    governed = [e for e in entries_of(run) if e.remedies]
    assert sum(any(r.startswith("governor") for r in e.remedies) for e in governed) == int(
        (run.governor_scale < 1).sum()
    )


def test_a_longer_run_does_not_change_what_was_archived(run):
    """Prefix: the entries of the first sessions are those of a run that ended there."""
    short = fake_result(500)
    for name in ("day", "nav", "pnl", "cost", "roll_cost", "contracts", "targets", "weight",
                 "var_parametric", "var_historical", "var_relative", "var_one_day", "drawdown",
                 "governor_scale"):  # fmt: skip
        setattr(short, name, getattr(short, name)[:300])
    short.fills = [f for f in short.fills if f.epoch_day <= short.day[-1]]
    short.events = [e for e in short.events if e.epoch_day <= short.day[-1]]
    whole = entries_of(run)[:300]
    assert [canonical(e) for e in entries_of(short)] == [canonical(e) for e in whole]


def test_the_absolute_test_needs_a_determination(run):
    assert head_of(run).legal_test == "relative"
    with pytest.raises(ValueError, match="determination"):
        head_of(run, legal_test="absolute")
    head = head_of(run, legal_test="absolute", determination="risk manager, 2020-01-02: why")
    assert head.determination
    with pytest.raises(ValueError, match="legal_test is 'both'"):
        head_of(run, legal_test="both")
