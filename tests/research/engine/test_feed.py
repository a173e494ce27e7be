import dataclasses
from datetime import date

import numpy as np
import pytest

from research.data.dataset import Dataset, FxHistory, MarketHistory
from research.engine.feed import Feed, fx_table, listed_contracts
from tests.helpers import MONDAY, instrument, made_up_dataset, without_bars
from universe.arrays import to_epoch_day
from universe.instruments import Notice

NAN = float("nan")


def history(market, rows, *, mapped=((0, 0),), months=(202003, 202006), expiry=(100, 190)):
    """``rows`` of (day, contract index, open, close, open interest)."""
    table = np.array(rows, dtype=float).reshape(-1, 5)
    return MarketHistory(
        instrument=market,
        contract_month=np.array(months),
        expiry=np.array(expiry),
        day=table[:, 0].astype(np.int64),
        contract=table[:, 1].astype(np.int64),
        open=table[:, 2],
        high=table[:, 3],
        low=table[:, 3],
        close=table[:, 3],
        volume=table[:, 4],
        open_interest=table[:, 4],
        mapped_from=np.array([m[0] for m in mapped]),
        mapped_contract=np.array([m[1] for m in mapped]),
    )


def test_lows_below_the_close_are_told_by_contract():
    data = two_markets()
    assert [bars.session.lows for bars in Feed(data, 0, 100)] == [{}, {}, {}]
    one = data.markets["AA"]
    low = np.array([1.5, 4.0, NAN])
    data.markets["AA"] = dataclasses.replace(one, low=low)
    assert [bars.session.lows for bars in Feed(data, 0, 100)] == [{(0, 202003): 1.5}, {}, {}]


def two_markets():
    one = history(
        instrument("AA"),
        [(10, 0, 1.0, 2.0, NAN), (10, 1, 3.0, 4.0, NAN), (12, 1, 5.0, 6.0, NAN)],
        mapped=((10, 0), (12, 1)),
    )
    two = history(
        instrument("BB", currency="EUR"),
        [(11, 0, 7.0, 8.0, 100.0), (12, 0, 9.0, 9.5, 120.0)],
        mapped=((11, 0),),
    )
    rates = FxHistory("EUR", np.array([9, 11, 12]), np.array([1.1, 1.2, 1.3]))
    return Dataset("hand made", True, {"AA": one, "BB": two}, {"EUR": rates})


def sessions(feed):
    return list(feed)


class TestSessions:
    def test_hand_made(self):
        bars = sessions(Feed(two_markets(), 0, 1000))
        assert [b.session.day for b in bars] == [10, 11, 12]
        assert [b.session.quotes for b in bars] == [
            [{202003: 2.0, 202006: 4.0}, {}],
            [{}, {202003: 8.0}],
            [{202006: 6.0}, {202003: 9.5}],
        ]
        assert [[b.open_of(m, c) for m in (0, 1) for c in (202003, 202006)] for b in bars] == [
            [1.0, 3.0, None, None],
            [None, None, 7.0, None],
            [None, 5.0, 9.0, None],
        ]

    def test_front_contract_is_the_last_known_one(self):
        bars = sessions(Feed(two_markets(), 0, 1000))
        assert [b.session.mapped for b in bars] == [[202003, 0], [202003, 202003], [202006, 202003]]

    def test_open_interest_is_that_of_the_contracts_bar_before(self):
        """The exchange publishes a session's figure when the session has been decided on."""
        rows = [
            (10, 0, 1, 1, 100.0),
            (10, 1, 1, 1, 7.0),
            (11, 0, 1, 1, NAN),
            (12, 0, 1, 1, 130.0),
            (12, 1, 1, 1, 9.0),
            (13, 0, 1, 1, 140.0),
            (13, 1, 1, 1, NAN),
        ]
        data = Dataset("x", True, {"AA": history(instrument("AA"), rows)}, {})
        found = [bars.session.open_interest for bars in Feed(data, 0, 1000)]
        near, far = 202003, 202006
        assert found == [
            [{}],
            [{near: 100.0}],
            [{near: 100.0, far: 7.0}],
            [{near: 130.0, far: 9.0}],
        ]

    def test_no_open_interest_where_the_source_has_none(self):
        bars = sessions(Feed(two_markets(), 0, 1000))
        assert [b.session.open_interest[0] for b in bars] == [{}, {}, {}]

    def test_rates_of_the_day(self):
        bars = sessions(Feed(two_markets(), 0, 1000))
        assert [b.session.fx.tolist() for b in bars] == [[1.0, 1.1], [1.0, 1.2], [1.0, 1.3]]

    def test_dates_are_inclusive(self):
        assert Feed(two_markets(), 10, 11).days.tolist() == [10, 11]
        assert Feed(two_markets(), 11, 10).days.tolist() == []

    def test_the_front_of_sessions_before_the_first_one_is_known(self):
        (bars,) = sessions(Feed(two_markets(), 12, 12))
        assert bars.session.mapped == [202006, 202003]

    def test_walking_twice_gives_the_same_sessions(self):
        feed = Feed(two_markets(), 0, 1000)
        first = [(b.session.day, b.session.mapped) for b in feed]
        assert [(b.session.day, b.session.mapped) for b in feed] == first

    def test_every_bar_of_the_dataset_comes_once(self):
        data = made_up_dataset(60)
        count = {code: 0 for code in data.markets}
        feed = Feed(data, 0, 10**6)
        for bars in feed:
            for code, quotes in zip(feed.codes, bars.session.quotes, strict=True):
                count[code] += len(quotes)
        assert count == {code: len(h.day) for code, h in data.markets.items()}


