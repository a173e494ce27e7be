"""What LEAN says nothing of: markets that come out of the warm-up without bars or without a rate.

A file that is missing or cut off leaves a market silently untraded in LEAN, and an empty folder
completes with no orders. A folder on this machine is looked at before a run; in the cloud, live
and under ``lean backtest`` this is the only check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from universe.arrays import IntArray, from_epoch_day
from universe.counts import count_text
from universe.instruments import Instrument

ALLOWED_SECONDS = 90
"""That LEAN gives an algorithm to be loaded and initialised (``algorithm-creation-timeout``)."""


def untraded_markets(
    instruments: Sequence[Instrument],
    last_bar: IntArray,
    rates: Mapping[str, float],
    today: int,
    gap_days: int,
) -> list[str]:
    """Why markets cannot be traded at the start, a sentence a market.

    Parameters
    ----------
    instruments : sequence of Instrument
    last_bar : int array of shape (n_markets,)
        Epoch day of each market's last bar, negative where there was none.
    rates : mapping of currency to account currency per unit
        NaN where there is none.
    today : int
        Epoch day.
    gap_days : int
        Calendar days without a bar after which a market is out.
    """
    sentences = []
    for instrument, last in zip(instruments, last_bar.tolist(), strict=True):
        reasons = []
        if last < 0:
            reasons.append("no bar")
        elif today - last > gap_days:
            reasons.append(f"no bar since {from_epoch_day(last)}")
        if not rates[instrument.currency] > 0:
            reasons.append(f"no rate of {instrument.currency}")
        if reasons:
            what = " and ".join(reasons)
            sentences.append(f"{instrument.code}: {what} after the warm-up; it is not traded")
    return sentences


def start_time(loading: float, initialising: float) -> str:
    """How long the start took, and what of it.

    Parameters
    ----------
    loading, initialising : float
        Seconds of the imports and of ``initialize``.
    """
    return (
        f"started in {loading + initialising:.1f} s of LEAN's {ALLOWED_SECONDS} s: "
        f"{loading:.1f} s to load the packages, {initialising:.1f} s to initialise"
    )


def none_trades(markets: int) -> str:
    """The error where no market at all can be traded.

    Parameters
    ----------
    markets : int
        That were asked for.
    """
    return (
        f"none of {count_text(markets, 'market')} has both bars and a rate after the warm-up: no "
        "order will be sent; look at the data folder, the dates and the data subscriptions"
    )
