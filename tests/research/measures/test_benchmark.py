"""The benchmark from contracts by hand, its rolls, gaps and bad prints."""

from __future__ import annotations

import numpy as np
import pytest

from research.data.dataset import Dataset, MarketHistory
from research.measures.benchmark import benchmark_of, front_returns
from tests.helpers import instrument, made_up_dataset
from universe.instruments import AssetClass, Instrument


def history(
    market: Instrument, bars: list[tuple[int, int, float]], maps: list[tuple[int, int]]
) -> MarketHistory:
    """Bars are (day, contract index, close); maps are (day from, contract index)."""
    day, contract, close = (np.array(column) for column in zip(*bars, strict=True))
    none = np.full(len(bars), np.nan)
    return MarketHistory(
        market,
        np.array([202003, 202006]),
        np.array([100, 200]),
        day,
        contract,
        close,
        close,
        close,
        close,
        none,
        none,
        np.array([start for start, _ in maps]),
        np.array([index for _, index in maps]),
    )


ROLLED = [(1, 0, 100.0), (2, 0, 110.0), (3, 0, 121.0), (3, 1, 200.0), (4, 1, 220.0), (6, 1, 198.0)]


def test_a_roll_is_no_return() -> None:
    market = history(instrument("ES"), ROLLED, [(1, 0), (3, 1)])
    got = front_returns(market, np.arange(1, 7))
    # on day 3 the old contract's change counts, from then on the new one's; day 5 has no price
    assert got.tolist() == pytest.approx([0.0, 0.1, 0.1, 0.1, 0.0, -0.1])
    later = front_returns(market, np.array([3, 6]))
    assert later.tolist() == pytest.approx([0.0, 1.1 * 0.9 - 1])


def test_a_bad_print_is_no_return_and_a_crash_is_one() -> None:
    bars = [(k, 0, 100.0) for k in range(1, 9)]
    bars[3] = (4, 0, 1000.0)
    got = front_returns(history(instrument("ES"), bars, [(1, 0)]), np.arange(1, 9))
    assert got.tolist() == [0.0] * 8
    crash = [(1, 0, 100.0), (2, 0, 70.0), (3, 0, 75.0), (4, 0, -3.0), (5, 0, 75.0)]
    got = front_returns(history(instrument("ES"), crash, [(1, 0)]), np.arange(1, 6))
    assert got.tolist() == pytest.approx([0.0, -0.3, 75 / 70 - 1, 0.0, 0.0])


def test_sixty_forty_of_the_preferred_markets() -> None:
    bond = instrument("ZN", asset_class=AssetClass.BOND, duration=6.0)
    flat = [(k, 0, 100.0 + (k == 3)) for k in range(1, 7)]
    markets = {
        "FESX": history(instrument("FESX"), [*ROLLED, (7, 1, 198.0)], [(1, 0), (3, 1)]),
        "ES": history(instrument("ES"), ROLLED, [(1, 0), (3, 1)]),
        "ZN": history(bond, flat, [(1, 0)]),
    }
    found = benchmark_of(Dataset("x", False, markets, {}), np.arange(1, 7))
    assert found is not None
    assert found.name == "60 % ES + 40 % ZN"
    assert found.returns[2] == pytest.approx(0.6 * 0.1 + 0.4 * 0.01)
    without = {code: markets[code] for code in ("FESX",)}
    alone = benchmark_of(Dataset("x", False, without, {}), np.arange(1, 8))
    assert alone is not None
    assert alone.name == "100 % FESX"
    assert benchmark_of(Dataset("x", False, {}, {}), np.arange(3)) is None
    assert benchmark_of(Dataset("x", False, markets, {}), np.arange(0)) is None


def test_later_data_change_no_earlier_return() -> None:
    data = made_up_dataset(200)
    day = np.unique(next(iter(data.markets.values())).day)
    whole = benchmark_of(data, day[:150])
    cut = benchmark_of(data.between(0, int(day[149])), day[:150])
    assert whole is not None
    assert cut is not None
    assert whole.name == cut.name
    # the last close is judged by the next one too, for bad prints
    np.testing.assert_allclose(whole.returns[:-1], cut.returns[:-1])
