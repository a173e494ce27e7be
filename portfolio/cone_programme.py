"""The optimiser's second-order cone programme, on Clarabel's own interface.

A modelling layer takes longer to write the same programme down than the solver to solve it. The
sparsity is laid out once for a number of assets and rows; a day then writes numbers in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse

from universe.arrays import FloatArray, IntArray

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


Shape = tuple[int, int, int, bool]
"""Assets, absolute rows, net rows, whether there is a cone."""


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

    def without_cone(self) -> Data:
        """The programme without its limit on |y|."""
        return replace(self, cap=np.inf)

    def within_cone(self, z: FloatArray) -> bool:
        """Whether an answer of the programme without the cone is one of it."""
        y = self.root @ z + self.offset
        return float(y @ y) <= self.cap**2

    @property
    def shape(self) -> Shape:
        """What the layout depends on."""
        cone = bool(np.isfinite(self.cap))
        return len(self.gain), len(self.absolute_limit), len(self.net_limit), cone


_Part = tuple[IntArray, IntArray, FloatArray | None]
"""Rows, columns and values of some entries; None where a day writes them."""


class _Pattern:
    """A sparse matrix of fixed pattern, by columns, whose numbers are written in place."""

    def __init__(self, parts: Sequence[_Part], shape: tuple[int, int]) -> None:
        self._fixed = [values for _, _, values in parts]
        rows, columns = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        places = np.arange(1, len(rows) + 1, dtype=np.float64)
        self.matrix = sparse.csc_matrix((places, (rows, columns)), shape)
        self._order = self.matrix.data.astype(np.int64) - 1

    def write(self, values: Sequence[FloatArray]) -> None:
        """Put the values of a day, of the parts that have none of their own, in their places."""
        given = iter(values)
        entries = [next(given) if fixed is None else fixed for fixed in self._fixed]
        self.matrix.data[:] = np.concatenate(entries)[self._order]


class ConeProgramme:
    """One layout and its solver.

    Without a cone, y is not there and the matrix of the objective is written down instead of its
    root: a quarter faster.

    Parameters
    ----------
    shape : Shape
        Of the programmes to come.
    elastic : bool
        All rows but the bounds of single assets may be exceeded by one common amount at a price, so
        that there always is an answer.
    """

    def __init__(self, shape: Shape, *, elastic: bool = False) -> None:
        self.shape, self.elastic = shape, elastic
        n, n_absolute, n_net, cone = shape
        self._upper = np.triu_indices(n)
        z, t, s, y = (np.arange(n) + k * n for k in range(4))
        lead = n if cone else 0  # rows of y = root z + offset
        first = np.arange(6 * n).reshape(6, n) + lead
        row = lead + 6 * n
        absolute = np.arange(row, row + n_absolute)
        net = np.arange(row + n_absolute, row + n_absolute + n_net)
        row += n_absolute + n_net
        self._extra = extra = (4 if cone else 3) * n
        ones = np.ones(n)
        parts: list[_Part] = [
            *((first[k], z, (-1.0) ** k * ones) for k in range(6)),
            *((first[k], t, -ones) for k in (0, 1)),
            *((first[k], s, -ones) for k in (2, 3)),
            (np.repeat(absolute, n), np.tile(t, n_absolute), None),
            (np.repeat(net, n), np.tile(z, n_net), None),
        ]
        self._cones = [("nonnegative", row - lead)]
        if elastic:
            soft = np.concatenate((absolute, net))
            parts.append((soft, np.full(len(soft), extra), -np.ones(len(soft))))
            parts.append((np.array([row]), np.array([extra]), -np.ones(1)))
            self._cones = [("nonnegative", row - lead + 1)]
            row += 1
        squares: list[_Part] = [(s, s, None)]
        if cone:
            parts += [(*self._upper, None), (np.arange(n), y, ones)]
            parts.append((np.arange(row + 1, row + 1 + n), y, -ones))
            if elastic:
                parts.append((np.array([row]), np.array([extra]), -np.ones(1)))
            self._cones = [("zero", n), *self._cones, ("second order", n + 1)]
            row += n + 1
            squares.append((y, y, np.full(n, 2.0)))
        else:
            squares.append((*self._upper, None))
        width = extra + elastic
        self._matrix = _Pattern(parts, (row, width))
        self._squares = _Pattern(squares, (width, width))
        self._solver: Any = None

    def solve(self, data: Data) -> tuple[FloatArray, float]:
        """Optimal z, and by how much an elastic programme exceeds its limits (0 if it does not).

        Raises
        ------
        SolverError
            With the reason, if there is no answer.
        """
        n, cone = self.shape[0], self.shape[3]
        rows = [data.absolute.ravel(), data.net.ravel()]
        gain = data.gain
        if cone:
            self._matrix.write([*rows, -data.root[self._upper]])
            self._squares.write([2.0 * data.square])
        else:
            double = 2.0 * data.root.T
            gain = gain - double @ data.offset
            self._matrix.write(rows)
            self._squares.write([2.0 * data.square, (double @ data.root)[self._upper]])
        zero = np.zeros(n)
        linear = np.concatenate((-gain, data.hold, data.trade, zero[: n * cone]))
        start, bounds = data.start, (data.high, -data.low)
        right = [data.offset] if cone else []
        right += [zero, zero, start, -start, *bounds, data.absolute_limit, data.net_limit]
        if self.elastic:
            linear = np.append(linear, PENALTY)
            right.append(np.zeros(1))
        if cone:
            right += [np.array([data.cap]), zero]
        solution = self._solution(linear, np.concatenate(right))
        if solution is None:
            raise SolverError("no answer to the accuracy asked for")
        return solution[:n], float(solution[self._extra]) if self.elastic else 0.0

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
            squares, matrix = self._squares.matrix, self._matrix.matrix
            self._solver = clarabel.DefaultSolver(squares, linear, matrix, right, cones, settings)
        else:
            squares, matrix = self._squares.matrix.data, self._matrix.matrix.data
            self._solver.update(P=squares, q=linear, A=matrix, b=right)
        return self._solver.solve()
