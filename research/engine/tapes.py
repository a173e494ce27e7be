"""Where the tape of a run is kept, and what it depends on."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from algorithm.observer import Observer, data_settings
from algorithm.settings import Settings
from research.data.array_file import Cache
from research.data.dataset import Dataset
from research.engine.feed import Feed, runs
from research.engine.moment import Moment, observed
from research.engine.tape import Tape, TapeWriter, layout

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "algorithm/observer.py",
    "alpha",
    "portfolio/caps.py",
    "portfolio/cash.py",
    "portfolio/covariance.py",
    "research/engine/feed.py",
    "research/engine/moment.py",
    "research/engine/tape.py",
    "risk/history.py",
    "risk/var.py",
    "universe",
)
"""Modules and packages that decide what is on a tape."""


def moments(
    dataset: Dataset, settings: Settings, feed: Feed, observer: Observer
) -> Iterator[Moment]:
    """The sessions of a run, in order.

    With a cache they are read from the tape of this data and these settings, or observed and
    written to it; without one they are observed.

    Parameters
    ----------
    dataset : Dataset
        Says by ``cache`` where tapes are.
    settings : Settings
    feed : Feed
        Of the dataset.
    observer : Observer
        Before its first session.
    """
    if dataset.cache is not None:
        kept, key = Cache(dataset.cache), tape_key(dataset, settings, feed)
        entry = kept.read(key)
        if entry is not None and Tape.fits(entry, feed):
            return Tape(entry, feed, observer).walk()
        writer = kept.writer(key, layout(observer, len(feed.days)))
        if writer is not None:
            return TapeWriter(observer, feed, writer).walk()
    return (moment for run in runs(feed) for moment in observed(observer, run))


def tape_key(dataset: Dataset, settings: Settings, feed: Feed) -> str:
    """Hash of all that a tape depends on but its last day: a longer tape serves a shorter run."""
    parts = {
        "data": dataset.fingerprint(),
        "instruments": [repr(history.instrument) for history in dataset.markets.values()],
        "first": int(feed.days[0]),
        "settings": data_settings(settings),
        "code": code_hash(),
    }
    text = json.dumps(parts, sort_keys=True)
    return f"tape-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


@cache
def code_hash() -> str:
    """SHA-256 of the code that makes a tape, with the numpy and the kind of processor it uses."""
    digest = hashlib.sha256(f"{np.__version__} {platform.machine()}".encode())
    for name in CODE:
        place = ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
