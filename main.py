"""LEAN's entry point; the strategy is in ``algorithm.trend_carry``."""

from algorithm.trend_carry import TrendCarryAlgorithm


class Main(TrendCarryAlgorithm):
    """LEAN loads the class that is defined here and ignores imported ones."""
