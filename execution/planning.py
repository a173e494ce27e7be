"""What becomes of a parent order under the settings: algorithm, curve, limits and collar (E1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite, sqrt
from typing import Protocol

import numpy as np

from execution.schedules import (
    Algorithm,
    decay,
    horizon_curve,
    learned_profile,
    linear_impact,
    open_curve,
    shortfall_curve,
    twap_curve,
    vwap_curve,
)
from execution.urgency import best_share
from execution.worker import Plan
from universe.arrays import FloatArray, IntArray
from universe.instruments import Instrument


class PlanSettings(Protocol):
    """The settings that a plan rests on, see ``execution.settings``."""

    @property
    def impact(self) -> float:
        """Of the square-root law."""

    @property
    def participation(self) -> float:
        """Cap of POV."""

    @property
    def passive_share(self) -> float:
        """Share of the session with limits."""

    @property
    def collar_ticks(self) -> float:
        """Width of the collar."""

    @property
    def collar_sigma(self) -> float:
        """Width of the collar."""

    @property
    def shortfall_aversion(self) -> float:
        """Risk aversion."""

    @property
    def signal_edge(self) -> float:
        """What a signal promises over its life."""

    def algorithm_of(self, instrument: Instrument, quantity: int) -> Algorithm:
        """By size and class."""


def _none() -> FloatArray:
    return np.zeros((0, 0))


@dataclass(frozen=True, slots=True)
class Past:
    """Volume by minute of past sessions of the same length.

    Attributes
    ----------
    volumes : float array of shape (sessions, minutes)
    weekday : int array of shape (sessions,)
    """

    volumes: FloatArray = field(default_factory=_none)
    weekday: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one contract on the day of its parent.

    Attributes
    ----------
    tick : float
        Price variation.
    sigma : float
        Daily volatility in price, NaN if unknown.
    point_value : float
        Account currency per 1.0 of price and contract.
    weekday : int
        Of the session, Monday 0.
    forced : bool
        Whether an expiry forces the parent.
    impact_sigma : float
        Daily volatility in price that the impact of orders is a multiple of, NaN for no impact.
    half_life : float
        Sessions after which half of the signal behind the parent is gone; infinite without one.
    """

    tick: float
    sigma: float
    point_value: float
    weekday: int
    forced: bool = False
    impact_sigma: float = float("nan")
    half_life: float = inf


def plan_of(
    settings: PlanSettings,
    instrument: Instrument,
    quantity: int,
    minutes: int,
    terms: Terms,
    past: Past | None = None,
) -> tuple[Algorithm, Plan]:
    """The algorithm of a parent and its plan.

    Parameters
    ----------
    settings : PlanSettings
    instrument : Instrument
    quantity : int
        Contracts, bought positive.
    minutes : int
        In which children may be sent.
    terms : Terms
    past : Past, optional
        For VWAP; without any it is TWAP.

    Notes
    -----
    What an expiry forces follows the curve of its algorithm, TWAP in place of POV, and crosses.
    """
    algorithm = settings.algorithm_of(instrument, quantity)
    if algorithm is Algorithm.POV and not terms.forced:
        curve = open_curve(minutes)  # not followed: the volume is
        cap = settings.participation
    else:
        curve = _curve(algorithm, settings, instrument, quantity, minutes, terms, past)
        cap = 0.0
    sigma = terms.sigma if isfinite(terms.sigma) else 0.0
    passive = 0.0 if terms.forced or algorithm is Algorithm.OPEN else settings.passive_share
    return algorithm, Plan(
        curve,
        terms.tick,
        cap,
        passive,
        settings.collar_ticks,
        settings.collar_sigma,
        sigma,
        terms.forced,
        minute_impact(settings, instrument, minutes, terms),
    )


def minute_impact(
    settings: PlanSettings, instrument: Instrument, minutes: int, terms: Terms
) -> float:
    """Impact of a child of one contract in a session of so many minutes, in price.

    The square-root law of ``execution.costs`` at the rate of trading: so many contracts in a minute
    are a participation of contracts·minutes / daily volume. A parent spread evenly over the session
    pays what the law says of it whole; one that is sent at once, √minutes times that.
    """
    sigma = terms.impact_sigma if isfinite(terms.impact_sigma) else 0.0
    return settings.impact * sigma * sqrt(minutes / instrument.adv_contracts)


def _curve(
    algorithm: Algorithm,
    settings: PlanSettings,
    instrument: Instrument,
    quantity: int,
    minutes: int,
    terms: Terms,
    past: Past | None,
) -> FloatArray:
    if algorithm is Algorithm.OPEN:
        return open_curve(minutes)
    if algorithm is Algorithm.VWAP and past is not None and past.volumes.shape[1:] == (minutes,):
        return vwap_curve(learned_profile(past.volumes, past.weekday, terms.weekday))
    if algorithm is Algorithm.HORIZON:
        size = abs(quantity) / instrument.adv_contracts
        known = settings.impact, settings.signal_edge, terms.half_life
        return horizon_curve(minutes, best_share(size, *known, minutes))
    if algorithm is Algorithm.SHORTFALL:
        kappa = _kappa(settings, instrument, quantity, minutes, terms)
        return open_curve(minutes) if kappa is None else shortfall_curve(minutes, kappa)
    return twap_curve(minutes)


def _kappa(
    settings: PlanSettings, instrument: Instrument, quantity: int, minutes: int, terms: Terms
) -> float | None:
    """Decay per minute; 0 without risk, None (all at once) without impact."""
    if not settings.shortfall_aversion or not terms.sigma > 0:
        return 0.0
    eta = linear_impact(quantity, minutes, settings.impact, terms.sigma, instrument.adv_contracts)
    if not eta > 0:
        return None
    sigma = terms.sigma / sqrt(minutes)
    money = terms.point_value
    return decay(settings.shortfall_aversion, sigma * money, eta * money)
