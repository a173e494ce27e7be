"""The VaR gate: last in the chain, on whole contracts (R2).

No set of targets leaves it above the limit; what it did, in which order, is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import numpy as np

from risk.book import Book, Protection, Verdict
from risk.var import VarModel
from universe.arrays import FloatArray, IntArray, known
from universe.instruments import Instrument
from universe.setting import SettingsError, Table, pairs_of, setting

VarFunction = Callable[[IntArray], float]


class VarTest(StrEnum):
    """Which of 18f-4's tests gates."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    BOTH = "both"


@dataclass(frozen=True)
class GateSettings(Table):
    """Limits of value at risk (18f-4)."""

    var_limit: float = setting(
        0.20, "absolute VaR limit (18f-4)", unit="of NAV", low=0.005, high=1.0
    )
    var_test: VarTest = setting(VarTest.ABSOLUTE, "which test gates: 18f-4 asks for one")
    var_relative_limit: float = setting(
        2.0, "VaR over that of the reference portfolio (18f-4)", low=0.5, high=2.5
    )
    var_reference: str = setting(
        "ES 0.6 ZN 0.4", "unlevered reference portfolio: code weight code weight ..."
    )

    def validate(self) -> None:
        """Refuse a reference portfolio that is none."""
        _ = self.reference_weights

    @property
    def reference_weights(self) -> dict[str, float]:
        """Weights of the reference portfolio by market code."""
        return dict(pairs_of("var_reference", self.var_reference, "code and weight"))


@dataclass(frozen=True, slots=True)
class GateResult:
    """Targets that pass, and why they differ from those asked for.

    Attributes
    ----------
    contracts : int array of shape (n_markets,)
    parametric, historical : float
        VaR of ``contracts``.
    relative : float
        VaR over that of the reference portfolio, NaN without one.
    asked : float
        VaR of the targets before the gate.
    limit : float
        Absolute limit that was applied.
    scale : float
        Gross exposure left by the gate over that asked for, 1 if inactive.
    steps : list of str
        Remediation in order.
    """

    contracts: IntArray
    parametric: float
    historical: float
    relative: float
    asked: float
    limit: float
    scale: float
    steps: list[str] = field(default_factory=list)


