from types import SimpleNamespace

import pytest

from algorithm.decision_line import events_of
from algorithm.registry import PROTECTIONS, SCALES, check_components
from algorithm.walk import Stage, chain_of
from risk.book import Protection


def test_scales_and_risk_stages_have_names_of_their_own():
    governor = type("Another", (SCALES[0],), {})
    with pytest.raises(ValueError, match="DrawdownGovernor and Another are both named 'governor'"):
        check_components([*SCALES, *PROTECTIONS, governor])


def test_state_names_the_settings_it_depends_on():
    stage = type("Stage", (Protection,), {"NAME": "mine", "STATE": ("count",)})
    with pytest.raises(ValueError, match="Stage has STATE and no DEPENDS"):
        check_components([stage])


def test_stages_of_a_chain_have_names_of_their_own():
    stage = Stage("trade", "risk", print)
    assert chain_of(stage) == (stage,)
    with pytest.raises(ValueError, match="two stages of the chain are named 'trade'"):
        chain_of(stage, Stage("protect", "risk", print), Stage("trade", "risk", print))


def test_notes_keep_their_kind_and_name_no_market_that_is_not_theirs():
    notes = [(1, "outlier", "held back"), (1, "flip", "turned"), (1, "mine", "of a rule")]
    decision = SimpleNamespace(
        day=20_000,
        snapshot=SimpleNamespace(rolls=[], notes=notes),
        notes=[(-1, "regime", "trained"), (-1, "cap", "class fx"), (0, "cap", "ES")],
        target=SimpleNamespace(reasons=()),
        contract_steps=(),
        verdicts=(),
    )
    found = [(e.kind, e.market, e.detail) for e in events_of(decision, ["ES", "ZN"], [])]
    assert found == [
        ("data", "ZN", "held back"),
        ("flip", "ZN", "turned"),
        ("mine", "ZN", "of a rule"),
        ("regime", "", "trained"),
        ("cap", "", "class fx"),
        ("cap", "ES", "ES"),
    ]
