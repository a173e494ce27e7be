"""The VaR gate: last in the chain, on whole contracts (R2).

No set of targets leaves it above the limit; what it did, in which order, is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import numpy as np

from risk.book import Book, Protection, Verdict
from risk.nearest import nearest_book
from risk.var import VarModel, quantile
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import Instrument
from universe.master import MASTER
from universe.nearest import did_you_mean
from universe.setting import SettingsError, Table, pairs_of, setting


class VarTest(StrEnum):
    """Which of 18f-4's tests gates; ``RULE`` is both as far as the reference can be measured."""

    RULE = "rule"
    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    BOTH = "both"


NEEDS_REFERENCE = (VarTest.RELATIVE, VarTest.BOTH)
"""Tests that are refused without a reference portfolio."""

MOST_WEIGHT = 10.0
"""Of a market in the reference portfolio by size: it is unlevered (18f-4)."""


@dataclass(frozen=True)
class GateSettings(Table):
    """Limits of value at risk (18f-4)."""

    var_limit: float = setting(
        0.20, "absolute VaR limit (18f-4)", unit="of NAV", low=0.005, high=1.0
    )
    var_test: VarTest = setting(
        VarTest.RULE,
        "which test gates: 18f-4 asks for the relative one, or by determination the absolute one; "
        "rule holds both, the relative one where the run trades the reference portfolio",
    )
    var_headroom: float = setting(
        0.1,
        "share of the limit that targets leave free, so that what is held stays within it",
        low=0.0,
        high=0.9,
    )
    var_relative_limit: float = setting(
        2.0, "VaR over that of the reference portfolio (18f-4)", low=0.5, high=2.5
    )
    var_reference: str = setting(
        "ES 0.6 ZN 0.4", "unlevered reference portfolio: code weight code weight ..."
    )

    def validate(self) -> None:
        """Refuse a reference portfolio that is none where a test needs it."""
        weights = self.reference_weights
        if self.var_test in NEEDS_REFERENCE and not any(weights.values()):
            raise SettingsError(
                f"var_reference is {self.var_reference!r}; with var_test {self.var_test} it must "
                "name a market with a weight other than 0, such as 'ES 0.6 ZN 0.4'"
            )

    @property
    def reference_weights(self) -> dict[str, float]:
        """Weights of the reference portfolio by market code."""
        return dict(pairs_of("var_reference", self.var_reference, "code and weight", MOST_WEIGHT))


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
        "rule", "absolute", "relative" or "both".
    horizon : int
        Business days.
    reference : float array of shape (n_assets,), optional
        Exposures of the reference portfolio over NAV.
    headroom : float
        Share of the limit that targets leave free: what is held must stay within it on the next
        sessions too.
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
        headroom: float = 0.0,
    ) -> None:
        self.limit, self.relative_limit = limit, relative_limit
        self.test, self.horizon = test, horizon
        self.reference, self.headroom = reference, headroom

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
            settings.var_headroom,
        )

    def protect(self, book: Book) -> Verdict:
        """Reduce what is asked for until it is within the limit."""
        result = self.judge(book)
        figures = {"var_asked": result.asked, "var_relative": result.relative}
        return Verdict(self.NAME, result.contracts, result.scale, tuple(result.steps), figures)

    def judge(self, book: Book) -> GateResult:
        """``apply`` on a book, with the reference portfolio where it can be priced."""
        reference = self.reference
        if reference is not None and not (book.model.sigma_daily[reference != 0] > 0).all():
            reference = None
        return self.apply(book.asked, book.held, book.unit, book.model, reference, book.free)

    def apply(
        self,
        asked: IntArray,
        held: IntArray,
        unit_exposure: FloatArray,
        model: VarModel,
        reference: FloatArray | None,
        free: BoolArray | None = None,
    ) -> GateResult:
        """The nearest book to ``asked`` that is within the limit, less the headroom.

        Parameters
        ----------
        asked, held : int arrays of shape (n_assets,)
            Target contracts, and those held now.
        unit_exposure : float array of shape (n_assets,)
            Exposure of one contract over NAV; NaN where unknown.
        model : VarModel
        reference : float array of shape (n_assets,), optional
            Exposures of the unlevered reference portfolio.
        free : bool array of shape (n_assets,), optional
            What can trade today; the others count with the contracts decided for them. All by
            default.

        Returns
        -------
        GateResult

        Notes
        -----
        No position grows, turns, or is closed for lack of a figure. A VaR that is not a number
        fails closed: nothing grows until it is one.
        """
        steps: list[str] = []
        free = np.ones(len(asked), dtype=bool) if free is None else free
        known = np.isfinite(unit_exposure) & (model.sigma_daily > 0)
        unit = np.where(known, unit_exposure, 0.0)
        reference_var = np.nan
        if reference is not None and reference.any():
            reference_var = model.binding(reference, self.horizon)
        limit = self._limit(reference_var, steps)

        def var(quantity: FloatArray) -> float:
            return model.binding(quantity * unit, self.horizon)

        before = var(asked.astype(np.float64))
        found = nearest_book(
            asked,
            np.where(free, held, asked),
            free,
            np.where(known, unit_exposure, np.nan),
            model.cov_daily,
            var,
            limit * (1.0 - self.headroom),
            least_per_vol=quantile(model.confidence, model.tail) * float(np.sqrt(self.horizon)),
        )
        if found.reason:
            steps.append(f"VaR {found.reason}")
        contracts = found.contracts
        parametric, historical = model.both(contracts * unit, self.horizon)
        gross, left = (float(np.abs(q * unit).sum()) for q in (asked, contracts))
        return GateResult(
            contracts,
            parametric,
            historical,
            float(np.fmax(parametric, historical)) / reference_var if reference_var > 0 else np.nan,
            before,
            limit,
            left / gross if gross > 0 else 1.0,
            steps,
        )

    def _limit(self, reference_var: float, steps: list[str]) -> float:
        if self.test == VarTest.ABSOLUTE:
            return self.limit
        if not 0 < reference_var < np.inf:
            if self.test in NEEDS_REFERENCE:
                steps.append("reference portfolio has no VaR yet: absolute limit applies")
            return self.limit
        relative = self.relative_limit * reference_var
        return relative if self.test == VarTest.RELATIVE else min(relative, self.limit)


def reference_exposure(
    settings: GateSettings, instruments: Sequence[Instrument], n_assets: int
) -> FloatArray | None:
    """Exposures of the reference portfolio over NAV, (n_assets,); None where it cannot be priced.

    Raises
    ------
    SettingsError
        If one of its markets is not known, or a test needs it and it is not traded.
    """
    index = {instrument.code: i for i, instrument in enumerate(instruments)}
    missing = [code for code in settings.reference_weights if code not in index]
    for code in missing:
        if code not in MASTER:
            like = did_you_mean(code, [*index, *(instrument.code for instrument in MASTER)])
            raise SettingsError(f"var_reference: unknown market {code!r}{like}")
    if missing and settings.var_test in NEEDS_REFERENCE:
        raise SettingsError(
            f"var_reference names {' '.join(missing)}, which the run does not trade; with var_test "
            f"{settings.var_test} its markets must be among {' '.join(sorted(index))}"
        )
    if missing or not any(settings.reference_weights.values()):
        return None
    exposure = np.zeros(n_assets)
    for code, weight in settings.reference_weights.items():
        exposure[index[code]] = weight
    return exposure
