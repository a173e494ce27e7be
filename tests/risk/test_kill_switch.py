import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.account import EventKind, Remedy, RiskAccount, RiskEvent
from risk.kill_switch import Claims, CommandError, KillSwitch, Mode, Source, rule
from risk.limits import TABLE, Action, changed, make_limits

N = 5
whole = arrays(np.int64, N, elements=st.integers(-50, 50))
flags = arrays(bool, N)
modes = st.sampled_from(list(Mode))


def switch(mode=Mode.ARMED, sessions=1, token="secret"):
    made = KillSwitch(sessions, hashlib.sha256(token.encode()).hexdigest())
    if mode is not Mode.ARMED:
        made.trip(mode, 100, Source.COMMAND, "", "test")
    return made


def claims(**changes):
    values = {
        "targets": np.array([5, -3, 2, 0, 7]),
        "held": np.array([1, -1, 4, 2, 0]),
        "confirmed": np.array([1.0, -1.0, 4.0, 2.0, 0.0]),
        "must_close": np.zeros(N, dtype=bool),
        "must_roll": np.zeros(N, dtype=bool),
        "priced": np.ones(N, dtype=bool),
        "account_known": True,
        "limit_freeze": False,
    }
    return Claims(**{**values, **changes})


def only(index):
    return np.arange(N) == index


class TestTrip:
    def test_goes_further_but_not_back(self):
        made = switch(Mode.FLAT)
        assert not made.trip(Mode.FREEZE, 101, Source.LIMIT, "", "again")
        assert made.mode == Mode.FLAT
        assert len(made.log) == 1
        made = switch(Mode.FREEZE)
        assert made.trip(Mode.FLAT, 101, Source.LIMIT, "", "worse")
        assert (made.mode, made.reason) == (Mode.FLAT, "worse")

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_needs_a_reason(self, reason):
        with pytest.raises(ValueError, match="reason is empty"):
            switch().trip(Mode.FLAT, 100, Source.COMMAND, "", reason)

    def test_is_armed_by_a_person_with_a_reason_only(self):
        made = switch(Mode.FREEZE)
        for person, reason in [("", "x"), ("A. Person", ""), (" ", " ")]:
            with pytest.raises(ValueError, match="re-arming needs both"):
                made.rearm(101, person, reason)
        with pytest.raises(ValueError, match="armed by rearm"):
            made.trip(Mode.ARMED, 101, Source.COMMAND, "", "x")
        assert made.mode == Mode.FREEZE
        made.rearm(101, "A. Person", "prices checked")
        assert made.mode == Mode.ARMED
        assert made.log[-1] == [101, 0, "person", "A. Person", "prices checked"]
        with pytest.raises(ValueError, match="armed already"):
            made.rearm(102, "A. Person", "twice")

    @given(st.lists(modes | st.just("rearm"), max_size=12), st.integers(0, 12))
    def test_a_restart_changes_nothing(self, steps, cut):
        """State written as JSON and read back, at any point."""
        one = switch(sessions=3)
        for k, step in enumerate(steps):
            if k == cut:
                state = json.loads(json.dumps({name: getattr(one, name) for name in one.STATE}))
                other = switch(sessions=3)
                for name, value in state.items():
                    setattr(other, name, value)
                assert {n: getattr(other, n) for n in one.STATE} == state
                one = other
            before = len(one.log)
            if step == "rearm" and one.mode != Mode.ARMED:
                one.rearm(k, "P", "r")
            elif step in (Mode.FREEZE, Mode.FLAT):
                one.trip(step, k, Source.LIMIT, "", "r")
                assert one.mode >= step
            assert len(one.log) >= before


