"""Average daily volume of every contract as of any session of a dataset (E2)."""

from __future__ import annotations

from functools import partial

import numpy as np

from execution.contract_volume import SESSIONS, VolumeOf
from research.data.dataset import Dataset
from universe.arrays import FloatArray, IntArray
from universe.legs import ContractKey


class VolumeHistory:
    """What ``execution.contract_volume.ContractVolumes`` knows after every session.

    Parameters
    ----------
    dataset : Dataset
        Its importer decides whether there are volumes; some formats have none.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._histories = list(dataset.markets.values())
        self._found: dict[ContractKey, tuple[IntArray, FloatArray]] = {}

    def at(self, day: int) -> VolumeOf:
        """As of the close of a session, epoch day."""
        return partial(self._mean, day)

    def _mean(self, day: int, market: int, month: int) -> float:
        if market >= len(self._histories):  # a second size has no data of its own
            return float("nan")
        key = market, month
        if key not in self._found:
            self._found[key] = self._rows(key)
        days, volumes = self._found[key]
        end = int(np.searchsorted(days, day, side="right"))
        return float(volumes[max(end - SESSIONS, 0) : end].mean()) if end else float("nan")

    def _rows(self, key: ContractKey) -> tuple[IntArray, FloatArray]:
        history = self._histories[key[0]]
        its = (history.contract_month[history.contract] == key[1]) & (history.volume > 0)
        return history.day[its], history.volume[its]
