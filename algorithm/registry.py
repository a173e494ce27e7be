"""What acts in the chain: a further exposure scale or risk stage is one file and one line here.

Rules have a registry of their own, ``alpha.rules``.
"""

from __future__ import annotations

from collections.abc import Iterable

from alpha.scale import ExposureScale
from risk.book import Protection
from risk.gate import VarGate
from risk.governor import DrawdownGovernor
from risk.leverage import LeverageScale
from risk.limit_stage import LimitStage
from risk.regime import RegimeScale
from risk.switch_stage import SwitchStage

SCALES: tuple[type[ExposureScale], ...] = (
    DrawdownGovernor,
    RegimeScale,
    LeverageScale,
)
"""Their product scales the fractional target; the order has no effect."""

PROTECTIONS: tuple[type[Protection], ...] = (LimitStage, VarGate, SwitchStage)
"""In this order, on whole contracts: what cuts ends with the VaR gate, the kill switch rules on the
rest."""


def check_components(components: Iterable[type[ExposureScale] | type[Protection]]) -> None:
    """Refuse what the log, the record, the report or the state would not tell apart.

    Raises
    ------
    ValueError
        If two have one name, or one has state and does not say which settings that depends on.
    """
    known: dict[str, str] = {}
    for component in components:
        if component.STATE and not hasattr(component, "DEPENDS"):
            raise ValueError(
                f"{component.__name__} has STATE and no DEPENDS; () if no setting changes it"
            )
        other = known.setdefault(component.NAME, component.__name__)
        if other != component.__name__:
            raise ValueError(
                f"{other} and {component.__name__} are both named {component.NAME!r}; names must"
                " differ"
            )


check_components([*SCALES, *PROTECTIONS])
