"""Whether what a killed run has left in its store can be read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from algorithm.state import orders_keys, sent_keys, state_keys
from algorithm.state_document import StateError, opened
from research.rehearsal.parts import STORE

DEPLOYMENT = "trend-carry"


def damage(folder: Path) -> str:
    """The documents of the store that cannot be read, by name, "" for none."""
    store = folder / STORE
    orders, plans = orders_keys(DEPLOYMENT)
    broken = []
    for key in (*state_keys(DEPLOYMENT), *orders, *plans, *sent_keys(DEPLOYMENT)):
        path = store / key
        if path.is_file():
            try:
                opened(path.read_text(encoding="utf-8"), frozenset())
            except (StateError, ValueError):
                broken.append(path.name)
    for path in sorted(store.rglob("*.gz")):
        try:
            gzip.decompress(path.read_bytes())
        except (OSError, EOFError, ValueError, zlib.error):
            broken.append(path.name)
    return ", ".join(broken)
