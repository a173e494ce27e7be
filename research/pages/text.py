"""Numbers and dates as reports and tables print them."""

from __future__ import annotations

import math

from research.engine.result import RunResult
from universe.arrays import from_epoch_day

NONE = "–"
CURRENCY = "USD"
"""The account currency of all engines here."""

SYNTHETIC = "synthetic market"
"""The label of every table and figure of a run on simulated prices."""


def percent(value: float, digits: int = 1) -> str:
    """A fraction as per cent, a dash where it is not a number."""
    return f"{signed(100.0 * value, digits)} %" if math.isfinite(value) else NONE


def signed(value: float, digits: int = 2) -> str:
    """A number with thousands separators and a true minus; no minus before a rounded zero."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0 else "−" + text[1:]
    return text


def money(value: float) -> str:
    """Money in millions, whole units below one million, powers of ten beyond a million millions."""
    if not math.isfinite(value):
        return NONE
    if abs(value) >= 1e12:
        return f"{value:.0e}".replace("e+", "e").replace("-", "−")
    if abs(value) >= 1e6:
        return f"{signed(value / 1e6, 1)} m"
    return signed(value, 0)


def day_text(epoch_day: int | None) -> str:
    """ISO date, a dash for none."""
    return NONE if epoch_day is None else from_epoch_day(epoch_day).isoformat()


def titled(result: RunResult, title: str) -> str:
    """A title that says so where the market is synthetic."""
    return f"{title} [{SYNTHETIC}]" if result.synthetic and SYNTHETIC not in title else title


def data_text(result: RunResult) -> str:
    """Name of the data, which says so where the market is synthetic."""
    return titled(result, result.data_name)


def source_text(result: RunResult) -> str:
    """Which data, engine and settings made the numbers."""
    return (
        f"{data_text(result)}, {result.engine} engine, settings {result.settings_hash}, "
        f"data {result.data_hash[:12]}"
    )
