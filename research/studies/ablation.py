"""What every part of the strategy adds: trend, carry, both, and the parts on top (V3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from algorithm.settings import Settings
from research.studies.study_row import StudyRequest

BASE = "trend + carry"
"""The arm that all others are compared with: both sleeves and nothing on top."""

OFF: Mapping[str, str] = {
    "governor": "0.99 1",
    "optimiser": "off",
    "regime": "false",
    "leverage": "false",
    "other_rules": "",
    "other_budget": "0",
    "var_limit": "1",
    "var_test": "absolute",
}
"""Settings under which a part on top of the sleeves never acts."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One line of the ablation.

    Attributes
    ----------
    name : str
    meaning : str
    on : tuple of str
        Settings of ``OFF`` that stay as the user has them; "*" is all.
    changes : mapping of str to str
        Other settings that differ.
    """

    name: str
    meaning: str
    on: tuple[str, ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)


ARMS = (
    Arm("trend", "the trend sleeve alone", changes={"trend_budget": "1"}),
    Arm("carry", "the carry sleeve alone", changes={"trend_budget": "0"}),
    Arm(BASE, "both sleeves, at their budgets"),
    Arm("+ governor", "both, gross exposure cut in a drawdown", on=("governor",)),
    Arm("+ regime", "both, less exposure in a bad regime; needs macro series", on=("regime",)),
    Arm(
        "+ direction",
        "both, and a tenth of risk to market direction; I and II need macro series",
        changes={"other_rules": "direction", "other_budget": "0.1"},
    ),
    Arm(
        "+ leverage",
        "both, less exposure where the optimal leverage of equities is low",
        changes={"leverage": "true"},
    ),
    Arm("+ gate", "both, under the VaR limit", on=("var_limit", "var_test")),
    Arm("+ optimiser", "both, the whole book by the optimiser", changes={"optimiser": "whole"}),
    Arm("everything", "the strategy as it is set", on=("*",)),
)
"""A line each; a part that is added gets its switch in ``OFF`` and a line here."""


def ablation_requests(settings: Settings) -> list[StudyRequest]:
    """The arms as configurations of a study."""
    chosen = settings.as_strings()
    requests = []
    for arm in ARMS:
        kept = OFF if arm.on == ("*",) else arm.on
        off = {name: value for name, value in OFF.items() if name not in kept}
        values = Settings.parse({**chosen, **off, **arm.changes})
        requests.append(StudyRequest(arm.name, values.as_strings()))
    return requests
