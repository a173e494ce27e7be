"""The benchmark from returns by hand, and from a run and its record."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from research.engine.engine import run_backtest
from research.engine.from_decisions import result_from
from research.measures.benchmark import benchmark_of
from tests.helpers import made_up_dataset, settings
from tests.research.fake_result import fake_result


def with_history(markets: str, classes: str, returns: list[list[float]], warm_up: int = 0):
    """A run of the last days of ``returns``, NaN where a market has no bar."""
    ret = np.array(returns)
    run = fake_result(len(ret) - warm_up, len(ret[0]))
    return dataclasses.replace(
        run,
        markets=markets.split(),
        classes=classes.split(),
        history_seen=np.isfinite(ret),
        history_ret=np.nan_to_num(ret),
    )


def test_sixty_forty_of_the_preferred_markets() -> None:
    rows = [[0.5, 0.5, 0.5], [0.1, 0.1, 0.1], [0.0, 0.1, 0.01], [np.nan, np.nan, -0.02]]
    run = with_history("FESX ES ZN", "equity equity bond", rows, warm_up=1)
    found = benchmark_of(run)
    assert found is not None
    assert found.name == "60 % ES + 40 % ZN"
    # the first session's return was earned before the run
    assert found.returns.tolist() == pytest.approx([0.0, 0.6 * 0.1 + 0.4 * 0.01, -0.4 * 0.02])


def test_without_a_class_or_the_preferred_market() -> None:
    rows = [[0.1, np.nan, 0.1], [0.1, 0.2, 0.1], [0.1, 0.2, 0.1]]
    alone = benchmark_of(with_history("FDAX FESX GC", "equity equity metal", rows))
    assert alone is not None
    assert alone.name == "100 % FDAX"  # the longer one
    assert benchmark_of(with_history("GC SI HG", "metal metal metal", rows)) is None
    run = with_history("FDAX FESX GC", "equity equity metal", rows)
    assert benchmark_of(dataclasses.replace(run, history_ret=None)) is None


def test_every_run_has_it_and_its_record_has_the_same() -> None:
    data, lines = made_up_dataset(400), []
    run = run_backtest(data, settings(), record=lines.append)
    assert run.benchmark is not None
    again = result_from(lines).benchmark
    assert again is not None
    assert again.name == run.benchmark.name
    np.testing.assert_allclose(again.returns, run.benchmark.returns, atol=1e-10)
    assert run.benchmark.returns.any()
    assert "benchmark_return" in run.frame().columns
