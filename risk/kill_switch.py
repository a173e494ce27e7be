"""The kill switch: nothing is traded, or all is closed by schedule, until a person re-arms it (R4).

A limit, a command or a broker that disagrees trips it; what is missing never does. It can be
tripped further but not back: only ``rearm`` with a person and a reason does that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np

from risk.account import Remedy
from risk.limits import Action
from universe.arrays import BoolArray, FloatArray, IntArray


class Mode(IntEnum):
    """What the switch does."""

    ARMED = 0  # nothing: trading goes on
    FREEZE = 1
    FLAT = 2


class Source(StrEnum):
    """Who tripped the switch, or re-armed it."""

    LIMIT = "limit"
    COMMAND = "command"
    BROKER = "broker"
    PERSON = "person"


class CommandError(ValueError):
    """A command that is not carried out, and why."""


class KillSwitch:
    """Keeps trading off once it has been tripped, over restarts too.

    Parameters
    ----------
    sessions : int
        Decisions over which everything is closed when it is flat: not at any price at once.
    digest : str
        SHA-256, in hexadecimal, of the token that a command must carry; with an empty one no
        command is taken.

    Attributes
    ----------
    mode : int
        A ``Mode``.
    left : int
        Decisions left of the schedule.
    log : list of list
        Every change: epoch day, mode, source, who, reason. Only ever grows.

    Raises
    ------
    ValueError
        If there is no session to close in.
    """

    STATE: tuple[str, ...] = ("mode", "left", "log")
    DEPENDS = ()
    ACCOUNT: tuple[str, ...] = STATE

    def __init__(self, sessions: int = 1, digest: str = "") -> None:
        if sessions < 1:
            raise ValueError(f"sessions is {sessions}; at least 1 is needed to close in")
        self._sessions, self._digest = sessions, digest
        self.mode = int(Mode.ARMED)
        self.left = 0
        self.log: list[list[int | str]] = []

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no switch keeps, which could arm one that a person has to re-arm.

        Raises
        ------
        ValueError
            If a mode is none, the log is no list of changes, or its last one led elsewhere.
        """
        mode, left, log = values["mode"], values["left"], values["log"]
        if not all(_is_change(entry) for entry in log):
            raise ValueError("the kill switch's log holds what is no change of it")
        last = log[-1][1] if log else int(Mode.ARMED)
        if mode != last:
            raise ValueError(f"the kill switch's mode is {mode}, its log ends with {last}")
        if left < 0:
            raise ValueError(f"the kill switch has {left} decisions left; must not be negative")
        return values

    @property
    def state(self) -> str:
        """What it does: armed, freeze or flat."""
        return Mode(self.mode).name.lower()

    @property
    def reason(self) -> str:
        """Why it is off, empty while armed."""
        return str(self.log[-1][4]) if self.mode != Mode.ARMED else ""

    def trip(self, mode: Mode, day: int, source: Source, who: str, reason: str) -> bool:
        """Freeze or flatten; whether that changed anything.

        Raises
        ------
        ValueError
            If there is no reason, or the mode is to go on trading.
        """
        if mode is Mode.ARMED:
            raise ValueError("the switch is armed by rearm, with a person and a reason")
        if not reason.strip():
            raise ValueError("reason is empty; the switch is not tripped without one")
        if mode <= self.mode:
            return False
        if mode is Mode.FLAT:
            self.left = self._sessions
        self._change(mode, day, source, who, reason)
        return True

    def rearm(self, day: int, person: str, reason: str) -> None:
        """Let trading go on.

        Raises
        ------
        ValueError
            If the person or the reason is missing, or the switch is armed.
        """
        if not person.strip() or not reason.strip():
            raise ValueError(
                f"person is {person!r} and reason {reason!r}; re-arming needs both of them"
            )
        if self.mode == Mode.ARMED:
            raise ValueError("the switch is armed already")
        self.left = 0
        self._change(Mode.ARMED, day, Source.PERSON, person.strip(), reason)

    def follow(self, action: Action | None, day: int) -> bool:
        """Trip by what the limits ask for: only a measured breach whose remedy is to flatten.

        A limit's freeze lasts as long as its breach and is no matter of the switch.
        """
        if action is None or action.remedy is not Remedy.FLATTEN:
            return False
        return self.trip(Mode.FLAT, day, Source.LIMIT, "", "; ".join(action.reasons))

    def compare(
        self, day: int, expected: Mapping[str, int], broker: Mapping[str, int] | None
    ) -> bool:
        """Freeze if the broker's positions are not those that fills add up to.

        Parameters
        ----------
        day : int
        expected : mapping of contract to quantity
        broker : mapping of contract to quantity, optional
            None if it did not answer, which says nothing.
        """
        if broker is None:
            return False
        wrong = sorted(
            name
            for name in expected.keys() | broker.keys()
            if expected.get(name, 0) != broker.get(name, 0)
        )
        if not wrong:
            return False
        told = ", ".join(
            f"{name} {broker.get(name, 0)} for {expected.get(name, 0)}" for name in wrong[:5]
        )
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        return self.trip(Mode.FREEZE, day, Source.BROKER, "", f"broker holds {told}{more}")

    @property
    def takes_commands(self) -> bool:
        """Whether a person could trip or re-arm it."""
        return bool(self._digest)

    def check(self, token: str) -> None:
        """Refuse a command that does not carry the token.

        Raises
        ------
        CommandError
            If there is no token or it is another one.
        """
        found = hashlib.sha256(token.encode()).hexdigest()
        if not self._digest or not hmac.compare_digest(found, self._digest):
            raise CommandError("the token is not the kill switch's; nothing was done")

    def command(self, day: int, token: str, text: str) -> str:
        """Carry out "freeze REASON", "flat REASON" or "rearm PERSON: REASON".

        Returns
        -------
        str
            What was done.

        Raises
        ------
        CommandError
            If the token is not the switch's or the command is none of the three.
        """
        self.check(token)
        word, _, rest = text.strip().partition(" ")
        word = word.lower()
        if word == "rearm":
            person, colon, reason = rest.partition(":")
            if not colon:
                raise CommandError("rearm needs PERSON: REASON; nothing was done")
            try:
                self.rearm(day, person, reason.strip())
            except ValueError as error:
                raise CommandError(f"{error}; nothing was done") from None
            return f"re-armed by {person.strip()}"
        modes = {"freeze": Mode.FREEZE, "flat": Mode.FLAT}
        if word not in modes or not rest.strip():
            raise CommandError(
                f"command is {text!r}; allowed are freeze REASON, flat REASON and "
                "rearm PERSON: REASON; nothing was done"
            )
        done = self.trip(modes[word], day, Source.COMMAND, "", rest.strip())
        return f"{word}: {rest.strip()}" if done else f"already {Mode(self.mode).name.lower()}"

    def schedule(self, held: IntArray) -> IntArray:
        """Contracts to hold after this decision when it is flat, and count the decision.

        The same share of what is left at each one; the last leaves nothing, and so does every one
        after it.
        """
        if self.left <= 1:
            self.left = 0
            return np.zeros_like(held)
        keep = (self.left - 1) / self.left
        self.left -= 1
        return np.asarray(np.trunc(held * keep), dtype=np.int64)

    def _change(self, mode: Mode, day: int, source: Source, who: str, reason: str) -> None:
        self.mode = int(mode)
        self.log.append([day, int(mode), str(source), who, reason])


