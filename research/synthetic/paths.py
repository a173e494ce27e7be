"""Random paths of the synthetic market: spot, carry and volatility of every market.

Everything is drawn over one fixed span of weekdays, from random streams named after what they
drive: the path of a market depends on the seed alone, not on which other markets are asked for or
which part of the span is kept.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from scipy.signal import lfilter

from research.synthetic.models import CRISES, Crisis, MarketModel
from universe.arrays import TRADING_DAYS, FloatArray, IntArray, to_epoch_day

FIRST, LAST = date(1990, 1, 1), date(2034, 12, 29)
"""The simulated span."""

CARRY_GIVEN_BACK = 0.4
"""Share of carry that the spot takes back on average; the rest is earned."""

_ANCHOR = to_epoch_day(date(2000, 1, 3))  # when the spot is at its level

_DT = 1.0 / TRADING_DAYS
_DEGREES = 5  # of Student's t
_TREND_YEARS = 0.5
_OWN_VOL, _GROUP_VOL = 0.22, 0.22  # stationary sd of log volatility
_VOL_PERSISTENCE = 0.985
_TREND_SHARED = 0.5
_REBOUND, _REBOUND_SESSIONS = 0.75, 380  # share of a crisis's move taken back, and in what time
_QUICK_REVERSION = 1.0  # of a spot that needs no such recovery


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of one purpose, independent of all others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@lru_cache(maxsize=1)
def weekdays() -> IntArray:
    """Epoch days of the span, Saturdays and Sundays left out."""
    day = np.arange(to_epoch_day(FIRST), to_epoch_day(LAST) + 1)
    return day[(day + 3) % 7 < 5]


@dataclass(frozen=True, slots=True)
class Path:
    """One market over the span.

    Attributes
    ----------
    log_spot : float array of shape (n_weekdays,)
        Logarithm of the spot, without seasons.
    carry : float array of shape (n_weekdays,)
        Deviation of the carry rate from its mean, per year.
    vol : float array of shape (n_weekdays,)
        Daily volatility in force.
    centre : float
        Level of ``log_spot`` to which it reverts.
    """

    log_spot: FloatArray
    carry: FloatArray
    vol: FloatArray
    centre: float


def autoregression(persistence: float, sd: float, shocks: FloatArray) -> FloatArray:
    """AR(1) of unit shocks, scaled to the stationary standard deviation ``sd``."""
    scale = sd * np.sqrt(1.0 - persistence**2)
    return np.asarray(lfilter([scale], [1.0, -persistence], shocks))


def fat_tails(rng: np.random.Generator, n: int) -> FloatArray:
    """Student's t of 5 degrees, scaled to unit variance."""
    return np.asarray(rng.standard_t(_DEGREES, n) * np.sqrt((_DEGREES - 2) / _DEGREES))


def _decay(half_life_years: float) -> float:
    return float(0.5 ** (_DT / half_life_years))


class World:
    """What markets have in common: shocks of the world and of classes, crises.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.day = weekdays()
        n = len(self.day)
        rng = stream(seed, "world")
        self._shock = fat_tails(rng, n)
        self._log_vol = autoregression(_VOL_PERSISTENCE, 0.12, rng.standard_normal(n))
        self._groups: dict[str, tuple[FloatArray, FloatArray, FloatArray]] = {}
        self._crises = [(crisis, *self._envelopes(crisis)) for crisis in CRISES]

    def _envelopes(self, crisis: Crisis) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Daily shares of a crisis's move and of the recovery, grip on volatility (0 to 1)."""
        since = np.arange(len(self.day)) - np.searchsorted(self.day, to_epoch_day(crisis.start))
        inside = (since >= 0) & (since < crisis.sessions)
        share = np.where(inside, np.sin(np.pi * (since + 0.5) / crisis.sessions), 0.0)
        share /= share.sum()
        grip = np.where(inside, np.sqrt(np.clip((since + 1) / crisis.sessions, 0, 1)), 0.0)
        after = since >= crisis.sessions
        grip[after] = np.exp(-(since[after] - crisis.sessions) / 45.0)
        recovery = after & (since < crisis.sessions + _REBOUND_SESSIONS)
        return share, np.where(recovery, _REBOUND / _REBOUND_SESSIONS, 0.0), grip

    def _group(self, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Shocks, log volatility and slow drift (unit sd) of a class."""
        if name not in self._groups:
            rng, n = stream(self.seed, f"class {name}"), len(self.day)
            self._groups[name] = (
                fat_tails(rng, n),
                autoregression(_VOL_PERSISTENCE, _GROUP_VOL, rng.standard_normal(n)),
                autoregression(_decay(_TREND_YEARS), 1.0, rng.standard_normal(n)),
            )
        return self._groups[name]

    def path(self, code: str, group: str, model: MarketModel) -> Path:
        """The path of a market that belongs to a class.

        Parameters
        ----------
        code : str
            Names the random stream.
        group : str
            Class whose shocks it shares.
        model : MarketModel

        Returns
        -------
        Path
        """
        rng, n = stream(self.seed, f"market {code}"), len(self.day)
        group_shock, group_vol, group_trend = self._group(group)
        own = fat_tails(rng, n)
        log_vol = self._log_vol + group_vol
        log_vol = log_vol + autoregression(_VOL_PERSISTENCE, _OWN_VOL, rng.standard_normal(n))
        carry_noise = rng.standard_normal(n)
        own_trend = autoregression(_decay(_TREND_YEARS), 1.0, rng.standard_normal(n))

        rest = np.sqrt(1.0 - model.world**2 - model.group**2)
        shock = model.world * self._shock + model.group * group_shock + rest * own
        drift = np.zeros(n)
        for crisis, share, recovery, grip in self._crises:
            direction = model.panic if crisis.kind == "panic" else model.inflation
            together = np.clip(0.7 * grip * abs(direction), 0.0, 0.7)
            side = -np.sign(direction)  # the world's shocks are those of risky assets
            shock = np.sqrt(1.0 - together**2) * shock + together * side * self._shock
            log_vol = log_vol + np.log1p(0.6 * crisis.depth * grip * min(abs(direction), 1.0))
            taken_back = 0.0 if model.reversion >= _QUICK_REVERSION else recovery
            drift += direction * crisis.depth * (share - taken_back)

        daily_vol = model.vol * np.sqrt(_DT) * np.exp(log_vol - 0.12)
        trend = np.sqrt(_TREND_SHARED) * group_trend + np.sqrt(1.0 - _TREND_SHARED) * own_trend
        mix = model.carry_spot
        carry = autoregression(
            _decay(model.carry_years),
            model.carry_sd * model.vol,
            mix * shock + np.sqrt(1.0 - mix**2) * carry_noise,
        )
        rate = (model.premium + model.trend * trend) * model.vol
        rate = rate - CARRY_GIVEN_BACK * (model.carry * model.vol + carry)
        step = daily_vol * shock + rate * _DT + drift * model.vol
        decay = float(np.exp(-model.reversion * _DT))
        wander = np.asarray(lfilter([1.0], [1.0, -decay], step - 0.5 * model.vol**2 * _DT))
        centre = float(np.log(model.level) - wander[np.searchsorted(self.day, _ANCHOR)])
        return Path(centre + wander, carry, daily_vol, centre)
