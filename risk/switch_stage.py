"""The kill switch as the last stage of the chain: it rules on what the others have left (R4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np

from risk.account import Remedy
from risk.book import Book, Protection, Verdict
from risk.kill_switch import Claims, KillSwitch, Mode, rule
from risk.limits import Action
from universe.instruments import Instrument
from universe.setting import SettingsError, Table, setting


class Disagreement(StrEnum):
    """What follows when the broker's positions are not those of the state."""

    SAY = "say"
    FREEZE = "freeze"


@dataclass(frozen=True)
class SwitchSettings(Table):
    """The kill switch."""

    command_token: str = setting(
        "",
        "SHA-256, in hexadecimal, of the token that commands carry; without one no command trips or"
        " re-arms the kill switch",
    )
    flat_sessions: int = setting(
        3,
        "decisions over which the kill switch closes all positions",
        unit="decisions",
        low=1,
        high=60,
    )
    broker_disagreement: Disagreement = setting(
        Disagreement.FREEZE,
        "at a live start, when the broker holds what the state cannot explain; say without a token",
    )

    def validate(self) -> None:
        """Refuse a token that is no hash."""
        if self.command_token and not re.fullmatch(r"[0-9a-f]{64}", self.command_token):
            raise SettingsError(
                f"command_token has {len(self.command_token)} characters; it must be the SHA-256 of"
                " the token, 64 hexadecimal digits in lower case"
            )


class SwitchStage(KillSwitch, Protection):
    """Nothing while it is armed; freezes or closes by schedule once it has been tripped.

    A limit that freezes acts here too, so that one function rules on all (``kill_switch.rule``).

    Attributes
    ----------
    told : int
        Entries of the log that decisions have carried to the record.
    """

    NAME = "kill switch"
    MEANING = "freezes or closes all positions until a person re-arms it; carries out freezes"
    SETTINGS = SwitchSettings
    STATE = (*KillSwitch.STATE, "told")
    ACCOUNT = STATE

    def __init__(self, sessions: int = 1, digest: str = "") -> None:
        super().__init__(sessions, digest)
        self.told = 0

    @classmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument], n_assets: int) -> Self:
        """The switch of the settings."""
        return cls(settings.flat_sessions, settings.command_token)

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same of the stage.

        Raises
        ------
        ValueError
            As the switch, or if decisions have carried more entries than there are.
        """
        values, told = super().from_state(values), values["told"]
        if not 0 <= told <= len(values["log"]):
            raise ValueError(f"{told} of {len(values['log'])} entries of the log are told")
        return values

    def protect(self, book: Book) -> Verdict:
        """What is left of the targets once everybody has had a say."""
        self.follow(Action(book.remedy, book.reasons), book.day)
        freeze = book.remedy is Remedy.FREEZE
        steps = [_sentence(*entry[1:]) for entry in self.log[self.told :]]
        self.told = len(self.log)
        figures = {"switch": float(self.mode)}
        if self.mode == Mode.ARMED and not freeze:
            return Verdict(self.NAME, book.asked, steps=tuple(steps), figures=figures)
        if self.mode == Mode.ARMED:
            steps.append(f"nothing is traded: {'; '.join(book.reasons)}")
        nothing = np.zeros(len(book.asked), dtype=bool)
        ruling = rule(
            self,
            Claims(
                targets=book.asked,
                held=book.held,
                confirmed=book.held.astype(np.float64),
                must_close=nothing if book.forced is None else book.forced,
                must_roll=nothing,
                priced=book.free,
                account_known=book.nav > 0,
                limit_freeze=freeze,
            ),
        )
        before, after = (
            float(np.nansum(np.abs(contracts * book.unit)))
            for contracts in (book.asked, ruling.contracts)
        )
        return Verdict(
            self.NAME,
            ruling.contracts,
            min(after / before, 1.0) if before > 0 else 1.0,
            tuple(steps),
            figures,
            frozen=~ruling.may_trade,
        )


def _sentence(mode: int | str, source: int | str, who: int | str, reason: int | str) -> str:
    """A change of the switch, as in "freeze by command: odd prices"."""
    by = f"{source} {who}".strip()
    return f"{Mode(int(mode)).name.lower()} by {by}: {reason}"
