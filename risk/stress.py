"""Stress tests of the portfolio held: bespoke shocks, broken correlations, reverse stress (R5).

Positions are held still and lose their exposure times the move; a stress is an answer to "what if
tomorrow", not a forecast. Replays of past episodes are in ``risk.replay``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from risk.var import VarModel, quantile
from universe.arrays import FloatArray
from universe.counts import count_text
from universe.instruments import AssetClass

DOLLAR_INDEX = "DX"
OIL = ("crude", "refined product")
"""Sectors that an oil shock moves; products follow crude one for one."""


class Driven(Protocol):
    """What a shock asks of a market: an instrument, or what a run's record keeps of it."""

    @property
    def code(self) -> str:
        """Key of the market."""

    @property
    def asset_class(self) -> str:
        """Its class, a value of ``AssetClass``."""

    @property
    def sector(self) -> str:
        """Its sector."""

    @property
    def currency(self) -> str:
        """Of its quote."""

    @property
    def duration(self) -> float:
        """Modified duration in years, 0 where it is no rate."""


@dataclass(frozen=True, slots=True)
class StressResult:
    """What one stress would do to the portfolio.

    Attributes
    ----------
    name : str
    profit : float
        Of the portfolio over NAV, negative for a loss; NaN if a position's part is unknown and
        ``unknown`` names it, so that a sum without it never passes for the whole.
    parts : float array of shape (n_markets,)
        By market, adding up to ``profit``; NaN where unknown.
    worst : float
        Lowest profit on the way, at most 0 and at most ``profit``; the same where there is no way.
    unknown : tuple of int
        Positions of held markets without a move.
    remarks : tuple of str
        Such as which market stood in for which.
    """

    name: str
    profit: float
    parts: FloatArray
    worst: float
    unknown: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shock:
    """Moves of the markets' drivers at once; what is 0 does not move.

    Attributes
    ----------
    name : str
    yields : float
        Parallel shift of all yields, 0.01 for 100 basis points.
    equity, volatility, oil : float
        Relative moves of prices.
    dollar : float
        Relative move of the dollar against every other currency.
    """

    name: str
    yields: float = 0.0
    equity: float = 0.0
    volatility: float = 0.0
    oil: float = 0.0
    dollar: float = 0.0


SHOCKS = (
    Shock("rates +100 bp", yields=0.01),
    Shock("rates -100 bp", yields=-0.01),
    Shock("equities -20 %", equity=-0.20),
    Shock("volatility +60 %", volatility=0.60),
    Shock("oil -50 %", oil=-0.50),
    Shock("dollar +10 %", dollar=0.10),
    Shock("dollar -10 %", dollar=-0.10),
    Shock("equities -20 %, volatility +60 %, rates -100 bp", -0.01, -0.20, 0.60),
    Shock("equities -20 %, rates +100 bp, dollar +10 %", 0.01, -0.20, dollar=0.10),
)
"""The bespoke shocks: 000's, and the two ways in which they come together."""


def shock_moves(shock: Shock, instruments: Sequence[Driven]) -> FloatArray:
    """Relative price move of every market, of shape (n_markets,).

    Rates move by minus their duration times the shift, without convexity; a currency quoted in
    dollars by 1 / (1 + dollar) - 1, the dollar index by the dollar's move, a cross not at all.
    Volatility futures take the whole move of the index, which their betas below one would dampen.
    """
    return np.array([_move(shock, instrument) for instrument in instruments])


def _move(shock: Shock, instrument: Driven) -> float:
    match instrument.asset_class:
        case AssetClass.BOND:
            return -instrument.duration * shock.yields
        case AssetClass.EQUITY:
            return shock.equity
        case AssetClass.VOLATILITY:
            return shock.volatility
        case AssetClass.ENERGY:
            return shock.oil if instrument.sector in OIL else 0.0
        case AssetClass.FX:
            if instrument.code == DOLLAR_INDEX:
                return shock.dollar
            return 1.0 / (1.0 + shock.dollar) - 1.0 if instrument.currency == "USD" else 0.0
        case _:
            return 0.0


