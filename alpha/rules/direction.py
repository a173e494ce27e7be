"""Market direction of equity indices as a sleeve of its own (004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.direction.sleeve import COLUMNS, Direction
from alpha.direction.votes import AGES
from alpha.rules.rule import Inputs, Note, Rule, Style, View
from universe.arrays import FloatArray
from universe.instruments import AssetClass
from universe.setting import SettingsError, Table, setting


@dataclass(frozen=True)
class DirectionSettings(Table):
    """Which markets, and when the index is levered."""

    direction_markets: str = setting(
        "FESX", "equity index futures of the direction sleeve, parted by blanks"
    )
    direction_calm: float = setting(
        0.15, "annual volatility below which an upward market is held twice", low=0.0, high=1.0
    )
    direction_moderate: float = setting(
        0.20, "annual volatility below which it is held one and a half times", low=0.0, high=1.0
    )
    direction_levy: float = setting(
        0.00015,
        "levy on trades in the sleeve's markets, one for both legs of a roll (004)",
        unit="of the value traded",
        low=0.0,
        high=0.01,
    )
    direction_reset: float = setting(
        0.25,
        "fall of the levered index within a session that ends its leverage",
        low=0.05,
        high=1.0,
    )

    def validate(self) -> None:
        """Refuse no market, and one named twice."""
        names = self.direction_markets.split()
        if not names or len(set(names)) < len(names):
            raise SettingsError(
                f"direction_markets is {self.direction_markets!r}; it must name different markets"
            )

    @property
    def levies(self) -> dict[str, float]:
        """Levy by market, of those that the sleeve trades."""
        if DirectionRule.NAME not in getattr(self, "other_rules", "").split():
            return {}
        return dict.fromkeys(self.direction_markets.split(), self.direction_levy)


class DirectionRule(Rule):
    """004's exposure: long, short or out, levered in calm upward markets."""

    NAME, SLEEVE, STYLE = "direction", "direction", Style.OTHER
    MEANING = "macro, fundamental and technical votes on equity indices, by market phase"
    SETTINGS = DirectionSettings
    SERIES = tuple(AGES)
    FULL = 2.0

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        settings = inputs.settings
        codes = [instrument.code for instrument in inputs.instruments]
        names = settings.direction_markets.split()
        self._markets = [codes.index(name) for name in names if name in codes]
        for market in self._markets:
            instrument = inputs.instruments[market]
            if instrument.asset_class != AssetClass.EQUITY:
                raise SettingsError(
                    f"direction_markets names {instrument.code}, of class "
                    f"{instrument.asset_class}; it must name futures of equity indices"
                )
        self._absent = [name for name in names if name not in codes]
        self.direction = Direction(
            len(self._markets),
            settings.direction_calm,
            settings.direction_moderate,
            settings.direction_reset,
        )

    def components(self) -> dict[str, Any]:
        """Exposures and records."""
        return {f"{self.NAME}{tail}": part for tail, part in self.direction.components().items()}

    def update(self, view: View) -> list[Note]:
        """Take a session."""
        notes = [(-1, self.NAME, f"{name} is not traded: no direction") for name in self._absent]
        self._absent = []
        own = self._markets
        seen = view.seen
        said = self.direction.take(
            view.day, seen.seen[own], seen.ret[own], view.macro.latest, seen.low[own]
        )
        return notes + [(own[number], self.NAME, text) for number, text in said]

    def signal(self, view: View) -> FloatArray:
        """The exposure of the sleeve's markets, capped; NaN for all others."""
        cap = self.inputs.settings.forecast_cap
        return self._spread_out(np.clip(self.direction.exposure, -cap, cap))

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Phase, transition, uncertainty, the three indicators and the allocation."""
        return {
            name: self._spread_out(column)
            for name, column in zip(COLUMNS, self.direction.known.T, strict=True)
        }

    def _spread_out(self, own: FloatArray) -> FloatArray:
        out = np.full(len(self.inputs.instruments), np.nan)
        out[self._markets] = own
        return out
