import shutil
from datetime import date

import numpy as np
import pytest

from research.data.errors import DataError
from research.data.import_pysystemtrade import load_pysystemtrade, read_expiries
from research.data.issue_log import LEFT_OUT
from tests.helpers import pinned
from tests.research.pysystemtrade_folder import (
    DAYS,
    JUN,
    MULTIPLE_HEADER,
    bars,
    instrument,
    issue,
    kinds,
    load,
    master,
    plain_rows,
    write,
    write_adjusted,
    write_fx,
    write_multiple,
)
from universe.arrays import from_epoch_day, to_epoch_day
from universe.listing import PERPETUAL_MONTH
from universe.master import MASTER


class TestIssues:
    def test_what_is_dropped_kept_or_doubted_is_named(self, tmp_path):
        rows = plain_rows()
        rows[1] = (*rows[1][:3], "", *rows[1][4:])  # no PRICE
        rows[2] = (*rows[2][:3], "n/k", *rows[2][4:])  # unreadable
        rows[3] = (rows[3][0], 0, *rows[3][2:])  # zero carry
        rows[4] = (*rows[4][:3], -37.63, *rows[4][4:])
        rows[5] = (*rows[5][:4], "20201350", *rows[5][5:])  # month 13
        rows[6] = ("2020-03-xx 23:00:00", *rows[6][1:])
        rows.insert(7, ("2020-03-08 23:00:00", *rows[7][1:]))  # a Sunday, and out of order
        rows.append((f"{DAYS[-1]} 23:30:00", *rows[-1][1:]))
        rows.append(("2020-05-04 23:00:00", *rows[-1][1:]))
        write_multiple(tmp_path, rows)
        write_adjusted(tmp_path, [(day, 10.0 + k) for k, day in enumerate(DAYS)])
        data = load(tmp_path)
        found = {(i.kind, i.epoch_day and from_epoch_day(i.epoch_day)) for i in data.issues}
        assert found >= {
            ("no price", DAYS[1]),
            ("no price", DAYS[2]),
            ("unreadable number", DAYS[2]),
            ("zero price", DAYS[3]),
            ("negative price", DAYS[4]),
            ("bad contract", DAYS[5]),
            ("unreadable date", None),
            ("weekend", date(2020, 3, 8)),
            ("unsorted", date(2020, 3, 8)),
            ("duplicate", DAYS[-1]),
            ("gap", date(2020, 5, 4)),
            ("after expiry", None),
            ("adjusted differs", DAYS[4]),
        }
        values = bars(data.markets["AA"])
        assert values[DAYS[4], 202003] == -37.63
        assert (DAYS[3], 202006) not in values
        assert all(day.weekday() < 5 for day, _ in values)
        assert all(str(i).startswith(f"{i.market} ") and len(i.detail) > 10 for i in data.issues)

    def test_outlier_is_flagged_and_kept(self, tmp_path):
        rng = np.random.default_rng(1)
        days = [from_epoch_day(d) for d in range(to_epoch_day(DAYS[0]), 18500)]
        days = [day for day in days if day.weekday() < 5]
        price = 100 + np.cumsum(rng.normal(0, 1, len(days)))
        price[80] += 60
        price[90:] += 60  # a jump that stays is no outlier
        month = 20210300
        write_multiple(
            tmp_path,
            [
                (f"{d} 23:00:00", "", JUN, p, month, "", JUN)
                for d, p in zip(days, price, strict=True)
            ],
        )
        data = load(tmp_path)
        assert issue(data, "outlier").epoch_day == to_epoch_day(days[80])
        assert bars(data.markets["AA"])[days[80], 202103] == price[80]

    def test_stale_carry_and_absurd_spread_cost(self, tmp_path):
        rows = plain_rows()
        rows = [(s, 101.0, *rest) for s, _, *rest in rows]
        write_multiple(tmp_path, rows)
        write(tmp_path, "csvconfig", "spreadcosts", "Instrument,SpreadCost", ["ALPHA,12.0"])
        data = load(tmp_path)
        assert "on 15 sessions" in issue(data, "stale carry").detail
        assert "12 times the median daily move" in issue(data, "spread cost").detail

    def test_long_lists_are_summed_up(self, tmp_path):
        rows = [row for row in plain_rows() for _ in range(2)]
        write_multiple(tmp_path, rows)
        found = issue(load(tmp_path), "duplicate")
        assert found.epoch_day == to_epoch_day(DAYS[0])
        assert f"16 times, last on {DAYS[-1]}" in found.detail

    def test_files_unknown_to_the_master_are_named(self, tmp_path):
        write_multiple(tmp_path, plain_rows())
        write_multiple(tmp_path, plain_rows(), name="BETA")
        assert [i.market for i in load(tmp_path).issues if i.kind == "unknown market"] == ["BETA"]


