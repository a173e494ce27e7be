"""The strategy's state in LEAN's ObjectStore: the last document and the one before (O5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algorithm.state import PREVIOUS_STATE_KEY, STATE_KEY, StateError, load_state, save_state
from algorithm.strategy import Strategy
from universe.arrays import from_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm


class StateStore:
    """Writes and takes up the state; what goes wrong is said in the log and stops nothing.

    Attributes
    ----------
    restored : bool
        Whether the strategy has its state from a document.
    """

    def __init__(self, algorithm: QCAlgorithm, strategy: Strategy) -> None:
        self._algorithm, self._strategy = algorithm, strategy
        self._document = ""  # the last good one, read or written
        self.restored = False

    def save(self) -> None:
        """Write the document, before it the last good one to its place."""
        store, document = self._algorithm.object_store, save_state(self._strategy)
        if document == self._document:
            return
        try:
            written = not self._document or store.save(PREVIOUS_STATE_KEY, self._document)
            written = store.save(STATE_KEY, document) and written
            reason = "" if written else "the store refused it"
        except Exception as error:  # a full disk must not stop what trades
            reason = str(error)
        if reason:
            self._algorithm.error(f"{STATE_KEY}: {reason}; a restart would use an older state")
        else:
            self._document = document

    def restore(self) -> None:
        """Take up the last state that can be read; without one, start from the warm-up."""
        algorithm, store = self._algorithm, self._algorithm.object_store
        for key in (STATE_KEY, PREVIOUS_STATE_KEY):
            if not store.contains_key(key):
                algorithm.log(f"no state at {key}")
                continue
            document = store.read(key)
            try:
                load_state(self._strategy, document)
            except StateError as error:
                algorithm.error(f"{key}: {error}")
                continue
            self.restored, self._document = True, document
            algorithm.log(f"{key}: restored as of {from_epoch_day(self._strategy.day)}")
            return
        algorithm.log("starting from the history of the warm-up, adopting the broker's positions")
