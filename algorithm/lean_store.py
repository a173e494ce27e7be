"""Writing to LEAN's ObjectStore so that a process which is killed leaves whole documents.

LEAN keeps what is saved in memory and writes it to its disk some seconds later, in place: a kill
in between loses it, and one in the middle of the writing leaves the half of it. So what must not
be lost is on the disk when :func:`write` returns, and :class:`InTurns` has two places for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algorithm.state_document import StateError, opened, sealed

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

TURN = "turn"
"""In a document's body: how many were written before it."""


def write(algorithm: QCAlgorithm, key: str, content: Any) -> str:
    """Write a text or bytes; why it could not be written, "" if it was.

    Live it is on the disk then: LEAN writes what waits when it is asked for the path of a file.
    """
    store = algorithm.object_store
    try:
        save = store.save if isinstance(content, str) else store.save_bytes
        if not save(key, content):
            return "the store refused it"
        if algorithm.live_mode:
            store.get_file_path(key)
    except Exception as error:  # a full disk must not stop what trades
        return str(error) or type(error).__name__
    return ""


class InTurns:
    """A document in two places, written in turns: one of them is whole at any moment.

    Parameters
    ----------
    algorithm : QCAlgorithm
    keys : (str, str)
    """

    def __init__(self, algorithm: QCAlgorithm, keys: tuple[str, str]) -> None:
        self._algorithm, self._keys = algorithm, keys
        self._turn = 0

    def write(self, body: dict[str, Any]) -> str:
        """Write a body of plain values over the older of both; why not, "" if it was written."""
        reason = write(
            self._algorithm, self._keys[self._turn % 2], sealed(body | {TURN: self._turn})
        )
        self._turn += not reason
        return reason

    def read(self, wanted: frozenset[str]) -> dict[str, Any] | None:
        """The body that was written last and is whole, None where there is none at all.

        Parameters
        ----------
        wanted : frozenset of str
            Keys that it must have.

        Raises
        ------
        StateError
            If what is there is damaged.
        """
        store, found, damage = self._algorithm.object_store, [], None
        for key in self._keys:
            if store.contains_key(key):
                try:
                    found.append(opened(str(store.read(key)), wanted | {TURN}))
                except StateError as error:
                    damage = error
        if not found:
            if damage is not None:
                raise damage
            return None
        last = max(found, key=lambda body: int(body[TURN]))
        self._turn = int(last[TURN]) + 1
        return last