class TestOtherFiles:
    def test_a_market_with_only_adjusted_prices_has_no_carry(self, tmp_path):
        write_adjusted(tmp_path, [(f"{d} 23:00:00", 10.0 + k) for k, d in enumerate(DAYS)])
        data = load(tmp_path)
        history = data.markets["AA"]
        assert history.contract_month.tolist() == [PERPETUAL_MONTH]
        assert history.expiry[0] > to_epoch_day(date(2100, 1, 1))
        np.testing.assert_array_equal(history.close, 10.0 + np.arange(len(DAYS)))
        assert history.mapped_from.tolist() == [to_epoch_day(DAYS[0])]
        assert "no carry" in kinds(data)

    def test_fx_is_dollars_per_unit(self, tmp_path):
        write_multiple(tmp_path, plain_rows())
        write_multiple(tmp_path, plain_rows(), name="BETA")
        write_fx(tmp_path, [("2020-03-02", 1.1), ("2020-03-03", 0), ("2020-03-04", 1.2)])
        two = (instrument(currency="EUR"), instrument("BB", "BETA", currency="GBP"))
        data = load(tmp_path, *two)
        assert data.fx["EUR"].rate.tolist() == [1.1, 1.2]
        assert ("EUR", "bad rate") in {(i.market, i.kind) for i in data.issues}
        assert issue(data, "no fx").market == "BB"

    def test_expiries_come_from_the_file_before_the_rule(self, tmp_path):
        write_multiple(tmp_path, plain_rows())
        path = write(
            tmp_path,
            ".",
            "expiries",
            "market,root,contract_month,last_trade_date",
            ["cme,AA,202003,2020-03-19", "cbot,AA,202006,2020-06-01", "cme,ZZ,202006,2020-06-02"],
        )
        expiries = read_expiries(path, master())
        assert expiries == {("AA", 202003): to_epoch_day(date(2020, 3, 19))}
        history = load(tmp_path, expiries=expiries).markets["AA"]
        assert [from_epoch_day(d) for d in history.expiry] == [date(2020, 3, 19), date(2020, 6, 19)]

    def test_start_end_codes_and_progress(self, tmp_path):
        write_multiple(tmp_path / "data" / "futures", plain_rows())
        seen = []
        data = load(
            tmp_path,
            instrument(),
            instrument("BB", "BETA"),
            codes=["AA"],
            start=DAYS[2],
            end=DAYS[5],
            progress=lambda *step: seen.append(step),
        )
        days = data.markets["AA"].day
        assert (days[0], days[-1]) == (to_epoch_day(DAYS[2]), to_epoch_day(DAYS[5]))
        assert seen == [(1, 1, "AA")]
        assert not data.synthetic
        assert str(DAYS[5]) in data.name


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "the file is empty"),
            ("DATETIME,PRICE\n2020-03-02,1\n", "no column CARRY"),
            ("{header}\n", "no rows"),
            (
                "{header}\n2020-03-02 23:00:00,101,20200600,100,20200300,,20200600\n2020-03-03 2",
                "cut",
            ),
            ("{header}\n02/03/2020 23:00,101,20200600,100,20200300,,20200600\n", "yyyy-mm-dd"),
            (
                "{header}\n2020-03-02 23:00:00,101,20200600,,20200300,,20200600\n",
                "none of the 1 row",
            ),
            (
                "{header}\n2020-03-01 23:00:00,101,20200600,9,20200300,,20200600\n",
                "expected weekdays",
            ),
            ("{header}\n1,2,3,4,5,6,7,8,9\n1,2,3,4,5,6,7\n", "line 2 is broken"),
            ("{header}\n" + '2020-03-02,"1,2,3,4,5,6\n', "not a readable CSV"),
        ],
    )
    def test_unusable_files_name_file_problem_and_expectation(self, tmp_path, text, complaint):
        path = write_multiple(tmp_path, [])
        path.write_text(text.format(header=MULTIPLE_HEADER))
        with pytest.raises(DataError, match=complaint) as caught:
            load(tmp_path)
        assert "ALPHA.csv" in str(caught.value)
        assert "expected" in str(caught.value)

    def test_missing_folders_and_markets(self, tmp_path):
        with pytest.raises(DataError, match="folder is missing"):
            load(tmp_path / "nowhere")
        with pytest.raises(DataError, match="neither multiple_prices_csv"):
            load(tmp_path)
        write_multiple(tmp_path, plain_rows())
        with pytest.raises(DataError, match="unknown market 'XX'"):
            load(tmp_path, codes=["XX"])
        with pytest.raises(DataError, match=r"BETA\.csv: the file of market 'BB' is missing"):
            load(tmp_path, instrument("BB", "BETA"), codes=["BB"])
        with pytest.raises(DataError, match="none of its 1 file"):
            load(tmp_path, instrument("BB", "BETA"))
        with pytest.raises(DataError, match="no market has a session"):
            load(tmp_path, end=date(2019, 1, 1))
        with pytest.raises(DataError, match="expiries"):
            read_expiries(tmp_path / "expiries.csv", master())


