"""What the page of the risk desk is made of: the last lines of a run's record, as they come.

``research.commands.risk`` reads them like a record: a header, sessions without a decision for the
returns behind stress tests, and the last decisions in full.
"""

from __future__ import annotations

from collections import deque

from algorithm.decision_text import session_of_decision

RETURNS = 756
"""Sessions of returns before the decisions in full: three years, as correlations take."""

LIVE, BACKTEST = 250, 63
"""Decisions in full; a backtest leaves the whole record too."""


class DeskData:
    """The lines of a record that the risk desk needs.

    Parameters
    ----------
    header : str
        The record's first line.
    decisions : int
        How many are kept in full.
    """

    def __init__(self, header: str, decisions: int) -> None:
        self._header, self._decisions = header, decisions
        self._returns: deque[str] = deque(maxlen=RETURNS)
        self._recent: deque[str] = deque()

    def observed(self, line: str) -> None:
        """Take the line of a session without a decision."""
        self._returns.append(line)

    def decided(self, line: str) -> str:
        """Take the line of a decision; all of the data, with an end of line after each."""
        self._recent.append(line)
        if len(self._recent) > self._decisions:
            self._returns.append(session_of_decision(self._recent.popleft()))
        return "\n".join((self._header, *self._returns, *self._recent, ""))