class TestSources:
    def test_only_a_breach_that_flattens_trips_it(self):
        made = switch()
        for remedy in (Remedy.SAY, Remedy.CAP, Remedy.CUT, Remedy.FREEZE):
            assert not made.follow(Action(remedy, ("x",)), 100)
        assert not made.follow(None, 100)
        assert made.mode == Mode.ARMED
        assert made.follow(Action(Remedy.FLATTEN, ("daily_loss is 0.09",)), 100)
        assert made.reason == "daily_loss is 0.09"

    def test_a_broker_that_disagrees_freezes(self):
        made = switch()
        assert not made.compare(100, {"ES 202212": 3, "CL 202301": 0}, {"ES 202212": 3})
        assert made.compare(100, {"ES 202212": 3}, {"ES 202212": 2, "CL 202301": 1})
        assert made.mode == Mode.FREEZE
        assert made.reason == "broker holds CL 202301 1 for 0, ES 202212 2 for 3"

    def test_a_broker_that_does_not_answer_says_nothing(self):
        made = switch()
        assert not made.compare(100, {"ES 202212": 3}, None)
        assert made.mode == Mode.ARMED

    @given(
        st.lists(st.sampled_from(["nav", "last_nav", "drawdown", "turnover", "slippage", "model",
                                  "reference", "unit_margin", "price_age", "unit_exposure"])),
        whole,
    )  # fmt: skip
    def test_a_missing_value_never_trips_it(self, missing, held):
        """With every limit that can told to flatten, and anything unknown."""
        known = RiskAccount(
            100, 1e7, held, np.full(N, 1e-4), None, None, np.full(N, 1e-6), 1e7, 0.0, 0.0,
            np.full(2 * N, np.nan), np.zeros(N, dtype=np.int64),
        )  # fmt: skip
        absent = ("model", "reference", "unit_margin", "slippage", "price_age")
        nothing = {name: None if name in absent else np.nan for name in missing}
        if "unit_exposure" in nothing:
            nothing["unit_exposure"] = np.full(N, np.nan)
        rows = changed(
            [row for row in TABLE if row.name != "stale_share"],
            **{
                r.name: (r.warn, r.breach, Remedy.FLATTEN) for r in TABLE if r.name != "stale_share"
            },
        )
        codes = [f"M{k}" for k in range(N)]
        book = make_limits(codes, codes, codes, np.ones(N), horizon=20, beta_market="M0", rows=rows)
        made = switch()
        for kind in EventKind:
            made.follow(book.watch(RiskEvent(kind, 100), replace(known, **nothing)), 100)
        assert made.mode == Mode.ARMED


class TestCommands:
    def test_freeze_flat_and_rearm(self):
        made = switch()
        assert made.command(100, "secret", "freeze odd prices") == "freeze: odd prices"
        assert made.command(100, "secret", "FLAT worse") == "flat: worse"
        assert made.command(100, "secret", "freeze x") == "already flat"
        assert made.command(101, "secret", "rearm B. Person: all checked") == (
            "re-armed by B. Person"
        )
        assert [entry[2] for entry in made.log] == ["command", "command", "person"]

    @pytest.mark.parametrize("token", ["", "Secret", "secret "])
    def test_without_the_token_nothing_is_done(self, token):
        made = switch()
        with pytest.raises(CommandError, match="token is not"):
            made.command(100, token, "flat now")
        assert made.mode == Mode.ARMED
        assert made.log == []

    def test_a_switch_without_a_token_takes_no_command(self):
        with pytest.raises(CommandError):
            KillSwitch().command(100, "", "flat now")

    @pytest.mark.parametrize(
        "text",
        ["", "stop", "flat", "freeze ", "rearm", "rearm me", "rearm : x", "rearm a:", "flatten x"],
    )
    def test_what_is_no_command_does_nothing(self, text):
        made = switch(Mode.FREEZE)
        with pytest.raises(CommandError, match="nothing was done"):
            made.command(100, "secret", text)
        assert (made.mode, len(made.log)) == (Mode.FREEZE, 1)