class TestRates:
    def test_the_last_known_one_and_none_before_the_first(self):
        data = two_markets()
        found = fx_table(data, [data.markets["BB"].instrument], np.array([8, 9, 10, 11, 50]))
        np.testing.assert_array_equal(found[:, 0], [NAN, 1.1, 1.1, 1.2, 1.3])

    def test_a_currency_without_rates_is_unknown_not_one(self):
        data = Dataset("x", True, two_markets().markets, {})
        found = fx_table(data, [instrument(currency="EUR"), instrument()], np.array([10]))
        np.testing.assert_array_equal(found, [[NAN, 1.0]])


class TestContracts:
    def test_listed_with_their_last_holding_days(self):
        """Third Friday of March 2020 is the 20th; first notice for H is the end of February.

        Two business days more are kept in hand for holidays.
        """
        friday = to_epoch_day(date(2020, 3, 20))
        for notice, last in (
            (Notice.CASH, date(2020, 3, 17)),
            (Notice.PRIOR_MONTH_END, date(2020, 2, 25)),
        ):
            market = instrument(notice=notice)
            (found,) = listed_contracts(history(market, [], months=(202003,), expiry=(friday,)))
            assert (found.month, found.expiry) == (202003, friday)
            assert found.last_holding == to_epoch_day(last)


class TestDataset:
    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ([(10, 1, 1, 1, 1), (10, 0, 1, 1, 1)], "sorted"),
            ([(10, 0, 1, 1, 1), (10, 0, 1, 1, 1)], "sorted"),
            ([(11, 0, 1, 1, 1), (10, 0, 1, 1, 1)], "sorted"),
            ([(10, 0, 1, NAN, 1)], "close is NaN"),
        ],
    )
    def test_bad_bars_are_refused_with_the_markets_name(self, rows, words):
        with pytest.raises(ValueError, match=f"AA: .*{words}"):
            history(instrument("AA"), rows)

    def test_between_keeps_nothing_later(self):
        cut = two_markets().between(0, 11)
        assert cut.markets["AA"].day.max() == 10
        assert cut.markets["AA"].mapped_from.tolist() == [10]
        assert cut.fx["EUR"].day.tolist() == [9, 11]

    def test_select_orders_and_names_what_is_missing(self):
        assert list(two_markets().select(["BB", "AA"]).markets) == ["BB", "AA"]
        with pytest.raises(KeyError, match=r"no data for ZZ.*AA, BB"):
            two_markets().select(["AA", "ZZ"])

    @pytest.mark.parametrize(
        "name",
        ["day", "open", "close", "open_interest", "mapped_contract", "expiry", "contract_month"],
    )
    def test_fingerprint_changes_with_everything_a_decision_or_fill_reads(self, name):
        data = two_markets()
        changed = getattr(data.markets["BB"], name).copy()
        changed[-1] += 1
        other = dataclasses.replace(data.markets["BB"], **{name: changed})
        markets = {**data.markets, "BB": other}
        assert Dataset("hand made", True, markets, data.fx).fingerprint() != data.fingerprint()

    @pytest.mark.parametrize("field", ["day", "rate"])
    def test_fingerprint_changes_with_the_rates(self, field):
        data = two_markets()
        rates = data.fx["EUR"]
        moved = dataclasses.replace(rates, **{field: getattr(rates, field) + 1})
        other = Dataset("hand made", True, data.markets, {"EUR": moved})
        assert other.fingerprint() != data.fingerprint()

    def test_fingerprint_does_not_depend_on_the_order_of_markets(self):
        data = two_markets()
        assert data.select(["BB", "AA"]).fingerprint() == data.fingerprint()


def test_the_helper_that_takes_a_day_out_takes_only_that():
    data = made_up_dataset(30)
    day = int(data.markets["EQ1"].day[20])
    cut = without_bars(data, "EQ1", day)
    lost = len(data.markets["EQ1"].day) - len(cut.markets["EQ1"].day)
    assert lost == int((data.markets["EQ1"].day == day).sum()) > 0
    assert day not in cut.markets["EQ1"].day
    assert cut.markets["EQ2"] is data.markets["EQ2"]
    assert data.markets["EQ1"].day[0] >= MONDAY