class VarGate(Protection):
    """Keeps targets within the 18f-4 limits.

    Parameters
    ----------
    limit : float
        Absolute VaR limit over NAV.
    relative_limit : float
        Limit of VaR over the reference portfolio's.
    test : str
        "absolute", "relative" or "both".
    horizon : int
        Sessions.
    """

    NAME = "VaR gate"
    MEANING = "the nearest book of whole contracts within the value-at-risk limit, last"
    SETTINGS = GateSettings

    def __init__(
        self,
        limit: float,
        relative_limit: float,
        test: str,
        horizon: int,
        reference: FloatArray | None = None,
    ) -> None:
        self.limit, self.relative_limit = limit, relative_limit
        self.test, self.horizon = test, horizon
        self.reference = reference

    @classmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument], n_assets: int) -> Self:
        """The gate of the settings.

        Raises
        ------
        SettingsError
            If the relative test is asked for and its reference portfolio names a market that is
            not traded.
        """
        reference = reference_exposure(settings, instruments, n_assets)
        return cls(
            settings.var_limit,
            settings.var_relative_limit,
            settings.var_test,
            settings.var_horizon,
            reference,
        )

    def protect(self, book: Book) -> Verdict:
        """Reduce what is asked for until it is within the limit."""
        result = self.judge(book)
        figures = {"var_asked": result.asked, "var_relative": result.relative}
        return Verdict(self.NAME, result.contracts, result.scale, tuple(result.steps), figures)

    def judge(self, book: Book) -> GateResult:
        """``apply`` on a book, with the reference portfolio where it can be priced."""
        reference = None
        known_risk = book.model.sigma_daily > 0
        if self.reference is not None and known_risk[self.reference != 0].all():
            # VaR is proportional to volatility: our own caution must not widen the limit
            reference = self.reference / book.caution
        return self.apply(book.asked, book.held, book.unit, book.model, reference)

    def apply(
        self,
        asked: IntArray,
        held: IntArray,
        unit_exposure: FloatArray,
        model: VarModel,
        reference: FloatArray | None,
    ) -> GateResult:
        """Reduce ``asked`` until it is within the limit.

        Parameters
        ----------
        asked, held : int arrays of shape (n_markets,)
            Target contracts, and those held now.
        unit_exposure : float array of shape (n_markets,)
            Exposure of one contract over NAV; NaN where unknown.
        model : VarModel
        reference : float array of shape (n_markets,), optional
            Exposures of the unlevered reference portfolio.

        Returns
        -------
        GateResult

        Notes
        -----
        Remediation order: (1) a market whose exposure or volatility is unknown may only be
        reduced, (2) all positions are cut pro rata toward zero to the largest share that passes,
        (3) if rounding leaves no share that passes, the largest contributor loses contracts one
        at a time, to zero if need be. A VaR that is not a number fails closed: everything is cut
        until it is one.
        """
        steps: list[str] = []
        contracts = asked.copy()
        known = np.isfinite(unit_exposure) & (model.sigma_daily > 0)
        blind = ~known & (contracts != 0)
        if blind.any():
            kept = np.sign(held) * np.minimum(np.abs(contracts), np.abs(held))
            kept = np.where(np.sign(contracts) == np.sign(held), kept, 0)
            contracts = np.where(blind, kept, contracts)
            steps.append(f"{int(blind.sum())} markets of unknown risk held to reductions")
        unit = np.where(known, unit_exposure, 0.0)
        reference_var = np.nan
        if reference is not None and reference.any():
            reference_var = model.binding(reference, self.horizon)
        limit = self._limit(reference_var, steps)

        def var(quantity: IntArray) -> float:
            return model.binding(quantity * unit, self.horizon)

        parametric, historical = model.both(contracts * unit, self.horizon)
        before = binding = float(np.fmax(parametric, historical))
        gross = float(np.abs(asked * unit).sum())
        if not before <= limit:
            contracts = self._cut(contracts, var, limit, unit, model, steps)
            parametric, historical = model.both(contracts * unit, self.horizon)
            binding = float(np.fmax(parametric, historical))
        left = float(np.abs(contracts * unit).sum())
        return GateResult(
            contracts,
            parametric,
            historical,
            binding / reference_var if reference_var > 0 else np.nan,
            before,
            limit,
            left / gross if gross > 0 else 1.0,
            steps,
        )

    def _limit(self, reference_var: float, steps: list[str]) -> float:
        if self.test == "absolute":
            return self.limit
        if not reference_var > 0:
            steps.append("reference portfolio has no VaR yet: absolute limit applies")
            return self.limit
        relative = self.relative_limit * reference_var
        return relative if self.test == "relative" else min(relative, self.limit)

    def _cut(
        self,
        contracts: IntArray,
        var: VarFunction,
        limit: float,
        unit: FloatArray,
        model: VarModel,
        steps: list[str],
    ) -> IntArray:
        before = var(contracts)
        share = min(limit / before, 1.0) if before > 0 and np.isfinite(before) else 0.0
        for _ in range(60):
            trial: IntArray = np.trunc(contracts * share).astype(np.int64)
            if var(trial) <= limit:
                steps.append(f"VaR {before:.4f} above {limit:.4f}: all cut to {share:.4f}")
                return trial
            if share < 0.05:
                break
            share *= 0.98
        trial = np.trunc(contracts * share).astype(np.int64)
        while trial.any() and not var(trial) <= limit:
            exposure = trial * unit
            marginal = known(exposure * (model.cov_daily @ exposure))
            worst = int(np.argmax(np.where(trial != 0, marginal, -np.inf)))
            trial[worst] -= np.sign(trial[worst])
        steps.append(f"VaR {before:.4f} above {limit:.4f}: cut contract by contract")
        return trial


def reference_exposure(
    settings: GateSettings, instruments: Sequence[Instrument], n_assets: int
) -> FloatArray | None:
    """Exposures of the reference portfolio over NAV, (n_assets,); None where it cannot be priced.

    Raises
    ------
    SettingsError
        If a test needs the reference and one of its markets is not traded.
    """
    index = {instrument.code: i for i, instrument in enumerate(instruments)}
    missing = [code for code in settings.reference_weights if code not in index]
    if missing and settings.var_test != VarTest.ABSOLUTE:
        raise SettingsError(
            f"var_reference names {' '.join(missing)}, which the run does not trade; with var_test "
            f"{settings.var_test} its markets must be among {' '.join(sorted(index))}"
        )
    if missing or not settings.reference_weights:
        return None
    exposure = np.zeros(n_assets)
    for code, weight in settings.reference_weights.items():
        exposure[index[code]] = weight
    return exposure
