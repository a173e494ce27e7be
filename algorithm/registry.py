"""What acts in the chain: a further exposure scale or risk stage is one file and one line here.

Rules have a registry of their own, ``alpha.rules``.
"""

from __future__ import annotations

from alpha.scale import ExposureScale
from risk.book import Protection
from risk.gate import VarGate
from risk.governor import DrawdownGovernor

SCALES: tuple[type[ExposureScale], ...] = (DrawdownGovernor,)
"""Their product scales the fractional target; the order has no effect."""

PROTECTIONS: tuple[type[Protection], ...] = (VarGate,)
"""In this order, on whole contracts; the VaR gate stays last."""
