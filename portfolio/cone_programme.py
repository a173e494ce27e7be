"""The optimiser's second-order cone programme, on Clarabel's own interface.

A modelling layer takes longer to write the same programme down than the solver to solve it. The
sparsity is laid out once for a number of assets and rows; a day then writes numbers in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse

from universe.arrays import FloatArray

TOLERANCE = 1e-8
"""Relative gap and feasibility that is asked of the solver."""

ACCEPTED = 1e-6
"""The same that is accepted of an answer, whatever the solver calls it."""

MAX_STEPS = 100

PENALTY = 1e3
"""Price of a unit by which an elastic programme exceeds its limits, for an objective of about 1."""


def installed() -> bool:
    """Whether the solver can be imported; QuantConnect's image has it, as cvxpy depends on it."""
    return find_spec("clarabel") is not None


class SolverError(RuntimeError):
    """The solver is not installed, stopped early or found no answer."""


@dataclass(frozen=True, slots=True)
class Data:
    """Numbers of one programme over n assets, in any units.

    Minimise y'y - gain'z + trade's + square's² + hold't over z, with y = root z + offset, t = |z|
    and s = |z - start|, such that low <= z <= high, absolute t <= absolute_limit,
    net z <= net_limit and |y| <= cap.

    Attributes
    ----------
    root : float array of shape (n, n)
        Upper triangular.
    offset, gain, trade, square, hold, start, low, high : float arrays of shape (n,)
    absolute : float array of shape (n_absolute, n)
        Not negative.
    absolute_limit : float array of shape (n_absolute,)
    net : float array of shape (n_net, n)
    net_limit : float array of shape (n_net,)
    cap : float
        Infinite for none.
    """

    root: FloatArray
    offset: FloatArray
    gain: FloatArray
    trade: FloatArray
    square: FloatArray
    hold: FloatArray
    start: FloatArray
    low: FloatArray
    high: FloatArray
    absolute: FloatArray
    absolute_limit: FloatArray
    net: FloatArray
    net_limit: FloatArray
    cap: float

    @property
    def shape(self) -> tuple[int, int, int, bool]:
        """Assets, absolute rows, net rows, whether there is a cone."""
        cone = bool(np.isfinite(self.cap))
        return len(self.gain), len(self.absolute_limit), len(self.net_limit), cone