@pytest.fixture(scope="module")
def data(futures_data):
    return load_pysystemtrade(futures_data, MASTER)


@pytest.mark.realdata
def test_a_truncated_folder_gives_the_same_bars(futures_data, tmp_path):
    cut = "2019-06-14"
    sources = ["SP500", "CORN", "GAS_US", "BRENT_W", "DAX", "US30"]
    codes = [MASTER.from_source(name).code for name in sources]
    for code in codes:
        for sub in ("multiple_prices_csv", "adjusted_prices_csv"):
            name = f"{MASTER[code].source_code}.csv"
            head, *lines = (futures_data / sub / name).read_text().splitlines()
            kept = [line for line in lines if line[:10] <= cut]
            (tmp_path / sub).mkdir(exist_ok=True)
            (tmp_path / sub / name).write_text("\n".join([head, *kept]) + "\n")
    whole = load_pysystemtrade(futures_data, MASTER, codes)
    part = load_pysystemtrade(tmp_path, MASTER, codes)
    ended = load_pysystemtrade(futures_data, MASTER, codes, end=date.fromisoformat(cut))
    last = to_epoch_day(date.fromisoformat(cut))
    assert set(part.markets) == set(whole.markets) == set(codes)
    for code in codes:
        expected = bars(whole.markets[code].between(0, last))
        assert bars(part.markets[code]) == expected
        assert bars(ended.markets[code]) == expected


@pytest.mark.realdata
class TestRealData:
    def test_every_market_is_read(self, data, futures_data):
        files = {path.stem for path in (futures_data / "adjusted_prices_csv").glob("*.csv")}
        read = {h.instrument.source_code for h in data.markets.values()}
        assert read == files - {issue.market for issue in data.issues if issue.kind in LEFT_OUT}
        pinned(data.fingerprint())
        assert len(data.markets) == 61
        assert set(data.fx) >= {"EUR", "GBP", "JPY", "CHF", "SGD", "KRW", "CAD"}

    def test_known_dirt_is_reported(self, data):
        pinned(data.fingerprint())
        markets = {}
        for found in data.issues:
            markets.setdefault(found.kind, set()).add(found.market)
        sources = {
            kind: {MASTER[code].source_code for code in codes if code in MASTER}
            for kind, codes in markets.items()
        }
        assert sources["spread cost"] == {"EURIBOR"}
        assert sources["no carry"] == {"SILVER", "CAD", "CHF"}
        assert sources["zero price"] == {"RICE"}
        assert sources["conflict"] == {"SGX"}
        assert "unknown market" not in sources
        assert "adjusted differs" not in sources

    def test_mapping_follows_the_source_and_only_moves_on(self, data):
        for history in data.markets.values():
            assert (np.diff(history.mapped_contract) > 0).all()
            assert (np.diff(history.mapped_from) > 0).all()
            assert ((history.day + 3) % 7 < 5).all()

    def test_the_old_contract_moves_with_the_new_one_after_a_roll(self, data):
        history = data.markets["ES"]
        rolls = history.mapped_from[1:]
        roll = int(rolls[np.searchsorted(rolls, to_epoch_day(date(2019, 3, 1)))])
        values = bars(history)
        old, new = 201903, 201906
        last = max(day for day, month in values if month == old and to_epoch_day(day) < roll)
        day = min(d for d, month in values if month == new and to_epoch_day(d) >= roll)
        move = values[day, new] - values[last, new]
        assert values[day, old] == pytest.approx(values[last, old] + move, abs=1e-9)


def test_copying_the_folder_changes_nothing(tmp_path):
    write_multiple(tmp_path / "one", plain_rows())
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    first, second = load(tmp_path / "one"), load(tmp_path / "two")
    assert first.fingerprint() == second.fingerprint()
    assert first.name == second.name
