"""A market's bars under the name of the other contract on its underlying."""

from __future__ import annotations

from dataclasses import replace

from portfolio.contract_sizes import contract_lines
from research.data.dataset import Dataset
from universe.master import MASTER


def with_second_sizes(dataset: Dataset, yearly_trades: float = 5.0) -> Dataset:
    """The data with the second size of every market that has one, see ``contract_lines``.

    Its bars, open interest and schedule are the market's: the prices of both differ by less than
    either's spread, and a history of the small contracts is short.
    """
    histories = list(dataset.markets.values())
    lines = contract_lines(
        [history.instrument for history in histories],
        MASTER.with_changes(dataset.own),
        yearly_trades=yearly_trades,
    )
    others = {
        one.instrument.code: replace(histories[one.market], instrument=one.instrument)
        for one in lines.seconds
    }
    return replace(dataset, markets={**dataset.markets, **others}, issues=list(dataset.issues))
