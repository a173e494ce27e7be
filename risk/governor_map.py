"""The drawdown governor's map, in fractions of NAV or in years of the volatility target (R3)."""

from __future__ import annotations

import itertools

BY_VOLATILITY = "1x 0.8 1.5x 0.6 2x 0.4"
"""000's shape at drawdowns of 1, 1.5 and 2 times the yearly volatility target.

000's own "0.05 0.8 0.10 0.6 ..." is half a year's standard deviation at a target of 10 %: without
any change of skill the fund would be under it most of the time.
"""


def governor_points(text: str, vol_target: float) -> tuple[tuple[float, float], ...]:
    """Points (drawdown, share of gross) of a map that is written in words.

    Parameters
    ----------
    text : str
        Pairs of drawdown and share, parted by blanks. A drawdown that ends in "x" is a multiple of
        the volatility target, any other a fraction of NAV.
    vol_target : float
        Yearly, over NAV.

    Returns
    -------
    tuple of (float, float)
        Drawdown rising, share not rising; a share applies from its drawdown on.

    Raises
    ------
    ValueError
        If the words are not such pairs, with what is allowed.
    """
    words = text.split()
    try:
        drawdowns = [_drawdown(word, vol_target) for word in words[::2]]
        shares = [float(word) for word in words[1::2]]
    except ValueError:
        drawdowns, shares = [], []
    points = tuple(zip(drawdowns, shares, strict=False))
    inside = all(0 < drawdown < 1 and 0 <= share <= 1 for drawdown, share in points)
    rising = all(a[0] < b[0] and a[1] >= b[1] for a, b in itertools.pairwise(points))
    if not (points and inside and rising) or len(words) % 2:
        raise ValueError(
            f"governor is {text!r}; it must be pairs of drawdown and share, drawdown rising within "
            "(0, 1) of NAV or a multiple of the volatility target like 1.5x, and share not rising "
            "within [0, 1]"
        )
    return points


def _drawdown(word: str, vol_target: float) -> float:
    return float(word[:-1]) * vol_target if word.endswith("x") else float(word)
