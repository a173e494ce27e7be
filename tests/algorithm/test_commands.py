"""Commands, alerts and watches on stand-ins; the real engine hands the same objects over."""

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from algorithm.lean_alerts import Alerts, alerts_of
from algorithm.state import load_state, save_state
from algorithm.strategy import Strategy
from risk.account import Remedy
from risk.kill_switch import Mode
from risk.limits import Reading, Status
from tests.algorithm.test_lean_algorithm import chosen, start
from tests.helpers import MONDAY, made_up_dataset, weekdays

TOKEN = hashlib.sha256(b"open sesame").hexdigest()
SESSIONS = 300
KEY = "trend-carry/command.json"


@pytest.fixture(scope="module")
def data():
    return made_up_dataset(SESSIONS, seed=4)


@pytest.fixture(scope="module")
def live(data):
    """A deployment that has traded for a while, and the day after its last."""
    days = weekdays(MONDAY, SESSIONS).tolist()
    settings = chosen(command_token=TOKEN, limits="daily_loss 0.02 0.03 flatten")
    engine = start(data, settings, live=True)
    return engine.run(days[270]), days


def order(**fields):
    return SimpleNamespace(**fields)


def held_by(engine):
    return {k: h.quantity for k, h in engine.portfolio.items() if h.quantity}


def test_without_the_token_nothing_is_done(live):
    engine, _ = live
    take, switch = engine.algorithm.on_command, engine.algorithm._context.strategy.switch
    for fields in (
        {"kill_switch": "flat now"},
        {"kill_switch": "flat now", "token": "open"},
        {"confirm_nav": "5e7"},
        {"token": "open sesame", "kill_switch": "explode"},
        {},
    ):
        assert not take(order(**fields))
    assert (switch.mode, switch.log) == (Mode.ARMED, [])
    assert any("command refused: the token" in line for line in engine.errors)
    assert take(order(confirm_nav="5e7", token="open sesame"))


def test_freeze_restart_and_re_arm(live, data):
    """By command; frozen over a restart; re-armed by a key in the store, and archived."""
    engine, days = live
    sent = len(engine.tickets)
    assert engine.algorithm.on_command(order(kill_switch="freeze odd prices", token="open sesame"))
    engine.run(days[273])
    rebalanced = [t for t in engine.tickets[sent:] if not t.tag.startswith("roll")]
    assert [t for t in rebalanced if t.status.name == "SUBMITTED"] == []
    frozen = engine.algorithm._context.strategy
    assert frozen.switch.state == "freeze"

    again = Strategy(frozen.settings, frozen.instruments)
    load_state(again, save_state(frozen))
    assert (again.switch.mode, again.switch.log) == (frozen.switch.mode, frozen.switch.log)
    other = Strategy(replace(frozen.settings, vol_target=0.05), frozen.instruments[:3])
    load_state(other, save_state(frozen))
    assert other.switch.state == "freeze", "what is about the account holds under other markets"

    command = {"kill_switch": "rearm A. Person: prices checked", "token": "open sesame"}
    engine.object_store[KEY] = json.dumps(command)
    engine.run(days[276])
    assert KEY not in engine.object_store
    assert frozen.switch.log[-1][2:] == ["person", "A. Person", "prices checked"]
    assert any("alert: kill switch: freeze by command: odd prices" in e for e in engine.lines)
    assert any("alert: kill switch: armed by person A. Person" in line for line in engine.lines)


def test_what_is_no_command_in_the_store_is_removed_and_said(live):
    engine, _ = live
    for text in ("{", "[1]", '{"kill_switch": "flat x"}'):
        engine.object_store[KEY] = text
        engine.algorithm._commands.read_store()
        assert KEY not in engine.object_store
    assert engine.algorithm._context.strategy.switch.state == "armed"


def test_a_watch_withdraws_orders_trips_the_switch_and_believes_no_broken_value(live, data):
    engine, days = live
    engine.run(days[280])
    strategy = engine.algorithm._context.strategy
    last = strategy.last_nav
    for value in (np.nan, 0.0, 0.3 * last):  # nothing, or a partial answer
        _value(engine, value)
        engine.algorithm._watch()
    assert strategy.switch.state == "armed"
    _value(engine, 0.985 * last)
    engine.algorithm._watch()
    assert strategy.switch.state == "armed"
    _value(engine, 0.96 * last)
    engine.algorithm._watch()
    said = len(engine.lines)
    engine.algorithm._watch()
    assert len(engine.lines) == said, "an alert is told once"
    assert strategy.switch.state == "flat"
    assert any("alert: daily_loss is 0.04" in line for line in engine.lines)
    del engine.account_value
    before = held_by(engine)
    engine.run(days[290])
    assert before
    assert held_by(engine) == {}


def _value(engine, value):
    engine.account_value = lambda: value


class TestBroker:
    def algorithm_of(self, data, **changes):
        engine = start(data, chosen(command_token=TOKEN, **changes), live=True)
        return engine.run(weekdays(MONDAY, SESSIONS)[255]).algorithm

    def test_positions_that_fills_cannot_explain_freeze_at_a_start(self, data):
        algorithm = self.algorithm_of(data)
        strategy, account = algorithm._context.strategy, algorithm._account
        assert strategy.switch.state == "armed"
        between = (strategy.last_held + strategy.last_contracts) // 2
        account._compare(between, 1)
        assert strategy.switch.state == "armed", "a partial fill is an explanation"
        account._compare(between + 10_000, 1)
        assert strategy.switch.state == "freeze"
        assert "broker holds" in strategy.switch.reason

    def test_it_is_only_said_where_nobody_could_re_arm(self, data):
        instruments = [history.instrument for history in data.markets.values()]
        algorithm = self.algorithm_of(data, broker_disagreement="say")
        algorithm._account._compare(np.full(len(instruments), 10_000), 1)
        assert algorithm._context.strategy.switch.state == "armed"


class TestAlerts:
    def reading(self, status, before):
        return Reading(1, "gross", "fund", 6.0, 5.0, 7.0, status, before, Remedy.CUT, 1, 0, 1)

    def test_changes_only(self):
        changes = [(Status.WARN, Status.OK), (Status.WARN, Status.WARN),
                   (Status.OK, Status.WARN), (Status.UNKNOWN, Status.OK)]  # fmt: skip
        said = [alerts_of([self.reading(*one)]) for one in changes]
        assert [len(one) for one in said] == [1, 0, 1, 0]

    def test_mail_and_hook_are_used_live_and_a_failure_stops_nothing(self):
        sent = []
        notify = SimpleNamespace(
            email=lambda *words: sent.append(words), web=lambda *words: sent.append(words)
        )
        desk = SimpleNamespace(log=sent.append, error=sent.append, live_mode=True, notify=notify)
        settings = chosen(alert_mail="risk@example.org", alert_hook="https://example.org")
        alerts = Alerts(desk, settings)
        alerts.tell(16000, ["gross is 6"])
        assert sent[0] == "alert: gross is 6"
        assert sent[1][0] == "risk@example.org"
        assert sent[2] == ("https://example.org", "gross is 6")
        alerts.tell(16000, [])
        assert len(sent) == 3
        desk.notify = SimpleNamespace(email=None)
        alerts.tell(16000, ["x"])
        assert "alert not sent" in sent[-1]
        desk.live_mode = False
        alerts.tell(16000, ["x"])
        assert sent[-1] == "alert: x"
