"""LEAN's entry point; the strategy is in ``algorithm.lean_algorithm``."""

from algorithm.lean_algorithm import TrendCarryAlgorithm


class Main(TrendCarryAlgorithm):
    """LEAN loads the class that is defined here and ignores imported ones."""
