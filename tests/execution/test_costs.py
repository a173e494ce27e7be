import io
import math
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.strategy import Strategy
from execution.costs import CostModel, fee, past_cost_factor, slippage, spread_slippage
from execution.fills import ROLL, SPREAD
from tests.helpers import instrument, settings
from universe.arrays import to_epoch_day

SHARED = Path(__file__).parents[3] / "shared/data"

ES = instrument("ES", half_spread=0.125, adv_contracts=1_600_000.0, fee=2.25)
quantities = st.floats(0, 1e6)
sigmas = st.floats(0, 1e4)


def test_closed_form_by_hand():
    """100 of 1,600,000 contracts are 1/16000; 0.1 x 40 points x 0.0079057 = 0.0316."""
    found = slippage(ES, 100, 40.0, impact=0.1)
    assert found == pytest.approx(0.125 + 0.1 * 40 / math.sqrt(16_000))


def test_at_full_volume_the_impact_is_alpha_sigmas():
    assert slippage(ES, 1_600_000, 40.0, impact=0.1) - 0.125 == pytest.approx(4.0)


def test_stress_multiplies_all_of_it():
    assert slippage(ES, 50, 40.0, stress=3.0) == pytest.approx(3 * slippage(ES, 50, 40.0))
    assert slippage(ES, 50, 40.0, stress=0.0) == 0.0


@pytest.mark.parametrize("sigma", [math.nan, math.inf])
def test_unknown_volatility_leaves_the_spread(sigma):
    assert slippage(ES, 100, sigma) == 0.125


@given(quantities, sigmas)
def test_either_side_costs_the_same(quantity, sigma):
    assert slippage(ES, -quantity, sigma) == slippage(ES, quantity, sigma)


@given(quantities, quantities, sigmas)
def test_never_falls_with_the_quantity_nor_below_the_spread(one, other, sigma):
    low, high = sorted((one, other))
    assert 0.125 <= slippage(ES, low, sigma) <= slippage(ES, high, sigma)


@given(quantities, sigmas, st.floats(0, 20), st.floats(0, 20))
def test_never_falls_with_the_stress(quantity, sigma, one, other):
    low, high = sorted((one, other))
    assert slippage(ES, quantity, sigma, stress=low) <= slippage(ES, quantity, sigma, stress=high)


def test_four_times_the_quantity_doubles_the_impact():
    impact = [slippage(ES, q, 40.0) - 0.125 for q in (100, 400)]
    assert impact[1] == pytest.approx(2 * impact[0])


def test_fees_are_per_contract_and_side():
    assert fee(ES, 4) == fee(ES, -4) == 9.0
    assert fee(ES, 0) == 0.0


@pytest.mark.parametrize(
    ("year", "factor"),
    [(1975, 6), (1980, 3), (1992, 3), (1993, 2), (2002, 2), (2003, 1), (2022, 1)],
)
def test_costs_of_the_past(year, factor):
    day = to_epoch_day(date(year, 6, 30))
    assert past_cost_factor(day, "century") == factor
    assert past_cost_factor(day, "today") == 1


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_what_fills_passively_pays_no_half_spread(share):
    market = instrument("AA")
    strategy = Strategy(settings(passive_fills=share), [market])
    (cheaper,) = strategy.lines.instruments
    model = CostModel.of(strategy.settings)
    paid, usual = (model.concession(one, 10.0, 1.0, 100.0) for one in (cheaper, market))
    assert usual - paid == pytest.approx(share * market.half_spread)
    assert cheaper == (market if not share else strategy.instruments[0])


def test_an_unknown_rule_for_past_costs_is_refused():
    with pytest.raises(ValueError, match="past_costs is 'cheap'; it must be one of today, century"):
        past_cost_factor(0, "cheap")


def test_spreads_of_the_past_and_not_the_impact():
    day = to_epoch_day(date(1990, 6, 29))
    model = CostModel(impact=0.1, stress=2.0, past="century")
    assert model.concession(ES, 0, 40.0, 0.0, day=day) == pytest.approx(2 * 3 * 0.125)
    assert model.concession(ES, 0, 40.0, 0.0, SPREAD, day=day) == pytest.approx(3 * 0.125)
    more = model.concession(ES, 100, 40.0, 0.0, day=day)
    more -= model.concession(ES, 0, 40.0, 0.0, day=day)
    assert more == pytest.approx(2 * (slippage(ES, 100, 40.0) - 0.125))


class TestCalendarSpread:
    """Both legs of one order."""

    @given(quantities, sigmas)
    def test_both_legs_pay_what_one_pays_outright(self, quantity, sigma):
        both = 2 * spread_slippage(ES, quantity, sigma)
        assert both == pytest.approx(slippage(ES, quantity, sigma))

    def test_by_hand(self):
        """A width of 0.4 legs: (0.4 x 0.125 + 0.0316) / 2 a leg, three times that under stress."""
        each = (0.05 + 0.1 * 40 / math.sqrt(16_000)) / 2
        assert spread_slippage(ES, 100, 40.0, width=0.4) == pytest.approx(each)
        model = CostModel(impact=0.1, stress=3.0, width=0.4)
        assert model.concession(ES, 100, 40.0, 4000.0, SPREAD) == pytest.approx(3 * each)
        assert model.concession(ES, 100, 40.0, 4000.0) == pytest.approx(3 * slippage(ES, 100, 40.0))

    def test_a_levy_is_once_a_trade_and_once_a_roll(self):
        """1.5 bp of 4000 points are 0.6; the two legs of a roll pay it together (004)."""
        plain, levied = CostModel(0.1, 2.0), CostModel(0.1, 2.0, levy={"ES": 0.00015})
        for reason, points in (("", 0.6), (ROLL, 0.3), (SPREAD, 0.3)):
            paid = levied.concession(ES, 100, 40.0, 4000.0, reason)
            assert paid - plain.concession(ES, 100, 40.0, 4000.0, reason) == pytest.approx(points)
        other = instrument("NQ", half_spread=0.125)
        assert levied.concession(other, 1, 40.0, 4000.0) == plain.concession(other, 1, 40.0, 4000.0)

    @pytest.mark.parametrize("day", ["20131218", "20131220"])
    def test_the_default_width_is_that_of_the_quotes(self, day):
        """Of the E-mini S&P 500 on two days of a roll, in LEAN's samples."""
        path = SHARED / f"lean_minute/future/cme/minute/es/{day}_quote.zip"
        if not path.exists():
            pytest.skip(f"{path} is not there")
        near, far = (_touch(path, day, month) for month in ("201312", "201403"))
        both = near.join(far, lsuffix="_near", rsuffix="_far", how="inner")
        both = both[(both > 0).all(axis=1)]
        low = both.bid_near - both.ask_far
        high = both.ask_near - both.bid_far
        assert (high - low).median() == 0.5  # of the legs
        agreed = high.rolling(10).min() - low.rolling(10).max()
        assert agreed.median() == 0.25  # of one leg: values that both books allow for ten minutes


def _touch(path, day, month):
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{day}_es_minute_quote_{month}.csv")
    table = pd.read_csv(io.BytesIO(text), header=None, index_col=0)
    return pd.DataFrame({"bid": table[4], "ask": table[9]})
