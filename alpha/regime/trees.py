"""Boosted trees as arrays: read from the library's text, evaluated and explained in numpy (A8).

Reading the text keeps the library out of a day's inference, and no pickled object is ever loaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from universe.arrays import FloatArray, IntArray

_PLAIN_SPLIT = 2
"""LightGBM's ``decision_type`` of a numerical split without a way for missing values."""


class TreesError(ValueError):
    """Text that is not a booster this module can evaluate."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A leaf with what leads to it, a feature once.

    Attributes
    ----------
    value : float
    feature : int array of shape (m,)
    low, high : float arrays of shape (m,)
        The leaf is reached where ``low < x <= high`` in all features.
    share : float array of shape (m,)
        Share of the training rows that follow the path where a feature splits it.
    """

    value: float
    feature: IntArray
    low: FloatArray
    high: FloatArray
    share: FloatArray


class Trees:
    """A sum of trees in log-odds.

    Parameters
    ----------
    text : str
        ``Booster.model_to_string()`` of LightGBM.
    n_features : int

    Raises
    ------
    TreesError
        If the text is damaged, has other splits than plain numerical ones, or more features.
    """

    def __init__(self, text: str, n_features: int) -> None:
        self.n_features = n_features
        self._leaves: list[_Leaf] = []
        parts = text.split("\nTree=")[1:]
        if not parts:
            raise TreesError("the booster's text holds no tree")
        trees = [_Tree.read(part) for part in parts]
        for tree in trees:
            if tree.feature.max(initial=0) >= n_features:
                raise TreesError(f"the booster splits on more than {n_features} features")
            self._leaves += tree.leaves()
        self._pack(trees)

    def _pack(self, trees: list[_Tree]) -> None:
        """All trees in one table of nodes; a leaf leads to itself."""
        feature, threshold, left, right, value = [], [], [], [], []
        self._roots = np.zeros(len(trees), dtype=np.int64)
        offset = 0
        for number, tree in enumerate(trees):
            splits, leaves = len(tree.feature), len(tree.value)
            self._roots[number] = offset

            def place(child: IntArray, start: int = offset, first: int = splits) -> IntArray:
                return np.where(child >= 0, start + child, start + first + ~child)

            own = offset + splits + np.arange(leaves)
            feature.append(np.concatenate([tree.feature, np.zeros(leaves, dtype=np.int64)]))
            threshold.append(np.concatenate([tree.threshold, np.zeros(leaves)]))
            left.append(np.concatenate([place(tree.left), own]))
            right.append(np.concatenate([place(tree.right), own]))
            value.append(np.concatenate([np.zeros(splits), tree.value]))
            offset += splits + leaves
        self._feature, self._threshold = np.concatenate(feature), np.concatenate(threshold)
        self._left, self._right = np.concatenate(left), np.concatenate(right)
        self._value = np.concatenate(value)
        self._depth = max(tree.depth() for tree in trees)

    def log_odds(self, row: FloatArray) -> float:
        """Sum of the trees for one finite row of shape (n_features,)."""
        node = self._roots
        for _ in range(self._depth):
            goes_left = row[self._feature[node]] <= self._threshold[node]
            node = np.where(goes_left, self._left[node], self._right[node])
        return math.fsum(self._value[node].tolist())

    def explain(self, rows: FloatArray) -> tuple[FloatArray, float]:
        """Exact Shapley values of the trees, path dependent.

        Lundberg et al., From Local Explanations to Global Understanding with Explainable AI for
        Trees, Nature Machine Intelligence 2, 2020. A leaf is worth its value times, over the
        features of its path, either whether the row goes there or the share of training rows that
        did; the Shapley sum over subsets is taken by the coefficients of a polynomial.

        Parameters
        ----------
        rows : float array of shape (n, n_features)

        Returns
        -------
        values : float array of shape (n, n_features)
            In log-odds; a row adds up to ``log_odds`` less ``expected``.
        expected : float
            Mean of the trees over their training rows.
        """
        out = np.zeros((len(rows), self.n_features))
        expected = 0.0
        for leaf in self._leaves:
            expected += leaf.value * float(np.prod(leaf.share))
            x = rows[:, leaf.feature]
            inside = ((x > leaf.low) & (x <= leaf.high)).astype(np.float64)
            for position, column in enumerate(leaf.feature.tolist()):
                others = np.delete(np.arange(len(leaf.feature)), position)
                weight = _weighted_subsets(inside[:, others], leaf.share[others])
                gain = inside[:, position] - leaf.share[position]
                out[:, column] += leaf.value * gain * weight
        return out, expected


