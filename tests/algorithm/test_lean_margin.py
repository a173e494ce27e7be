"""Who looks for margin calls, and what is said of a session that would have had one."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import AlgorithmImports as Lean

from algorithm.decision import BOOK
from algorithm.lean_margin import CALLED_ABOVE, MarginWatch
from tests.helpers import made_up_dataset, settings
from tests.stand_ins.at_work import record_of, start
from universe.arrays import to_epoch_day


class Account:
    """What the watch may touch of an algorithm."""

    def __init__(self, *, live: bool = False) -> None:
        self.live_mode, self.model = live, "LEAN's own"
        self.portfolio = SimpleNamespace(set_margin_call_model=self.set_model)

    def set_model(self, model) -> None:
        self.model = model


class TestMarginWatch:
    def test_a_backtest_names_the_sessions_above_the_limit_and_no_other(self):
        account = Account()
        watch = MarginWatch(account)
        assert account.model is Lean.MarginCallModel.NULL
        for used in (0.0, 0.5, 1.0, CALLED_ABOVE):
            assert watch.notes({"margin used": used, "margin left": 1.0 - used}) == []
        [(market, kind, sentence)] = watch.notes({"margin used": 1.234, "margin left": -0.234})
        assert (market, kind) == (BOOK, "margin")
        assert "123% of the account's value" in sentence
        assert "above 110%" in sentence

    def test_an_account_that_says_nothing_is_not_called(self):
        assert MarginWatch(Account()).notes({}) == []

    def test_live_lean_and_the_broker_call(self):
        account = Account(live=True)
        watch = MarginWatch(account)
        assert account.model == "LEAN's own"
        assert watch.notes({"margin used": 2.0, "margin left": -1.0}) == []


def test_a_session_of_a_margin_call_is_an_event_of_the_run(tmp_path):
    chosen = settings(start="2015-12-01", warmup_days=400, end="2017-01-01")
    engine = start(made_up_dataset(330, seed=4), chosen)
    assert engine.portfolio.margin_call_model is Lean.MarginCallModel.NULL
    engine.run(to_epoch_day(date(2016, 1, 4)))
    engine.portfolio.margin_share = 1.2
    engine.run(to_epoch_day(date(2016, 1, 5)))
    engine.portfolio.margin_share = 0.1
    engine.run(to_epoch_day(date(2016, 1, 15)))
    engine.finish()
    [said] = [line for line in engine.lines if line.startswith("margin: ")]
    assert "would have been called" in said
    events = [e for e in record_of(engine, tmp_path).events if e.kind == "margin"]
    assert [(e.epoch_day, e.market) for e in events] == [(to_epoch_day(date(2016, 1, 5)), "")]