class TestSchedule:
    def test_by_hand(self):
        """Nine contracts in three sessions: six, three, none, and none after it."""
        made, held = switch(Mode.FLAT, sessions=3), np.array([9, -9, 1, 0])
        steps = []
        for _ in range(4):
            held = made.schedule(held)
            steps.append(held.tolist())
        assert steps == [[6, -6, 0, 0], [3, -3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]

    @given(whole, st.integers(1, 10))
    def test_positions_only_fall_and_are_gone_in_time(self, held, sessions):
        made = switch(Mode.FLAT, sessions=sessions)
        for _ in range(sessions):
            after = made.schedule(held)
            assert np.all(np.abs(after) <= np.abs(held))
            assert np.all(after * held >= 0)
            held = after
        assert not held.any()

    def test_a_position_that_comes_back_is_closed_again(self):
        made = switch(Mode.FLAT)
        made.schedule(np.array([3]))
        assert made.schedule(np.array([5])).tolist() == [0]

    def test_no_session_to_close_in_is_refused(self):
        with pytest.raises(ValueError, match="sessions is 0"):
            KillSwitch(0)


class TestPrecedence:
    def test_targets_when_nothing_objects(self):
        found = rule(switch(), claims())
        assert found.contracts.tolist() == [5, -3, 2, 0, 7]
        assert found.may_trade.all()
        assert set(found.rule) == {"target"}

    @pytest.mark.parametrize(
        ("mode", "changes", "name"),
        [
            (Mode.FREEZE, {"account_known": False, "limit_freeze": True}, "freeze"),
            (Mode.ARMED, {"account_known": False, "limit_freeze": True}, "unknown account"),
            (Mode.ARMED, {"limit_freeze": True}, "limit"),
        ],
    )
    def test_the_first_in_the_order_names_the_reason(self, mode, changes, name):
        found = rule(switch(mode), claims(**changes))
        assert set(found.rule) == {name}
        assert found.contracts.tolist() == claims().held.tolist()
        assert not found.may_trade.any()

    def test_flat_closes_where_there_is_a_price_even_in_an_unknown_account(self):
        found = rule(
            switch(Mode.FLAT),
            claims(account_known=False, limit_freeze=True, priced=~only(2)),
        )
        assert found.contracts.tolist() == [0, 0, 4, 0, 0]
        assert found.may_trade.tolist() == (~only(2)).tolist()

    @given(modes, flags, flags, st.booleans(), st.booleans(), flags, whole)
    def test_an_expiry_outranks_everything_on_the_confirmed_quantity(
        self, mode, priced, unsure, known, freeze, close, held
    ):
        confirmed = np.where(unsure, np.nan, held + 1.0)
        found = rule(
            switch(mode),
            claims(
                held=held, confirmed=confirmed, must_close=close, must_roll=~close, priced=priced,
                account_known=known, limit_freeze=freeze,
            ),
        )  # fmt: skip
        closed = close & ~unsure
        assert not found.contracts[closed].any()
        assert found.may_trade[~unsure].all()
        assert not found.may_trade[unsure].any()
        assert np.array_equal(found.contracts[unsure], held[unsure])
        rolled = ~close & ~unsure
        stopped = ~priced | (mode is Mode.FREEZE)
        if mode is not Mode.FLAT:
            stopped |= freeze or not known
        kept = rolled & stopped
        assert np.array_equal(found.contracts[kept], (held + 1)[kept])

    @given(modes, flags, st.booleans(), st.booleans(), whole, whole)
    def test_nothing_but_a_flat_switch_closes_the_book(
        self, mode, priced, known, freeze, held, targets
    ):
        found = rule(
            switch(mode),
            claims(
                held=held, confirmed=held.astype(float), targets=targets, priced=priced,
                account_known=known, limit_freeze=freeze,
            ),
        )  # fmt: skip
        closed = (found.contracts == 0) & (held != 0)
        if mode is not Mode.FLAT:
            assert np.all(targets[closed] == 0)
        assert np.array_equal(found.contracts[~found.may_trade], held[~found.may_trade])

    def test_a_rearmed_switch_lets_targets_through_again(self):
        made = switch(Mode.FLAT)
        rule(made, claims())
        made.rearm(101, "C. Person", "done")
        assert rule(made, claims()).contracts.tolist() == claims().targets.tolist()