def _weighted_subsets(inside: FloatArray, share: FloatArray) -> FloatArray:
    """Sum over subsets S of the columns of their Shapley weight times both products, (n,).

    ``sum |S|! (m - |S|)! / (m + 1)! prod_S inside prod_not_S share`` for m columns; the products of
    all subsets of a size are a coefficient of ``prod (share + inside t)``.
    """
    rows, m = inside.shape
    size = np.zeros((rows, m + 1))
    size[:, 0] = 1.0
    for k in range(m):
        size[:, 1 : k + 2] = size[:, 1 : k + 2] * share[k] + size[:, : k + 1] * inside[:, k, None]
        size[:, 0] *= share[k]
    weight = [
        math.factorial(k) * math.factorial(m - k) / math.factorial(m + 1) for k in range(m + 1)
    ]
    return np.asarray(size @ np.array(weight))


@dataclass(frozen=True, slots=True)
class _Tree:
    """One tree; a child below 0 is leaf ``~child``, ``splits`` and ``leaves`` count rows."""

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    value: FloatArray
    split_rows: FloatArray
    leaf_rows: FloatArray

    @classmethod
    def read(cls, text: str) -> _Tree:
        fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        try:
            count = int(fields["num_leaves"])
            if count == 1:
                return cls._stump(float(fields["leaf_value"]))
            if int(fields.get("num_cat", "0")) or {*fields["decision_type"].split()} != {
                str(_PLAIN_SPLIT)
            }:
                raise TreesError("the booster has splits other than plain numerical ones")
            tree = cls(
                np.array(fields["split_feature"].split(), dtype=np.int64),
                np.array(fields["threshold"].split(), dtype=np.float64),
                np.array(fields["left_child"].split(), dtype=np.int64),
                np.array(fields["right_child"].split(), dtype=np.int64),
                np.array(fields["leaf_value"].split(), dtype=np.float64),
                np.array(fields["internal_count"].split(), dtype=np.float64),
                np.array(fields["leaf_count"].split(), dtype=np.float64),
            )
        except (KeyError, ValueError) as error:
            raise TreesError(f"a tree of the booster cannot be read ({error})") from error
        tree._check(count)
        return tree

    @classmethod
    def _stump(cls, value: float) -> _Tree:
        nothing, none = np.zeros(0), np.zeros(0, dtype=np.int64)
        return cls(none, nothing, none, none, np.array([value]), nothing, np.ones(1))

    def _check(self, count: int) -> None:
        splits = [self.feature, self.threshold, self.left, self.right, self.split_rows]
        children = np.concatenate([self.left, self.right])
        there = sorted([*range(1, count - 1), *(~leaf for leaf in range(count))])
        numbers = np.concatenate([self.threshold, self.value, self.split_rows, self.leaf_rows])
        if (
            any(len(part) != count - 1 for part in splits)
            or len(self.value) != count
            or len(self.leaf_rows) != count
            or sorted(children.tolist()) != there
            or not np.all(np.isfinite(numbers))
            or self.split_rows.min() <= 0
        ):
            raise TreesError("a tree of the booster is damaged")

    def depth(self) -> int:
        """Most splits to a leaf."""
        return max((len(path) for path in self._paths()), default=0)

    def leaves(self) -> list[_Leaf]:
        """Every leaf with its conditions, each feature's joined into one interval."""
        out = []
        for leaf, path in enumerate(self._paths()):
            bounds: dict[int, list[float]] = {}
            for split, goes_left, share in path:
                low_high = bounds.setdefault(int(self.feature[split]), [-np.inf, np.inf, 1.0])
                edge = float(self.threshold[split])
                if goes_left:
                    low_high[1] = min(low_high[1], edge)
                else:
                    low_high[0] = max(low_high[0], edge)
                low_high[2] *= share
            table = np.array(list(bounds.values())).reshape(-1, 3)
            feature = np.array(list(bounds), dtype=np.int64)
            out.append(
                _Leaf(float(self.value[leaf]), feature, table[:, 0], table[:, 1], table[:, 2])
            )
        return out

    def _paths(self) -> list[list[tuple[int, bool, float]]]:
        """(split, whether left, share of rows) from the root to every leaf, by leaf."""
        paths: list[list[tuple[int, bool, float]]] = [[] for _ in self.value]
        waiting: list[tuple[int, list[tuple[int, bool, float]]]] = (
            [(0, [])] if len(self.feature) else []
        )
        while waiting:
            split, path = waiting.pop()
            for child, left in ((int(self.left[split]), True), (int(self.right[split]), False)):
                rows = self.split_rows[child] if child >= 0 else self.leaf_rows[~child]
                step = [*path, (split, left, float(rows / self.split_rows[split]))]
                if child >= 0:
                    waiting.append((child, step))
                else:
                    paths[~child] = step
        return paths
