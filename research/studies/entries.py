"""Single runs and rules in the register of trials: their Sharpe ratios know of the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algorithm.settings import Settings
from research.engine.result import RunResult
from research.measures.deflated import moments
from research.studies.rule_books import ALL
from research.studies.rules import RuleStudy
from research.studies.study_row import StudyRequest, row_of_run
from research.studies.trials import Trial, TrialRegister, configuration_hash
from universe.arrays import from_epoch_day


def enter_run(result: RunResult, register: TrialRegister, command: str) -> None:
    """Enter a run, and set what its Sharpe ratio is worth among all trials on its data.

    A run on data without a hash, or of less than three sessions, is left as it is.

    Raises
    ------
    TrialsError
        As the register.
    """
    if not result.data_hash or len(result.day) < 3:
        return
    row = row_of_run(StudyRequest(command, result.settings), result.data_hash, result)
    register.record([row.trial(command)])
    result.deflated = register.deflate(row.returns, result.data_hash)


def enter_rules(study: RuleStudy, settings: Settings, register: TrialRegister) -> RuleStudy:
    """Enter every rule's book of all classes; returns the study with deflated ratios.

    Its table gets the column ``deflated``: the probability that a book's true Sharpe ratio is above
    the best that as many trials without skill would show. NaN for a book that never holds anything.

    Raises
    ------
    TrialsError
        As the register.
    """
    books, chosen = study.books, settings.as_strings()
    first, last = (from_epoch_day(int(day)).isoformat() for day in books.day[[0, -1]])
    whole = books.classes.index(ALL)
    register.record(
        Trial(
            command="rules",
            name=rule,
            data=study.data_hash,
            configuration=configuration_hash({"book": f"rule {rule}", "settings": chosen}),
            changed={"book": f"rule {rule}"},
            first=first,
            last=last,
            moments=moments(books.net[:, number, whole]),
        )
        for number, rule in enumerate(books.rules)
    )
    deflated = []
    for rule, name in zip(study.table["rule"], study.table["class"], strict=True):
        place = books.rules.index(rule), books.classes.index(name)
        live = np.cumsum(books.held[:, *place] > 0) > 0
        of = register.deflate(books.net[live, *place], study.data_hash)
        deflated.append(of.probability)
    table = study.table.assign(deflated=deflated)
    return replace(study, table=table, trials=register.count(study.data_hash))
