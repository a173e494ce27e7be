"""The regime model in LEAN: trained on schedule, kept in the ObjectStore as text (A8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from algorithm.lean_store import write
from algorithm.settings import StateWriting
from algorithm.strategy import Strategy
from alpha.regime.document import RegimeDocumentError
from risk.regime import RegimeScale
from universe.arrays import from_epoch_day, to_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

TRAINING_TIME: Final = (18, 30)
"""New York time, after the decision and before the next open."""


def model_key(deployment: str) -> str:
    """Key of a deployment's model in the ObjectStore."""
    return f"{deployment}/regime-model.json"


class RegimeKeeper:
    """Trains the model and keeps its document; what goes wrong is said and stops nothing.

    A backtest keeps what it trains and reads nothing: it would learn from later sessions, or the
    embedded engine could not do the same.
    """

    def __init__(self, algorithm: QCAlgorithm, strategy: Strategy) -> None:
        self._algorithm = algorithm
        self._scale = strategy.scale_named(RegimeScale.NAME)
        settings = strategy.settings
        self._key, self._when = model_key(settings.deployment), settings.state
        self._kept = ""  # the text that the store has, read or written

    def restore(self) -> None:
        """Take up the document of the store, if it fits and none later is in force."""
        algorithm, store = self._algorithm, self._algorithm.object_store
        if not store.contains_key(self._key):
            algorithm.log(f"no regime model at {self._key}")
            return
        text = str(store.read(self._key))
        today = to_epoch_day(algorithm.start_date.date())  # live, LEAN sets it to the present
        try:
            self.scale.offer(text, today)
        except RegimeDocumentError as error:
            algorithm.error(f"{self._key}: {error}")
            return
        self._kept = text
        algorithm.log(f"{self._key}: regime model of {from_epoch_day(self.scale.trained)}")

    @property
    def scale(self) -> RegimeScale:
        """The scale that the model is of."""
        assert isinstance(self._scale, RegimeScale)
        return self._scale

    def train(self) -> None:
        """Train if it is due, and keep the document in force."""
        self.scale.train_if_due()
        live = self._when == StateWriting.LIVE and bool(self._algorithm.live_mode)
        if live or self._when == StateWriting.ALWAYS:
            self.keep()

    def finish(self) -> None:
        """Keep the document in force at the end of a run."""
        if self._when in (StateWriting.END, StateWriting.ALWAYS):
            self.keep()

    def keep(self) -> None:
        """Write the document in force, if the store has another."""
        text = self.scale.text
        if not text or text == self._kept:
            return
        reason = write(self._algorithm, self._key, text)
        if reason:
            self._algorithm.error(f"{self._key}: {reason}; a restart would use an older model")
            return
        self._kept = text
        self._algorithm.log(f"{self._key}: regime model of {from_epoch_day(self.scale.trained)}")
