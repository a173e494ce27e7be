"""Which alpha model speaks for which sleeve."""

from types import SimpleNamespace

import numpy as np
import pytest

from alpha.lean_alpha import CarryAlphaModel, OtherAlphaModel, TrendAlphaModel
from alpha.rules.rule import Style

STYLES = {
    "trend": Style.TREND,
    "carry": Style.CARRY,
    "calendar": Style.CARRY,
    "direction": Style.OTHER,
}


def context(due=True):
    decision = SimpleNamespace(
        forecasts=dict.fromkeys(STYLES, np.array([1.0])),
        snapshot=SimpleNamespace(n_markets=1, price=np.array([50.0]), basis=np.array([2.0])),
    )
    forecasts = SimpleNamespace(
        styles=STYLES,
        cap=2.0,
        on_spreads=lambda sleeve: sleeve == "calendar",
        is_neutral=lambda sleeve: False,
    )
    return SimpleNamespace(
        strategy=SimpleNamespace(forecasts=forecasts, day=1),
        due=due,
        through=lambda stage: decision,
        held_symbol=lambda market: "contract",
    )


@pytest.mark.parametrize(
    ("model", "sleeves"),
    [
        (TrendAlphaModel, ["trend"]),
        (CarryAlphaModel, ["carry", "calendar"]),
        (OtherAlphaModel, ["direction"]),
    ],
)
def test_every_sleeve_has_the_model_of_its_style(model, sleeves):
    found = model(context()).update(None, None)
    assert [insight.source_model for insight in found] == sleeves
    told = [insight.source_model for insight in found if insight.magnitude is not None]
    assert told == [sleeve for sleeve in sleeves if sleeve == "carry"]
    assert model(context(due=False)).update(None, None) == []
