import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.account import Remedy
from risk.book import Book
from risk.kill_switch import Mode, Source
from risk.switch_stage import SwitchSettings, SwitchStage
from risk.var import VarModel
from universe.setting import SettingsError

N = 4
TOKEN = hashlib.sha256(b"secret").hexdigest()
whole = arrays(np.int64, N, elements=st.integers(-50, 50))
flags = arrays(bool, N)
MODEL = VarModel(np.eye(N) * 1e-4, np.full(N, 0.01), np.zeros((0, N)))


def book(asked, held, **changes):
    values = {
        "day": 100, "nav": 1e7, "names": list("ABCD"), "asked": np.array(asked),
        "held": np.array(held), "unit": np.full(N, 0.01), "free": np.ones(N, dtype=bool),
        "model": MODEL,
    }  # fmt: skip
    return Book(**{**values, **changes})


def stage(mode=Mode.ARMED, sessions=3):
    made = SwitchStage(sessions, TOKEN)
    if mode is not Mode.ARMED:
        made.trip(mode, 99, Source.COMMAND, "", "test")
    return made


@given(whole, whole, flags)
def test_armed_it_changes_nothing(asked, held, free):
    verdict = stage().protect(book(asked, held, free=free))
    assert np.array_equal(verdict.contracts, asked)
    assert (verdict.scale, verdict.steps, verdict.frozen) == (1.0, (), None)
    assert verdict.figures == {"switch": 0.0}


def test_a_limit_freezes_for_as_long_as_it_asks_and_no_longer():
    made = stage()
    frozen = made.protect(
        book([5, 5, 5, 5], [1, 2, 3, 4], remedy=Remedy.FREEZE, reasons=("daily_loss is 0.05",))
    )
    assert frozen.contracts.tolist() == [1, 2, 3, 4]
    assert frozen.frozen.all()
    assert frozen.steps == ("nothing is traded: daily_loss is 0.05",)
    assert made.mode == Mode.ARMED
    after = made.protect(book([5, 5, 5, 5], [1, 2, 3, 4]))
    assert after.contracts.tolist() == [5, 5, 5, 5]


def test_a_limit_that_flattens_trips_it_and_only_a_person_re_arms():
    made, held = stage(sessions=2), np.array([8, -8, 1, 0])
    asked = np.array([9, 9, 9, 9])
    seen = []
    for day in range(4):
        remedy = Remedy.FLATTEN if day == 0 else Remedy.SAY
        verdict = made.protect(book(asked, held, day=day, remedy=remedy, reasons=("it is bad",)))
        held = verdict.contracts
        seen.append(held.tolist())
    assert seen == [[4, -4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert made.state == "flat"
    assert made.command(5, "secret", "rearm A. Person: prices checked") == "re-armed by A. Person"
    verdict = made.protect(book(asked, held, day=5))
    assert verdict.contracts.tolist() == asked.tolist()
    assert verdict.steps == ("armed by person A. Person: prices checked",)


def test_every_change_is_told_once():
    made = stage(Mode.FREEZE)
    first, second = (made.protect(book([5] * N, [1] * N, day=d)) for d in (100, 101))
    assert first.steps == ("freeze by command: test",)
    assert second.steps == ()
    assert second.figures == {"switch": 1.0}
    assert second.contracts.tolist() == [1] * N


@given(st.sampled_from(list(Mode)), st.booleans(), flags, flags, whole, whole, st.booleans())
def test_what_an_expiry_forces_goes_first(mode, freeze, forced, free, asked, held, known):
    free = free | forced
    found = stage(mode).protect(
        book(
            asked, held, free=free, forced=forced, nav=1e7 if known else np.nan,
            remedy=Remedy.FREEZE if freeze else Remedy.SAY, reasons=("x",),
        )
    )  # fmt: skip
    if mode is Mode.ARMED and not freeze:
        return
    assert not found.contracts[forced].any()
    assert not found.frozen[forced].any()
    rest = ~forced
    if mode is Mode.FLAT:
        assert np.all(np.abs(found.contracts[rest]) <= np.abs(held[rest]))
        assert found.frozen[rest & ~free].all()
    else:
        assert np.array_equal(found.contracts[rest], held[rest])
        assert found.frozen[rest].all()


def test_a_token_is_given_by_its_hash_only():
    assert SwitchSettings(command_token=TOKEN).command_token == TOKEN
    with pytest.raises(SettingsError, match="SHA-256"):
        SwitchSettings(command_token="secret")
