"""Parsed data kept under the hash of the files that it was read from.

Reading and checking the text of some dozens of files takes longer than mapping the arrays that come
out of it. What is kept stands for the files exactly: another byte in one of them, another market
asked for or another version of the code that reads them gives another key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.data.array_file import Cache, Entry
from research.data.dataset import DataIssue, Dataset, FxHistory, MarketHistory
from research.data.errors import DataError
from research.data.files import read_bytes
from universe.instruments import Instrument, InstrumentMaster

ROOT = Path(__file__).resolve().parents[2]
CODE = ("research/data", "universe")
"""Packages whose code decides what is made of the files."""

_FIELDS = tuple(spec.name for spec in fields(MarketHistory))[1:]


def kept(
    folder: Path,
    files: Iterable[Path],
    asked: Mapping[str, object],
    master: InstrumentMaster,
    load: Callable[[], Dataset],
) -> Dataset:
    """The data of some files: as they were kept, or read by ``load`` and kept.

    Parameters
    ----------
    folder : path
        Where parsed data are kept.
    files : iterable of path
        All that ``load`` reads.
    asked : mapping
        What else its result depends on, as JSON has it.
    master : InstrumentMaster
        Of which the instruments are.
    load : callable
        Its dataset has no macro series.
    """
    try:
        store, key = Cache(folder), data_key(files, asked, master)
    except DataError:
        return load()  # which says what is wrong
    entry = store.read(key)
    if entry is None:
        dataset = load()
        entry = _keep(store, key, dataset)
        if entry is None:
            return dataset
    return _restored(entry, master)


def data_key(files: Iterable[Path], asked: Mapping[str, object], master: InstrumentMaster) -> str:
    """Hash of the files' content and names and of all else that parsed data depend on."""
    digest = hashlib.sha256(code_hash().encode())
    digest.update(json.dumps(asked, sort_keys=True).encode())
    for instrument in master:
        digest.update(repr(instrument).encode())
    for path in sorted(files):
        digest.update(b"\0" + "/".join(path.parts[-2:]).encode() + b"\0")
        digest.update(hashlib.sha256(read_bytes(path, "a table of prices")).digest())
    return f"data-{digest.hexdigest()[:40]}"


@cache
def code_hash() -> str:
    """SHA-256 of the code that reads data."""
    digest = hashlib.sha256(np.__version__.encode())
    for name in CODE:
        for path in sorted((ROOT / name).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _arrays(dataset: Dataset) -> dict[str, NDArray[Any]]:
    out = {
        f"{code} {name}": getattr(history, name)
        for code, history in dataset.markets.items()
        for name in _FIELDS
    }
    for currency, history in dataset.fx.items():
        out |= {f"fx {currency} day": history.day, f"fx {currency} rate": history.rate}
    return out


def _keep(store: Cache, key: str, dataset: Dataset) -> Entry | None:
    arrays = _arrays(dataset)
    first: dict[int, str] = {}
    same = {name: first.setdefault(id(values), name) for name, values in arrays.items()}
    own = {name: values for name, values in arrays.items() if same[name] == name}
    writer = store.writer(key, {name: (v.dtype, v.shape) for name, v in own.items()})
    if writer is None:
        return None
    for name, values in own.items():
        writer.arrays[name][...] = values
    return writer.commit(
        {
            "name": dataset.name,
            "synthetic": dataset.synthetic,
            "markets": list(dataset.markets),
            "fx": list(dataset.fx),
            "issues": [(i.market, i.epoch_day, i.kind, i.detail) for i in dataset.issues],
            "same": {name: other for name, other in same.items() if name != other},
            "fingerprint": dataset.fingerprint(),
        }
    )


def _restored(entry: Entry, master: InstrumentMaster) -> Dataset:
    about, same = entry.about, entry.about["same"]

    def array(name: str) -> NDArray[Any]:
        return entry.arrays[same.get(name, name)]

    def history(code: str) -> MarketHistory:
        instrument: Instrument = master[code]
        return MarketHistory(instrument, *(array(f"{code} {name}") for name in _FIELDS))

    rates = {name: (array(f"fx {name} day"), array(f"fx {name} rate")) for name in about["fx"]}
    return Dataset(
        about["name"],
        about["synthetic"],
        {code: history(code) for code in about["markets"]},
        {currency: FxHistory(currency, *columns) for currency, columns in rates.items()},
        [DataIssue(*issue) for issue in about["issues"]],
    ).known_as(about["fingerprint"])
