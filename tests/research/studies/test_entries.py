"""Single runs and rules in the register of trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from algorithm.settings import Settings
from research.measures.deflated import deflated_sharpe, moments
from research.measures.summary import headline_figures
from research.studies.entries import enter_rules, enter_run
from research.studies.trials import TrialRegister
from tests.research.fake_result import fake_result


@pytest.fixture
def register(tmp_path):
    return TrialRegister(tmp_path)


def test_a_run_is_entered_once_and_knows_of_the_others(register):
    one = replace(fake_result(), data_hash="d")
    other = replace(fake_result(seed=2), data_hash="d", settings={**one.settings, "buffer": "0.3"})
    for run in (one, other, one):
        enter_run(run, register, "backtest")
    assert register.count("d") == 2
    variance = np.var([moments(run.returns).sharpe for run in (one, other)], ddof=1)
    expected = deflated_sharpe(moments(one.returns), 2, float(variance))
    assert one.deflated.probability == pytest.approx(expected.probability)
    figures = {figure.label: figure for figure in headline_figures(one)}
    assert "; deflated by 2 trials " in figures["Sharpe ratio, net"].detail
    assert figures["Deflated Sharpe ratio"].number == one.deflated.probability


def test_a_run_on_data_without_a_name_is_not(register):
    run = replace(fake_result(), data_hash="")
    enter_run(run, register, "lean")
    assert run.deflated is None
    figures = {figure.label: figure for figure in headline_figures(run)}
    assert figures["Deflated Sharpe ratio"].detail == "no register of trials was asked"


@dataclass(frozen=True)
class Study:
    """As much of a rule study as is asked for."""

    books: Any
    table: pd.DataFrame
    data_hash: str = "d"
    trials: int = 0


def test_every_rule_is_a_trial_and_its_row_deflated(register):
    rng = np.random.default_rng(0)
    net = rng.normal(0.0003, 0.006, (300, 2, 2))
    held = np.ones((300, 2, 2))
    held[:, 1, 0] = 0.0  # never holds anything there
    books = SimpleNamespace(
        rules=["tsmom", "carry"],
        classes=["equity", "all"],
        day=np.arange(10_000, 10_300),
        net=net,
        held=held,
    )
    pairs = [(rule, name) for rule in books.rules for name in books.classes]
    study = enter_rules(
        Study(books, pd.DataFrame(pairs, columns=["rule", "class"])), Settings(), register
    )
    assert study.trials == register.count("d") == 2
    variance = np.var([moments(net[:, k, 1]).sharpe for k in range(2)], ddof=1)
    expected = [
        deflated_sharpe(moments(net[:, i, j]), 2, variance).probability
        for i in range(2)
        for j in range(2)
    ]
    expected[2] = np.nan
    np.testing.assert_allclose(study.table["deflated"], expected)
