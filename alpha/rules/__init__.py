"""All rules: a further one is one file in this folder and one line here."""

from __future__ import annotations

from alpha.rules.breakout import BreakoutRule
from alpha.rules.calendar import CalendarRule
from alpha.rules.cross_section import CrossSectionRule
from alpha.rules.direction import DirectionRule
from alpha.rules.directional import DirectionalRule
from alpha.rules.ewmac import EwmacRule
from alpha.rules.relative_value import RelativeValueRule
from alpha.rules.rule import Rule, Style, registered
from alpha.rules.smoothed import SmoothedRule
from alpha.rules.tsmom import TsmomRule

RULES: tuple[type[Rule], ...] = registered(
    TsmomRule,
    EwmacRule,
    BreakoutRule,
    SmoothedRule,
    CrossSectionRule,
    RelativeValueRule,
    CalendarRule,
    DirectionalRule,
    DirectionRule,
)


def rules_of(style: Style) -> dict[str, type[Rule]]:
    """The rules of a style by name."""
    return {rule.NAME: rule for rule in RULES if style == rule.STYLE}
