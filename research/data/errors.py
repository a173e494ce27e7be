"""The error of data that cannot be imported at all; lesser faults become ``DataIssue`` records."""

from __future__ import annotations


class DataError(ValueError):
    """Data that cannot be read, in a sentence naming the file, the problem and what is expected."""
