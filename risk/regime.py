"""Less exposure while the regime model sees a bad month ahead (A8).

The model is trained after a session, on all sessions so far, and counts from the next one. Without
macro series, a trained model or today's features exposure stays as it is, and a note says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.regime.document import RegimeDocumentError, Voice, read_document
from alpha.regime.features import BOND, EQUITY, NAMES, Known, has_pair, why_unknown
from alpha.regime.history import RegimeHistory
from alpha.regime.labels import LabelKind, LabelOf
from alpha.regime.models import ModelKind
from alpha.regime.policy import Policy
from alpha.regime.series import SOURCES
from alpha.regime.train import TrainingError, TrainingPlan, train
from alpha.scale import ExposureScale, Scale, Told
from alpha.snapshot import Snapshot
from universe.arrays import from_epoch_day
from universe.counts import count_text
from universe.instruments import AssetClass, Instrument
from universe.setting import Table, setting

_BONDS = str(AssetClass.BOND)


@dataclass(frozen=True)
class RegimeSettings(Table):
    """Model, training and policy."""

    regime: bool = setting(
        True, "exposure falls with the probability of a bad month, where macro series tell it"
    )
    regime_model: ModelKind = setting(ModelKind.LOGISTIC, "what tells the probability")
    regime_label: LabelKind = setting(
        LabelKind.AHEAD,
        "fall that is bad: the deepest in the sessions ahead, or the one left at their end",
    )
    regime_of: LabelOf = setting(LabelOf.BALANCED, "whose fall: 60/40's or equities'")
    regime_horizon: int = setting(
        21, "sessions that a label looks ahead", unit="sessions", low=5, high=126
    )
    regime_tail: float = setting(
        0.10, "share of the training sessions whose fall is bad", low=0.01, high=0.5
    )
    regime_window: int = setting(
        0,
        "sessions that a training looks back, at least regime_least; 0 is all",
        unit="sessions",
        low=0,
        high=20_000,
    )
    regime_least: int = setting(
        2520, "sessions before the first training", unit="sessions", low=250, high=10_000
    )
    regime_refit: int = setting(
        63, "sessions between two trainings", unit="sessions", low=5, high=1260
    )
    regime_gamma: float = setting(
        0.5, "share of exposure that is taken away at most", low=0.0, high=1.0
    )
    regime_full: float = setting(
        0.6, "probability from which all of regime_gamma is taken away", low=0.05, high=1.0
    )
    regime_floor: float = setting(0.5, "least share of exposure", low=0.0, high=1.0)
    regime_bonds: float = setting(
        0.0, "part of what is taken away that bonds keep: a tilt to them", low=0.0, high=1.0
    )
    regime_band: float = setting(0.05, "change of the share that is not traded", low=0.0, high=0.5)

    @property
    def regime_plan(self) -> TrainingPlan:
        """What a training depends on."""
        return TrainingPlan(
            self.regime_model,
            self.regime_label,
            self.regime_of,
            self.regime_horizon,
            self.regime_tail,
            max(self.regime_window, self.regime_least) if self.regime_window else 0,
        )

    @property
    def regime_policy(self) -> Policy:
        """From probability to exposure."""
        return Policy(self.regime_gamma, self.regime_full, self.regime_floor, self.regime_band)


class RegimeScale(ExposureScale):
    """Scales exposure by what the regime model says of the sessions ahead.

    Parameters
    ----------
    settings : RegimeSettings
    instruments : sequence of Instrument

    Attributes
    ----------
    history : RegimeHistory
    text : str
        The document in force, "" before there is one.
    trained : int
        Epoch day of its last session; 0 without one.
    tried : int
        Sessions there were at the last training that was tried; 0 before the first.
    share : float
        Of exposure, in force.
    """

    NAME = "regime"
    MEANING = "exposure falls with the probability of a fall or of stress in the month ahead"
    SETTINGS = RegimeSettings
    STATE = ("text", "trained", "tried", "share")
    DEPENDS = ("regime",)

    def __init__(self, settings: RegimeSettings, instruments: Sequence[Instrument]) -> None:
        self.history = RegimeHistory()
        self._complete = has_pair([instrument.code for instrument in instruments])
        self._settings = settings
        self._plan, self._policy = settings.regime_plan, settings.regime_policy
        self.text = ""
        self.trained = self.tried = 0
        self.share = 1.0
        self._voice: Voice | None = None
        self._voice_of = ""  # the text it was read from
        self._known: Known = {}
        self._told = Told()

    def components(self) -> dict[str, Any]:
        """The model, and the history it is trained on."""
        return {self.NAME: self, f"{self.NAME}.history": self.history}

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no scale keeps.

        Raises
        ------
        ValueError
            Likewise.
        """
        if not (0.0 <= values["share"] <= 1.0 and values["tried"] >= 0):
            raise ValueError("the regime's share or count of sessions is out of its range")
        return values

    # --- the day ---------------------------------------------------------------------------------
    def observe(self, snapshot: Snapshot) -> None:
        """Take a session; a training that is due sees the sessions before it."""
        if self._settings.regime:
            self._known = snapshot.macro
            self.train_if_due()
            self.history.take(snapshot.day, snapshot.regime)

    def scale(self, snapshot: Snapshot, nav: float) -> Scale:
        """What the probability after the session leaves."""
        voice, missing = self._speaking(snapshot.day)
        figures, reason, spared = {}, "", dict[str, float]()
        if voice is None:
            self.share = 1.0
        else:
            probability, _ = voice.probability(self.history.row)
            rate = voice.document.base_rate
            self.share = self._policy.next_share(self.share, probability, rate)
            figures = {"p_off": probability, "base_rate": rate}
            if self.share < 1.0:
                reason = f"bad month ahead {probability:.0%}, exposure at {self.share:.0%}"
                if tilted := self._settings.regime_bonds:
                    bonds = self.share + tilted * (1.0 - self.share)
                    spared, reason = {_BONDS: bonds}, f"{reason}, of bonds at {bonds:.0%}"
        notes = self._told.taken(missing)
        return Scale(self.NAME, self.share, reason, figures, notes, spared)

    def _speaking(self, day: int) -> tuple[Voice | None, str]:
        """Who tells today's probability, and what is missing."""
        history = self.history
        if not self._settings.regime:
            return None, ""
        if not self._complete:
            return None, f"exposure is not scaled: {EQUITY} and {BOND} are not both traded"
        if not (history.count or any(name in self._known for name in SOURCES)):
            return None, "exposure is not scaled: no macro series is there"
        voice = self._read(day)
        if voice is None:
            least = self._settings.regime_least
            return (
                None,
                f"exposure is not scaled: no model; the first takes {count_text(least, 'session')}",
            )
        first, *_ = voice.document.models
        unknown = [name for name in first.features if np.isnan(history.row[NAMES.index(name)])]
        told = [why_unknown(name, day, self._known, history.count) for name in unknown]
        return voice, "; ".join(reason for reason in told if reason)

    def _read(self, day: int) -> Voice | None:
        """The document in force; one that does not fit is dropped, with a note."""
        if self.text != self._voice_of:
            self._voice, self._voice_of = None, self.text
            try:
                document = read_document(self.text, self._plan.as_strings(), day)
                self._voice = Voice(document)
            except RegimeDocumentError as error:
                self._told.add(f"{error}; it is left out")
                self.text = self._voice_of = ""
                self.trained = self.tried = 0
        return self._voice

    # --- training --------------------------------------------------------------------------------
    def due(self, more: int = 0) -> bool:
        """Whether a training is due after the last session, or after as many more."""
        count, refit = self.history.count + more, self._settings.regime_refit
        since = count - int(np.searchsorted(self.history.days, self.trained, side="right"))
        return (
            count >= self._settings.regime_least
            and (not self.text or since >= refit)
            and (not self.tried or count - self.tried >= refit)
        )

    def train_if_due(self) -> bool:
        """Train on the sessions so far if it is time; True if there is a new document.

        A training that fails leaves the document in force, and is tried again after as many
        sessions as lie between two trainings.
        """
        if not self.due():
            return False
        self.tried = self.history.count
        history = self.history.history()
        day = from_epoch_day(int(history.day[-1]))
        try:
            document = train(history, self._plan)
        except (TrainingError, ImportError) as error:
            self._told.add(f"training after {day} failed: {error}")
            return False
        self.text, self.trained = document.text(), document.trained
        return True

    def offer(self, text: str, day: int) -> None:
        """Take up a document that was kept elsewhere, unless a later one is in force.

        Parameters
        ----------
        text : str
        day : int
            Epoch day from which on it may speak.

        Raises
        ------
        RegimeDocumentError
            If it does not fit.
        """
        document = read_document(text, self._plan.as_strings(), day)
        if document.trained > self.trained:
            self.text, self.trained = text, document.trained
