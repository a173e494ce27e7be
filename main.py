"""LEAN's entry point; the strategy is in ``algorithm.lean_algorithm``."""

from time import monotonic

began = monotonic()
try:
    from algorithm.lean_algorithm import TrendCarryAlgorithm
except ImportError:
    if __name__ != "__main__":
        raise
    raise SystemExit(
        "error: main.py is run by LEAN, not by Python; 'python tasks.py backtest' runs the strategy"
        " without LEAN, 'python tasks.py lean' with it"
    ) from None


class Main(TrendCarryAlgorithm):
    """LEAN loads the class that is defined here and ignores imported ones."""

    loading_seconds = monotonic() - began