class ConeProgramme:
    """One layout and its solver.

    Parameters
    ----------
    shape : tuple
        ``Data.shape`` of the programmes to come.
    elastic : bool
        All rows but the bounds of single assets may be exceeded by one common amount at a price, so
        that there always is an answer.
    """

    def __init__(self, shape: tuple[int, int, int, bool], *, elastic: bool = False) -> None:
        self.shape, self.elastic = shape, elastic
        n, n_absolute, n_net, cone = shape
        self._upper = np.triu_indices(n)
        z, t, s, y = (np.arange(n) + k * n for k in range(4))
        first = np.arange(6 * n).reshape(6, n) + n  # rows after y = root z + offset
        row = 7 * n
        absolute = np.arange(row, row + n_absolute)
        net = np.arange(row + n_absolute, row + n_absolute + n_net)
        row += n_absolute + n_net
        extra = 4 * n
        ones = np.ones(n)
        parts = [
            (self._upper[0], self._upper[1], None),
            (np.arange(n), y, ones),
            *((first[k], z, (-1.0) ** k * ones) for k in range(6)),
            *((first[k], t, -ones) for k in (0, 1)),
            *((first[k], s, -ones) for k in (2, 3)),
            (np.repeat(absolute, n), np.tile(t, n_absolute), None),
            (np.repeat(net, n), np.tile(z, n_net), None),
        ]
        self._cones = [("zero", n), ("nonnegative", 6 * n + n_absolute + n_net)]
        if elastic:
            soft = np.concatenate((absolute, net))
            parts.append((soft, np.full(len(soft), extra), -np.ones(len(soft))))
            parts.append((np.array([row]), np.array([extra]), -np.ones(1)))
            self._cones[1] = ("nonnegative", 6 * n + n_absolute + n_net + 1)
            row += 1
        if cone:
            parts.append((np.arange(row + 1, row + 1 + n), y, -ones))
            if elastic:
                parts.append((np.array([row]), np.array([extra]), -np.ones(1)))
            self._cones.append(("second order", n + 1))
            row += n + 1
        self._fixed = [values for _, _, values in parts]
        rows = np.concatenate([part[0] for part in parts])
        columns = np.concatenate([part[1] for part in parts])
        width = 4 * n + elastic
        pattern = sparse.csc_matrix(
            (np.arange(1, len(rows) + 1, dtype=np.float64), (rows, columns)), (row, width)
        )
        self._order = pattern.data.astype(np.int64) - 1
        self._matrix = pattern
        self._rows = row
        squares = np.concatenate((s, y))
        self._squares = sparse.csc_matrix((np.ones(2 * n), (squares, squares)), (width, width))
        self._solver: Any = None

    def solve(self, data: Data) -> tuple[FloatArray, float]:
        """Optimal z, and by how much an elastic programme exceeds its limits (0 if it does not).

        Raises
        ------
        SolverError
            With the reason, if there is no answer.
        """
        n = self.shape[0]
        values = iter((-data.root[self._upper], data.absolute.ravel(), data.net.ravel()))
        entries = [next(values) if fixed is None else fixed for fixed in self._fixed]
        self._matrix.data[:] = np.concatenate(entries)[self._order]
        self._squares.data[:] = np.concatenate((2.0 * data.square, np.full(n, 2.0)))
        zero = np.zeros(n)
        linear = np.concatenate((-data.gain, data.hold, data.trade, zero))
        start, bounds = data.start, (data.high, -data.low)
        right = [data.offset, zero, zero, start, -start, *bounds]
        right += [data.absolute_limit, data.net_limit]
        if self.elastic:
            linear = np.append(linear, PENALTY)
            right.append(np.zeros(1))
        if self.shape[3]:
            right += [np.array([data.cap]), zero]
        solution = self._solution(linear, np.concatenate(right))
        if solution is None:
            raise SolverError("no answer to the accuracy asked for")
        return solution[:n], float(solution[4 * n]) if self.elastic else 0.0

    def _solution(self, linear: FloatArray, right: FloatArray) -> FloatArray | None:
        try:
            import clarabel
        except ImportError as error:
            raise SolverError("clarabel is not installed") from error
        try:
            found = self._run(clarabel, linear, right)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of the solver is no Exception
            raise SolverError(f"the solver broke off: {error}") from error
        if "Infeasible" in str(found.status):
            raise SolverError("the limits contradict one another")
        gap = abs(found.obj_val - found.obj_val_dual)
        residual = max(found.r_prim, found.r_dual)
        fine = gap <= ACCEPTED * max(1.0, abs(found.obj_val)) and residual <= ACCEPTED
        return np.asarray(found.x) if fine else None

    def _run(self, clarabel: Any, linear: FloatArray, right: FloatArray) -> Any:
        if self._solver is None or not hasattr(self._solver, "update"):
            kinds = {
                "zero": clarabel.ZeroConeT,
                "nonnegative": clarabel.NonnegativeConeT,
                "second order": clarabel.SecondOrderConeT,
            }
            settings = clarabel.DefaultSettings()
            settings.verbose = settings.presolve_enable = False
            settings.max_iter = MAX_STEPS
            settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
            cones = [kinds[kind](size) for kind, size in self._cones]
            self._solver = clarabel.DefaultSolver(
                self._squares, linear, self._matrix, right, cones, settings
            )
        else:
            self._solver.update(P=self._squares.data, q=linear, A=self._matrix.data, b=right)
        return self._solver.solve()
