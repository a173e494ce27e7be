"""Where importers write down what they dropped, repaired or doubted (000, QA)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from research.data.dataset import DataIssue
from universe.arrays import IntArray, from_epoch_day

UNKNOWN_MARKET, NO_DATA = "unknown market", "no data"
LEFT_OUT = (UNKNOWN_MARKET, NO_DATA, "no session", "empty")
"""Kinds of issues that each leave a whole market out of the run."""

LISTED_DAYS = 10
"""Up to this many days of one kind are listed one by one, more are summed up in one issue."""


class IssueLog:
    """Collects issues; a list of days never floods it.

    Attributes
    ----------
    issues : list of DataIssue
        In the order they were found.
    """

    def __init__(self) -> None:
        self.issues: list[DataIssue] = []

    def add(self, market: str, kind: str, detail: str, day: int | None = None) -> None:
        """Record one issue; ``day`` is an epoch day, or None for the market as a whole."""
        self.issues.append(DataIssue(market, day, kind, detail))

    def add_days(self, market: str, kind: str, days: IntArray, detail: str) -> None:
        """Record the same finding on several days.

        Up to ``LISTED_DAYS`` days give an issue each; more give one issue, dated on the first day,
        whose sentence states how many days there are and the last of them.
        """
        days = np.unique(np.asarray(days, dtype=np.int64))
        if len(days) <= LISTED_DAYS:
            for day in days:
                self.add(market, kind, detail, int(day))
            return
        last = from_epoch_day(int(days[-1]))
        self.add(market, kind, f"{detail} ({len(days)} times, last on {last})", int(days[0]))


def left_out(issues: Iterable[DataIssue]) -> list[str]:
    """Sentences about the markets that a run leaves out, a sentence for each reason.

    For the screen, and for an export.
    """
    by_reason: dict[tuple[str, str], list[str]] = {}
    for issue in issues:
        if issue.kind in LEFT_OUT:
            by_reason.setdefault((issue.kind, issue.detail), []).append(issue.market)
    return [
        f"left out: {', '.join(dict.fromkeys(markets))} ({kind}: {detail})"
        for (kind, detail), markets in by_reason.items()
    ]


def doubts(issues: Iterable[DataIssue], most: int = 3) -> list[str]:
    """A sentence for each other kind of issue: how many there are, and the first of them."""
    by_kind: dict[str, list[str]] = {}
    for issue in issues:
        if issue.kind not in LEFT_OUT:
            on = "" if issue.epoch_day is None else f" {from_epoch_day(issue.epoch_day)}"
            found = by_kind.setdefault(issue.kind, [])
            found.append(f"{issue.market}{on}: {issue.detail}".removeprefix(": "))
    out = []
    for kind, found in by_kind.items():
        rest = f"; and {len(found) - most} more" if len(found) > most else ""
        out.append(f"{kind} ({len(found)}): {'; '.join(found[:most])}{rest}")
    return out
