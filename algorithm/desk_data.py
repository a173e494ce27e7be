"""What the page of the risk desk is made of: the last lines of a run's record, as they come.

``research.commands.risk`` reads them like a record: a header, sessions without a decision for the
returns behind stress tests, and the last decisions in full. They are in two documents, so that a
decision writes a few lines and not all of them: the latest decisions, and what was before them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from algorithm.decision_text import session_of_decision

NOW, PAST = "desk.jsonl", "desk-past.jsonl"
"""The latest decisions, overwritten at each one, and all before them."""

RETURNS = 756
"""Sessions of returns before the decisions in full: three years, as correlations take."""

LIVE, BACKTEST = 250, 63
"""Decisions in full; a backtest leaves the whole record too."""

TURN = 16
"""Decisions after which the past is written anew: then both are about as much work."""


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
        self._now = TURN  # decisions in the document of the latest

    def observed(self, line: str) -> None:
        """Take the line of a session without a decision."""
        self._returns.append(line)

    def decided(self, line: str) -> dict[str, str]:
        """Take the line of a decision; documents to write by name, the past before the latest."""
        out, recent = {}, self._recent
        if self._now == TURN:
            out[PAST] = self._text((*self._returns, *recent))
            self._now = 0
        self._now += 1
        recent.append(line)
        if len(recent) > self._decisions:
            self._returns.append(session_of_decision(recent.popleft()))
        out[NOW] = self._text(islice(recent, len(recent) - self._now, None))
        return out

    def _text(self, lines: Iterable[str]) -> str:
        return "\n".join((self._header, *lines, ""))