def apply_moves(
    name: str, exposure: FloatArray, moves: FloatArray, remarks: tuple[str, ...] = ()
) -> StressResult:
    """Profit of ``exposure`` under relative moves.

    Parameters
    ----------
    name : str
    exposure : float array of shape (n_markets,)
        Signed exposure over NAV of the positions held.
    moves : float array of shape (n_markets,)
        NaN where unknown.
    remarks : tuple of str
    """
    parts = np.where(exposure != 0, exposure * moves, 0.0)
    unknown = tuple(np.flatnonzero(~np.isfinite(parts)).tolist())
    profit = float(parts.sum())
    return StressResult(name, profit, parts, min(profit, 0.0), unknown, remarks)


def bespoke_moves(
    instruments: Sequence[Driven], shocks: Sequence[Shock] = SHOCKS
) -> dict[str, FloatArray]:
    """Moves of all markets by shock."""
    return {shock.name: shock_moves(shock, instruments) for shock in shocks}


def bespoke(exposure: FloatArray, moves: Mapping[str, FloatArray]) -> list[StressResult]:
    """All shocks on one portfolio of markets held outright.

    Raises
    ------
    ValueError
        If there are not as many exposures as moves.
    """
    for name, one in moves.items():
        if len(exposure) != len(one):
            raise ValueError(
                f"exposure has {count_text(len(exposure), 'market')}; it must have {len(one)}, as "
                f"{name} has moves"
            )
    return [apply_moves(name, exposure, one) for name, one in moves.items()]


def correlation_to_one(model: VarModel, exposure: FloatArray, horizon: int) -> StressResult:
    """Every market moves against its position at once, each by its own VaR.

    The quantile of the model's law times the sum of the markets' volatilities: no position hedges
    another. An exposure of unknown volatility has an unknown part.
    """
    scale = quantile(model.confidence, model.tail) * np.sqrt(horizon)
    sigma = np.where(model.sigma_daily > 0, model.sigma_daily, np.nan)
    return apply_moves("correlation to one", exposure, -np.sign(exposure) * scale * sigma)


def liquidity(exposure: FloatArray, cost: FloatArray, factor: float = 5.0) -> StressResult:
    """Closing the whole book at once at ``factor`` times its usual cost.

    Parameters
    ----------
    exposure : float array of shape (n_markets,)
    cost : float array of shape (n_markets,)
        Usual cost of closing the position (half spread, impact, fees) over NAV, at least 0.
    factor : float

    Raises
    ------
    ValueError
        If a cost is negative or the factor below 1.
    """
    if factor < 1.0 or np.any(cost < 0):
        raise ValueError(
            f"factor is {factor:g} and the least cost {np.nanmin(cost):g}; they must be at least 1 "
            "and 0"
        )
    parts = np.where(exposure != 0, -factor * cost, 0.0)
    unknown = tuple(np.flatnonzero(~np.isfinite(parts)).tolist())
    profit = float(parts.sum())
    return StressResult(f"liquidity x{factor:g}", profit, parts, profit, unknown)


@dataclass(frozen=True, slots=True)
class ReverseStress:
    """The likeliest move that loses a given share of NAV.

    Attributes
    ----------
    loss : float
        Positive fraction of NAV.
    moves : float array of shape (n_markets,)
        Relative price moves, also of markets that are not held.
    distance : float
        Length of the move in the metric of the one-day covariance: daily standard deviations of
        the portfolio; infinite when no move loses that much.
    parts : float array of shape (n_markets,)
        Profit by market, adding up to -loss.
    """

    loss: float
    moves: FloatArray
    distance: float
    parts: FloatArray


def reverse_stress(model: VarModel, exposure: FloatArray, loss: float) -> ReverseStress:
    """Smallest move in the covariance metric that loses ``loss``.

    min r' S^-1 r subject to e'r = -loss has the solution r = -loss S e / (e'Se) and the length
    loss / sqrt(e'Se): the mean of all moves that lose so much, where moves are elliptical.

    Parameters
    ----------
    model : VarModel
    exposure : float array of shape (n_markets,)
    loss : float
        Positive fraction of NAV.

    Raises
    ------
    ValueError
        If the loss is not a positive number.
    """
    if not (np.isfinite(loss) and loss > 0):
        raise ValueError(f"loss is {loss:g}; it must be a positive fraction of NAV")
    spread = model.cov_daily @ exposure
    variance = float(exposure @ spread)
    if not variance > 0:
        nothing = np.zeros(len(exposure))
        return ReverseStress(loss, nothing, float("inf"), nothing)
    moves = -loss * spread / variance
    return ReverseStress(loss, moves, loss / float(np.sqrt(variance)), exposure * moves)
