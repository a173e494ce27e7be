import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.import_pysystemtrade import read_expiries
from research.synthetic.defects import DEFECTS
from research.synthetic.exchange_holidays import bank_holidays, closed_days, easter
from research.synthetic.market import synthetic_market
from research.synthetic.models import CRISES, DEFAULT_CODES
from tests.golden_lean import EXPIRIES, lean_facts
from universe.arrays import from_epoch_day, to_epoch_day
from universe.continuous import stitch
from universe.instruments import AssetClass, UnknownInstrumentError
from universe.market_state import Roll
from universe.master import MASTER
from universe.rolls import roll_window_days

SPOILT = {defect.code for defect in DEFECTS}


@pytest.fixture(scope="module")
def data():
    return synthetic_market()


def assert_same_bars(one, other):
    """All bars agree, with contracts named by their month."""
    for name in ("day", "open", "high", "low", "close", "volume", "open_interest"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(
        one.contract_month[one.contract], other.contract_month[other.contract]
    )
    np.testing.assert_array_equal(one.expiry[one.contract], other.expiry[other.contract])


def front_of(history):
    """Sessions and the front contract of each."""
    sessions = np.unique(history.day)
    place = np.searchsorted(history.mapped_from, sessions, side="right") - 1
    return sessions, history.mapped_contract[place]


def front_series(history):
    sessions, front = front_of(history)
    rows = {
        key: close
        for key, close in zip(
            zip(history.day.tolist(), history.contract.tolist(), strict=True),
            history.close.tolist(),
            strict=True,
        )
    }
    pairs = list(zip(sessions.tolist(), front.tolist(), strict=True))
    rolls, held, holding = [], [], pairs[0][1]
    for day, front_now in pairs:
        held.append(rows.get((day, holding), math.nan))
        if front_now != holding and (day, holding) in rows:
            new_close = rows[day, front_now]
            rolls.append(Roll(day, 0, holding, front_now, held[-1], new_close, "mapping"))
            holding = front_now
    seen = np.isfinite(held)
    return stitch(sessions[seen], np.array(held)[seen], rolls)


class TestTheSame:
    def test_seed_gives_the_same_data_and_another_seed_does_not(self, data):
        assert synthetic_market(7).fingerprint() == data.fingerprint()
        assert synthetic_market(8).fingerprint() != data.fingerprint()

    def test_dates_only_cut(self, data):
        start, end = date(2009, 2, 11), date(2016, 10, 5)
        part = synthetic_market(start=start, end=end)
        whole = data.between(to_epoch_day(start), to_epoch_day(end))
        assert set(part.markets) == set(whole.markets)
        for code, history in part.markets.items():
            expected = whole.markets[code]
            known = np.searchsorted(expected.mapped_from, to_epoch_day(start), side="right") - 1
            np.testing.assert_array_equal(
                history.contract_month[history.mapped_contract],
                expected.contract_month[expected.mapped_contract[known:]],
            )
            assert_same_bars(history, expected)

    def test_other_markets_change_nothing(self, data):
        codes = ["NG", "6E", "HO", "FGBL"]
        few = synthetic_market(codes=codes)
        assert list(few.markets) == codes
        for code in ("NG", "6E", "FGBL"):
            assert_same_bars(few.markets[code], data.markets[code])
        np.testing.assert_array_equal(few.fx["EUR"].rate, data.fx["EUR"].rate)


class TestContents:
    def test_all_classes_labelled_synthetic(self, data):
        assert data.synthetic
        assert data.name == "synthetic market (seed 7)"
        assert list(data.markets) == list(DEFAULT_CODES)
        assert len(DEFAULT_CODES) == 24
        classes = {history.instrument.asset_class for history in data.markets.values()}
        assert classes == set(AssetClass) - {AssetClass.CRYPTO}  # which has no long history
        assert set(data.fx) >= {h.instrument.currency for h in data.markets.values()} - {"USD"}

    def test_bars_are_consistent_and_in_ticks(self, data):
        for code, history in data.markets.items():
            assert (history.low <= np.minimum(history.open, history.close)).all()
            assert (history.high >= np.maximum(history.open, history.close)).all()
            assert ((history.close > 0) | (code == "CL")).all()
            assert (history.volume >= 0).all()
            if code not in SPOILT:
                ticks = history.close / history.instrument.tick
                np.testing.assert_allclose(ticks, np.round(ticks), atol=1e-4)

    def test_every_session_quotes_front_neighbours_and_the_nearest(self, data):
        for code, history in data.markets.items():
            sessions, front = front_of(history)
            quotes = {(d, c) for d, c in zip(history.day, history.contract, strict=True)}
            assert all(pair in quotes for pair in zip(sessions, front, strict=True)), code
            if code != "6M":
                count = np.bincount(np.searchsorted(sessions, history.day))
                assert count.min() >= 3, code

    def test_the_front_contract_is_outside_its_roll_window(self, data):
        for history in data.markets.values():
            sessions, front = front_of(history)
            left = history.expiry[front] - sessions
            assert left.min() > roll_window_days(history.instrument)
            assert (np.diff(history.mapped_contract) > 0).all()
            assert (history.day <= history.expiry[history.contract]).all()

    def test_volume_and_interest_move_on_before_the_roll(self, data):
        for code in ("ES", "CL", "ZC"):
            history = data.markets[code]
            for k in range(3, 20):
                roll = history.mapped_from[k]
                old, new = history.mapped_contract[k - 1], history.mapped_contract[k]
                rows = {c: history.contract == c for c in (old, new)}
                ten_before = {c: rows[c] & (abs(history.day - roll + 12) < 3) for c in rows}
                after = {c: rows[c] & (abs(history.day - roll - 2) < 3) for c in rows}
                for values in (history.volume, history.open_interest):
                    assert values[ten_before[old]].mean() > 3 * values[ten_before[new]].mean()
                    assert values[after[new]].mean() > 3 * values[after[old]].mean()

    def test_rates_are_those_of_the_currency_futures(self, data):
        rate = data.fx["EUR"]
        series = front_series(data.markets["6E"])
        spot = rate.rate[np.searchsorted(rate.day, series.day)]
        assert np.abs(np.log(series.held_close / spot)).max() < 0.05

    def test_every_market_of_the_master_can_be_simulated(self):
        codes = [instrument.code for instrument in MASTER]
        few_years = synthetic_market(
            start=date(2015, 1, 1), end=date(2016, 12, 31), codes=codes, seed=3
        )
        assert list(few_years.markets) == codes

    def test_expiries_are_close_to_those_of_lean(self, data):
        known = read_expiries(lean_facts() / EXPIRIES, MASTER)
        same = [
            known[code, month] == expiry
            for code, history in data.markets.items()
            for month, expiry in zip(
                history.contract_month.tolist(), history.expiry.tolist(), strict=True
            )
            if (code, month) in known
        ]
        assert len(same) > 2000
        assert np.mean(same) > 0.99


class TestBehaviour:
    def test_volatility_clusters_and_tails_are_fat(self, data):
        for code in ("ES", "ZN", "6E", "GC", "NG", "ZS"):
            ret = front_series(data.markets[code]).returns()[1:]
            size = np.abs(ret) - np.abs(ret).mean()
            assert np.mean(size[20:] * size[:-20]) / np.mean(size**2) > 0.05, code
            assert np.mean((ret - ret.mean()) ** 4) / ret.var() ** 2 > 4.0, code

    def test_classes_move_together_and_more_so_in_a_crisis(self, data):
        series = {code: front_series(data.markets[code]) for code in ("ES", "NQ", "CL", "ZN")}
        common = np.array(sorted(set.intersection(*(set(s.day) for s in series.values()))))
        ret = {code: s.returns()[np.searchsorted(s.day, common)][1:] for code, s in series.items()}
        assert np.corrcoef(ret["ES"], ret["NQ"])[0, 1] > 0.6
        crisis = next(c for c in CRISES if c.start.year == 2008)
        first = np.searchsorted(common, to_epoch_day(crisis.start))
        inside = slice(first, first + crisis.sessions)
        assert ret["ES"][inside].sum() < -0.15
        assert ret["ZN"][inside].sum() > 0.0
        assert ret["ES"][inside].std() > 1.5 * ret["ES"].std()
        calm = np.corrcoef(ret["ES"], ret["CL"])[0, 1]
        assert np.corrcoef(ret["ES"][inside], ret["CL"][inside])[0, 1] > calm + 0.1

    def test_curves_change_sign_and_carry_is_modest(self, data):
        for code in ("CL", "ZC", "6A"):
            history = data.markets[code]
            near = np.flatnonzero(np.diff(history.day) == 0)
            years = np.diff(history.expiry[history.contract])[near] / 365.25
            slope = np.diff(np.log(np.abs(history.close)))[near] / years
            assert 0.02 < np.mean(slope < 0) < 0.98, code
            assert np.abs(np.median(slope)) < 0.4

    def test_a_plain_trend_rule_earns_a_believable_amount(self, data):
        by_day = {}
        for code, history in data.markets.items():
            series = front_series(history)
            ret = np.nan_to_num(series.returns())
            if code in ("KC", "CL"):
                ret = np.clip(ret, -0.1, 0.1)  # the planted prices
            sums = np.cumsum(ret)
            vol = np.sqrt(np.convolve(ret**2, np.ones(60) / 60)[: len(ret)])
            position = np.sign(sums[250:-1] - sums[:-251]) / np.maximum(vol[250:-1], 1e-4)
            for day, earned in zip(series.day[251:], position * ret[251:], strict=True):
                by_day.setdefault(int(day), []).append(earned)
        daily = np.array([np.mean(earned) for _, earned in sorted(by_day.items())])
        assert len(daily) > 5000
        assert 0.2 < daily.mean() / daily.std() * math.sqrt(252) < 1.5


class TestDirt:
    def test_planted_defects_are_there_and_listed(self, data):
        assert {(i.market, i.kind) for i in data.issues} == {(d.code, d.kind) for d in DEFECTS}
        assert all(issue.detail.startswith("planted: ") for issue in data.issues)
        markets = data.markets
        assert from_epoch_day(markets["NK225M"].day[0]) >= date(2006, 7, 3)
        gap = np.diff(np.unique(markets["HG"].day)).max()
        assert gap > 20
        crude = markets["CL"]
        (below,) = np.flatnonzero(crude.close <= 0)
        assert from_epoch_day(crude.day[below]) == date(2020, 4, 20)
        assert crude.contract_month[crude.contract[below]] == 202005
        sessions, _ = front_of(markets["6M"])
        quoted = np.bincount(np.searchsorted(sessions, markets["6M"].day))
        assert 0.25 < np.mean(quoted == 1) < 0.42
        coffee = front_series(markets["KC"])
        spike = np.searchsorted(coffee.day, to_epoch_day(date(2011, 5, 17)))
        assert coffee.returns()[spike] > 0.2
        assert coffee.returns()[spike + 1] < -0.15

    def test_the_stale_stretch_repeats_closes(self, data):
        cattle = data.markets["LE"]
        first, last = (to_epoch_day(d) for d in (date(2013, 4, 8), date(2013, 4, 17)))
        rows = (cattle.day >= first) & (cattle.day <= last)
        for contract in np.unique(cattle.contract[rows]):
            assert len(np.unique(cattle.close[rows & (cattle.contract == contract)])) == 1

    def test_exchanges_close_on_different_days(self, data):
        days = {code: set(np.unique(h.day).tolist()) for code, h in data.markets.items()}
        labour_day, thanksgiving = (to_epoch_day(d) for d in (date(2014, 5, 1), date(2014, 11, 27)))
        assert labour_day in days["ES"]
        assert labour_day not in days["FGBL"]
        assert thanksgiving in days["FGBL"]
        assert thanksgiving not in days["ZC"]
        christmas = to_epoch_day(date(2014, 12, 25))
        assert all(christmas not in known for code, known in days.items() if code != "NK225M")
        assert all(((np.array(sorted(known)) + 3) % 7 < 5).all() for known in days.values())


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="must be ordered and within 1991 and 2034"):
        synthetic_market(start=date(2010, 1, 1), end=date(2009, 1, 1))
    with pytest.raises(ValueError, match="within 1991"):
        synthetic_market(start=date(1980, 1, 1))
    with pytest.raises(UnknownInstrumentError, match="unknown market 'XX'"):
        synthetic_market(codes=["XX"])


def test_easter_and_observed_holidays():
    known = {2000: (4, 23), 2008: (3, 23), 2011: (4, 24), 2020: (4, 12), 2024: (3, 31)}
    assert {year: (easter(year).month, easter(year).day) for year in known} == known
    assert date(2021, 7, 5) in bank_holidays("cbot", 2021)  # the 4th was a Sunday
    assert date(2022, 12, 26) in closed_days("cme", 2022)
    assert date(2023, 11, 23) in closed_days("cbot", 2023)
    assert date(2021, 12, 24) in closed_days("cme", 2021)


@given(st.integers(1990, 2099), st.sampled_from(["cme", "cbot", "eurex", "ose"]))
def test_holidays_are_a_few_weekdays_of_their_year(year, market):
    assert easter(year).weekday() == 6
    days = closed_days(market, year)
    assert 2 <= len(days) <= 13
    assert all(day.year == year and day.weekday() < 5 for day in days)
