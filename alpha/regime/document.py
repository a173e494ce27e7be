"""What training leaves: a versioned text of models, with what they were made from (A8)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from alpha.regime.features import NAMES
from alpha.regime.models import ModelError, Predictor, RegimeModel
from universe.arrays import FloatArray

VERSION: Final = 1


class RegimeDocumentError(ValueError):
    """A document that does not fit; the sentence says why, and no model comes of it."""


@dataclass(frozen=True, slots=True)
class RegimeDocument:
    """Models in the order in which they are preferred, and their making.

    Attributes
    ----------
    trained : int
        Epoch day of the session it was trained after; it counts from the next one.
    first, last : int
        Epoch days of the training window.
    data : str
        Hash of the rows and labels it was trained on.
    settings : dict of str to str
        Everything chosen that it depends on.
    thresholds : dict of str to float
    base_rate : float
    models : tuple of RegimeModel
        The first whose features are all known today speaks.
    notes : tuple of str
        Features that were left out, with the reason.
    """

    trained: int
    first: int
    last: int
    data: str
    settings: dict[str, str]
    thresholds: dict[str, float]
    base_rate: float
    models: tuple[RegimeModel, ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The document as JSON with a checksum; reads back to the same numbers."""
        body: dict[str, Any] = {
            "version": VERSION,
            "trained": self.trained,
            "first": self.first,
            "last": self.last,
            "data": self.data,
            "settings": self.settings,
            "thresholds": {k: v if np.isfinite(v) else None for k, v in self.thresholds.items()},
            "base_rate": self.base_rate,
            "models": [model.as_dict() for model in self.models],
            "notes": list(self.notes),
        }
        return json.dumps({"checksum": _checksum(body), **body}, allow_nan=False)


def read_document(text: str, settings: Mapping[str, str], day: int) -> RegimeDocument:
    """A document for use on ``day``.

    Parameters
    ----------
    text : str
    settings : mapping of str to str
        Those in force; others refuse the document.
    day : int
        Epoch day of the session that it is to speak on.

    Raises
    ------
    RegimeDocumentError
        If it is damaged, of another version or other settings, from the future, or has a feature
        that is not known here.
    """
    try:
        body = json.loads(text)
        fits = body.pop("checksum") == _checksum(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegimeDocumentError("regime model: the document is not readable") from error
    if body.get("version") != VERSION:
        raise RegimeDocumentError(
            f"regime model: version {body.get('version')}, this program reads {VERSION}"
        )
    if not fits:
        raise RegimeDocumentError("regime model: the document was changed after it was written")
    try:
        document = _document(body)
    except ModelError as error:
        raise RegimeDocumentError(f"regime {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RegimeDocumentError("regime model: the document is not readable") from error
    changed = [k for k, v in settings.items() if document.settings.get(k) != v]
    if changed:
        raise RegimeDocumentError(
            f"regime model: trained under other settings ({', '.join(sorted(changed))})"
        )
    if document.trained >= day:
        raise RegimeDocumentError("regime model: trained on or after the session it is to speak on")
    unknown = {name for model in document.models for name in model.features} - set(NAMES)
    if unknown or not document.models:
        raise RegimeDocumentError(
            f"regime model: features that are not known here ({', '.join(sorted(unknown))})"
            if unknown
            else "regime model: the document holds no model"
        )
    return document


def _document(body: Mapping[str, Any]) -> RegimeDocument:
    limits = {k: np.inf if v is None else float(v) for k, v in body["thresholds"].items()}
    return RegimeDocument(
        int(body["trained"]),
        int(body["first"]),
        int(body["last"]),
        str(body["data"]),
        {str(k): str(v) for k, v in body["settings"].items()},
        limits,
        float(body["base_rate"]),
        tuple(RegimeModel.from_dict(one) for one in body["models"]),
        tuple(str(note) for note in body["notes"]),
    )


class Voice:
    """Speaks for a document: the probability of today's row by the first model that has it all.

    Parameters
    ----------
    document : RegimeDocument
    """

    def __init__(self, document: RegimeDocument) -> None:
        self.document = document
        self._predictors = [Predictor(model) for model in document.models]
        self._columns = [
            np.array([NAMES.index(name) for name in model.features]) for model in document.models
        ]

    def probability(self, row: FloatArray) -> tuple[float, str]:
        """Probability for a row over all features, and what is missing.

        Returns
        -------
        probability : float
            NaN where no model has all of its features.
        reason : str
            "" where the first model spoke.
        """
        missing = ""
        for predictor, columns in zip(self._predictors, self._columns, strict=True):
            values = row[columns]
            if np.all(np.isfinite(values)):
                return predictor.probability(values), missing
            names = [NAMES[c] for c in columns[~np.isfinite(values)].tolist()]
            missing = missing or f"without {', '.join(names)}"
        return float("nan"), missing

    def explain(self, row: FloatArray) -> dict[str, float]:
        """Shapley values in log-odds of the model that speaks, by feature; empty if none does."""
        for predictor, columns in zip(self._predictors, self._columns, strict=True):
            if np.all(np.isfinite(row[columns])):
                values, _ = predictor.explain(row[None, columns])
                return dict(zip(predictor.model.features, values[0].tolist(), strict=True))
        return {}


def _checksum(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
