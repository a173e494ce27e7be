"""What a person tells a running algorithm: a NAV that is right, and the kill switch (R4).

By LEAN's command to the algorithm, or by a text of the same fields in the ObjectStore under
``DEPLOYMENT/command.json``, which is read before every decision and removed:

    {"token": "...", "kill_switch": "freeze REASON"}
    {"token": "...", "kill_switch": "flat REASON"}
    {"token": "...", "kill_switch": "rearm PERSON: REASON"}
    {"token": "...", "confirm_nav": 12345678}

Without the setting ``command_token`` a NAV is confirmed without a token and the switch takes no
command.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

from algorithm.lean_live import LiveAccount
from algorithm.lean_state import StateStore
from algorithm.strategy import Strategy
from risk.kill_switch import CommandError
from universe.arrays import to_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm


class Commands:
    """Carries out commands; the state is saved before a change of the switch is answered.

    Parameters
    ----------
    algorithm : QCAlgorithm
    strategy : Strategy
    account : LiveAccount
    state : StateStore
    """

    def __init__(
        self, algorithm: QCAlgorithm, strategy: Strategy, account: LiveAccount, state: StateStore
    ) -> None:
        self._algorithm, self._strategy = algorithm, strategy
        self._account, self._state = account, state
        self.key = f"{strategy.settings.deployment}/command.json"

    def take(self, command: object) -> bool:
        """Carry out a command, for ``on_command``.

        Parameters
        ----------
        command : object
            With ``token``, and ``kill_switch`` or ``confirm_nav``, among its attributes.

        Returns
        -------
        bool
            Whether it was one, and carried out.
        """
        switch = self._strategy.switch
        token, text = _text(command, "token"), _text(command, "kill_switch")
        try:
            if not text:
                if switch.takes_commands:
                    switch.check(token)
                return self._account.confirm(command)
            day = to_epoch_day(self._algorithm.time.date())
            done = switch.command(day, token, text)
        except CommandError as error:
            self._algorithm.error(f"command refused: {error}")
            return False
        self._state.save()
        self._algorithm.error(f"kill switch: {done}")
        return True

    def read_store(self) -> None:
        """Carry out the command that waits in the ObjectStore, once."""
        store = self._algorithm.object_store
        if not store.contains_key(self.key):
            return
        try:
            fields = json.loads(str(store.read(self.key)))
            command = SimpleNamespace(**fields)
        except (ValueError, TypeError) as error:
            self._algorithm.error(f"{self.key}: command not understood: {error}")
        else:
            self.take(command)
        store.delete(self.key)


def _text(command: object, name: str) -> str:
    """A field of what was sent, "" without it."""
    try:
        value = getattr(command, name)
    except Exception:  # LEAN hands over whatever was sent, and .NET raises errors of its own
        return ""
    return "" if value is None else str(value)
