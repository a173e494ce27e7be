"""Who reads which macro series: what a folder holds beyond that changes nothing, and is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from algorithm.observer import series_wanted
from algorithm.settings import Settings
from universe.instruments import Instrument


def series_read(settings: Settings, instruments: Sequence[Instrument]) -> set[str]:
    """Names of the macro series that a run with these settings would read.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Markets of the run.
    """
    return set(series_wanted(settings, instruments))


def usage_notes(
    names: Iterable[str], settings: Settings, instruments: Sequence[Instrument], most: int = 8
) -> list[str]:
    """Sentences about series that are there and not read; none if all are.

    Parameters
    ----------
    names : iterable of str
        Series that were given.
    settings : Settings
    instruments : sequence of Instrument
    most : int
        Names spelled out; the rest is counted.
    """
    given = sorted(names)
    read = series_read(settings, instruments)
    idle = [name for name in given if name not in read]
    if not idle:
        return []
    shown = ", ".join(idle[:most]) + (f" and {len(idle) - most} more" if len(idle) > most else "")
    why = "" if len(idle) < len(given) else "no market asks for one of them"
    if settings.carry_source != "class":
        why = f"carry_source is {settings.carry_source}, set carry_source=class to use them"
    if len(idle) < len(given):
        read_text = f"macro series: {len(given) - len(idle)} of {len(given)} are read, not {shown}"
        return [f"{read_text}: {why}" if why else read_text]
    return [f"macro series: none of {len(given)} is read ({shown}): {why}"]