def _is_change(entry: Any) -> bool:
    """Whether it is an entry of the log."""
    if not isinstance(entry, list) or [type(part) for part in entry] != [int, int, str, str, str]:
        return False
    return entry[1] in set(Mode) and entry[2] in set(Source)


@dataclass(frozen=True, slots=True)
class Ruling:
    """Who decided on every asset.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    may_trade : bool array of shape (n_assets,)
        Where orders may go out; elsewhere ``contracts`` are those held.
    rule : tuple of str
        "expiry", "flat", "freeze", "unknown account", "limit", "no price" or "target", by asset.
    """

    contracts: IntArray
    may_trade: BoolArray
    rule: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """All that wants a say in one decision; arrays are (n_assets,).

    Attributes
    ----------
    targets : int array
        After the limits' caps and the gate.
    held : int array
        By the strategy's own count.
    confirmed : float array
        By the broker, NaN where it has not said.
    must_close, must_roll : bool arrays
        The contract held may not be held any longer, without and with a successor.
    priced : bool array
        Whether the market has a price within its collar today.
    account_known : bool
        Whether NAV is trusted.
    limit_freeze : bool
        Whether a limit's breach asks to freeze.
    """

    targets: IntArray
    held: IntArray
    confirmed: FloatArray
    must_close: BoolArray
    must_roll: BoolArray
    priced: BoolArray
    account_known: bool
    limit_freeze: bool


def rule(switch: KillSwitch, claims: Claims) -> Ruling:
    """Order of precedence, highest first.

    1. What an expiry forces, on the quantity that the broker confirms: a contract is closed or
       rolled whatever the switch, the account or the collar say. A quantity that it has not
       confirmed is not traded on.
    2. The kill switch: everything closed by schedule where there is a price, or nothing traded.
    3. An account that is not known: nothing traded.
    4. A limit that freezes: nothing traded.
    5. A market without a price: not traded.
    6. The targets.

    A contract that is rolled keeps its quantity where 2 to 5 forbid a trade.
    """
    n = len(claims.targets)
    contracts, names = claims.targets.astype(np.int64), np.full(n, "target", dtype=object)
    may_trade = np.ones(n, dtype=bool)

    def hold(where: BoolArray, name: str) -> None:
        contracts[where], names[where], may_trade[where] = claims.held[where], name, False

    hold(~claims.priced, "no price")
    everything = np.ones(n, dtype=bool)
    if claims.limit_freeze:
        hold(everything, "limit")
    if not claims.account_known:
        hold(everything, "unknown account")
    if switch.mode == Mode.FREEZE:
        hold(everything, "freeze")
    elif switch.mode == Mode.FLAT:
        hold(everything, "flat")
        closing = claims.priced
        contracts[closing] = switch.schedule(claims.held)[closing]
        may_trade[closing] = True
    sure = np.isfinite(claims.confirmed)
    quantity = np.where(sure, claims.confirmed, claims.held).astype(np.int64)
    rolled = claims.must_roll & ~claims.must_close & sure & ~may_trade
    contracts[rolled], names[rolled], may_trade[rolled] = quantity[rolled], "expiry", True
    closed = claims.must_close & sure
    contracts[closed], names[closed], may_trade[closed] = 0, "expiry", True
    hold((claims.must_close | claims.must_roll) & ~sure, "expiry")
    return Ruling(contracts, may_trade, tuple(names.tolist()))
