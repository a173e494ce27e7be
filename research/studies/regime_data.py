"""Regime features over a dataset: the very rows that the strategy's observer makes of it."""

from __future__ import annotations

from algorithm.observer import Observer
from algorithm.settings import Settings
from alpha.regime.history import RegimeHistory
from alpha.regime.train import History
from research.data.dataset import Dataset
from research.engine.feed import Feed
from research.engine.tapes import moments
from universe.arrays import to_epoch_day


def regime_history(dataset: Dataset, settings: Settings) -> History:
    """Features of every session of a run with these settings, warm-up included.

    They are read from the run's tape; where there is none yet it is written on the way.
    """
    if settings.markets != "all":
        dataset = dataset.select(settings.markets.split())
    first = to_epoch_day(settings.first_day)
    feed = Feed(dataset, first - settings.warmup_days, to_epoch_day(settings.last_day))
    observer = Observer(settings, [one.instrument for one in dataset.markets.values()])
    for market, contracts in enumerate(feed.contracts()):
        for contract in contracts:
            observer.list_contract(market, contract)
    history = RegimeHistory()
    for moment in moments(dataset, settings, feed, observer):
        history.take(moment.day, moment.observe().regime)
    return history.history()
