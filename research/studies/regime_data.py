"""Regime features over a dataset: market state from the core, macro series as they were known."""

from __future__ import annotations

from datetime import date

from algorithm.settings import Settings
from alpha.regime.history import RegimeHistory
from alpha.regime.series import SOURCES
from alpha.regime.train import History
from research.data.dataset import Dataset
from research.engine.feed import Feed
from universe.arrays import known, to_epoch_day
from universe.markets import Markets


def regime_history(dataset: Dataset, settings: Settings, first: date | None = None) -> History:
    """Features of every session, from the dataset's first one unless ``first`` is given.

    The markets are observed as the strategy observes them: quality gate, rolls, volatility.
    """
    days = [int(history.day[0]) for history in dataset.markets.values()]
    begin = min(days) if first is None else to_epoch_day(first)
    feed = Feed(dataset, begin, to_epoch_day(settings.last_day))
    instruments = [history.instrument for history in dataset.markets.values()]
    markets = Markets(
        instruments,
        vol_span=settings.vol_span,
        vol_long_sessions=settings.vol_long_sessions,
        vol_long_weight=settings.vol_long_weight,
        outlier_sigmas=settings.outlier_sigmas,
        gap_days=settings.gap_days,
        stale_sessions=settings.stale_sessions,
        theta=settings.roll_open_interest_ratio,
        follow_mapping=settings.follow_mapping,
    )
    for market, contracts in enumerate(feed.contracts()):
        markets.contracts[market].update({one.month: one for one in contracts})
    history = RegimeHistory(instruments)
    macro: dict[str, tuple[int, float]] = {}
    for bars in feed:
        sigma = markets.sigma().copy()
        seen = markets.observe(bars.session)
        macro |= {name: one for name, one in bars.session.macro.items() if name in SOURCES}
        history.take(bars.session.day, known(seen.ret), sigma, macro)
    return history.history()
