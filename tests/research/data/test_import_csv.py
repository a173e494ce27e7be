from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.contract_quotes import ContractBars
from research.data.errors import DataError
from research.data.import_csv import load_csv
from research.data.issue_log import IssueLog
from research.data.open_interest import open_interest_map
from tests.research.pysystemtrade_folder import DAYS, bars, instrument, issue, kinds, master, write
from universe.arrays import to_epoch_day

BAR = "date,open,high,low,close,volume,open_interest"
MARKET = "date,contract,open,high,low,close,volume,open_interest"


def put(folder, name, header, rows):
    return write(folder, ".", name, header, rows)


def two_contracts():
    """March leads in open interest on the first three sessions, June afterwards."""
    rows = []
    for k, day in enumerate(DAYS):
        rows.append((day, 202003, 100, 103, 99, 101 + k % 2, 10, 500 - 100 * k if k < 5 else 10))
        rows.append((day, 202006, 101, 104, 100, 102 + k % 2, 10, 250))
    return rows


def test_one_file_per_market(tmp_path):
    put(tmp_path, "AA", MARKET, two_contracts())
    data = load_csv(tmp_path, master())
    history = data.markets["AA"]
    assert history.contract_month.tolist() == [202003, 202006]
    assert bars(history)[DAYS[1], 202006] == 103.0
    assert (history.open[0], history.high[0], history.low[0]) == (100.0, 103.0, 99.0)
    assert (history.volume[0], history.open_interest[0]) == (10.0, 500.0)
    assert kinds(data, "AA") == ["after expiry"]  # March 2020 ended on the 20th


def test_one_file_per_contract_is_the_same(tmp_path):
    put(tmp_path / "market", "AA", MARKET, two_contracts())
    for month in (202003, 202006):
        rows = [(day, *rest) for day, m, *rest in two_contracts() if m == month]
        put(tmp_path / "contracts", f"AA_{month}", BAR, rows)
    one = load_csv(tmp_path / "market", master())
    other = load_csv(tmp_path / "contracts", master())
    assert one.fingerprint() == other.fingerprint()


def test_mapping_uses_the_open_interest_of_the_two_sessions_before(tmp_path):
    put(tmp_path, "AA", MARKET, two_contracts())
    history = load_csv(tmp_path, master()).markets["AA"]
    # March 500, 400, 300 against 250; 200 and 100 on the fourth and fifth: June from the sixth
    assert history.mapped_from.tolist() == [to_epoch_day(DAYS[2]), to_epoch_day(DAYS[5])]
    assert history.mapped_contract.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("month", "sessions", "why"),
    [(202009, 1, "nearer one"), (202009, 5, "nearer one"), (202006, 1, "not before")],
)
def test_a_wrong_open_interest_moves_no_front_and_is_named(tmp_path, month, sessions, why):
    """One figure of 99,999,999 took the market a year ahead and kept it there."""
    clean = [
        (day, contract, 100 + k % 3, interest)
        for k, day in enumerate(DAYS[:10])
        for contract, interest in ((202003, 500), (202006, 200), (202009, 5))
    ]
    header = "date,contract,close,open_interest"
    put(tmp_path / "clean", "AA", header, clean)
    struck = DAYS[3 : 3 + sessions]
    rows = [(d, m, c, 99_999_999 if d in struck and m == month else i) for d, m, c, i in clean]
    put(tmp_path / "spiked", "AA", header, rows)
    data = load_csv(tmp_path / "spiked", master())
    history, expected = data.markets["AA"], load_csv(tmp_path / "clean", master()).markets["AA"]
    assert history.mapped_from.tolist() == expected.mapped_from.tolist()
    assert history.mapped_contract.tolist() == expected.mapped_contract.tolist() == [0]
    found = [i for i in data.issues if i.kind == "open interest"]
    assert found[0].epoch_day == to_epoch_day(DAYS[3])
    assert len(found) == sessions
    assert str(month) in found[0].detail
    assert why in found[0].detail


def test_a_front_that_is_no_longer_quoted_may_skip(tmp_path):
    rows = [(day, 202003, 100 + k, 500) for k, day in enumerate(DAYS[:4])]
    rows += [(day, 202009, 102 + k, 50) for k, day in enumerate(DAYS)]
    rows += [(day, 202006, 101 + k, 5) for k, day in enumerate(DAYS)]
    put(tmp_path, "AA", "date,contract,close,open_interest", rows)
    history = load_csv(tmp_path, master()).markets["AA"]
    assert history.mapped_from.tolist() == [to_epoch_day(DAYS[2]), to_epoch_day(DAYS[6])]
    assert history.mapped_contract.tolist() == [0, 2]


def test_without_open_interest_there_is_no_mapping(tmp_path):
    rows = [(day, contract, close) for day, contract, _, _, _, close, _, _ in two_contracts()]
    put(tmp_path, "AA", "date,contract,close", rows)
    data = load_csv(tmp_path, master())
    history = data.markets["AA"]
    assert len(history.mapped_from) == len(history.mapped_contract) == 0
    np.testing.assert_array_equal(history.high, history.close)
    assert np.isnan(history.open_interest).all()
    assert issue(data, "no open").epoch_day == to_epoch_day(DAYS[0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=2, max_size=20))
def test_mapping_is_causal_and_never_steps_back_nor_skips(open_interest):
    table = np.array(open_interest, dtype=float)
    n = len(table)
    days = np.arange(100, 100 + n)
    months = np.array([202003, 202006, 202009])
    session, contract = np.repeat(np.arange(n), 3), np.tile(np.arange(3), n)
    front = np.zeros(n, dtype=np.int64)
    quotes = ContractBars(days, months, front, session, contract, np.ones(3 * n))
    start, mapped = open_interest_map(quotes, table.ravel(), instrument(), IssueLog())
    assert (np.diff(start) > 0).all()
    assert set(np.diff(mapped).tolist()) <= {1}
    front, last = -1, None
    for k in range(1, n):
        leader = int(table[k - 1].argmax()) if table[k - 1].max() > 0 else None
        if leader is not None:
            allowed = leader > front and (front < 0 or leader == front + 1)
            if allowed and leader == last:
                front, last = leader, None
            else:
                last = leader if allowed else None
        known = np.searchsorted(start, days[k], side="right")
        assert (mapped[known - 1] if known else -1) == front


def test_what_is_dropped_or_mended_is_named(tmp_path):
    rows = [
        ("2020-03-02", 100, 103, 99, 101, 10, 5),
        ("2020-03-03", 100, 101, 99, 104, 10, 5),  # close above high
        ("2020-03-04", 100, 103, 99, "", 10, 5),
        ("2020-03-05", 100, 103, 99, 0, 10, 5),
        ("2020-03-06", "", 103, 99, -2, -10, -5),
        ("2020-03-07", 100, 103, 99, 101, 10, 5),  # Saturday
        ("2020-03-10", 100, 103, 99, 101, 10, 5),
        ("2020-03-09", 100, 103, 99, 101, 10, 5),
        ("2020-03-10", 100, 103, 99, 102, 10, 5),
    ]
    put(tmp_path, "AA_202006", BAR, rows)
    data = load_csv(tmp_path, master())
    history = data.markets["AA"]
    assert kinds(data) == [
        "unsorted",
        "no price",
        "zero price",
        "negative price",
        "weekend",
        "duplicate",
        "negative volume",
        "negative open_interest",
        "no open",
        "bad range",
        "bad range",
    ]
    assert bars(history)[date(2020, 3, 10), 202006] == 102.0
    assert history.high[1] == 104.0
    assert (history.low[2], history.open[2]) == (-2.0, -2.0)
    assert np.isnan(history.volume[2])


def test_codes_dates_rates_and_unknown_files(tmp_path):
    put(tmp_path, "AA", MARKET, two_contracts())
    put(tmp_path, "BB", MARKET, two_contracts())
    write(tmp_path, "fx", "EURUSD", "date,rate", ["2020-03-02,1.1"])
    data = load_csv(
        tmp_path, master(instrument(currency="EUR")), start=DAYS[2], end=DAYS[4], expiries={}
    )
    assert (data.markets["AA"].day[0], data.markets["AA"].day[-1]) == (
        to_epoch_day(DAYS[2]),
        to_epoch_day(DAYS[4]),
    )
    assert data.fx["EUR"].rate.tolist() == [1.1]
    assert issue(data, "unknown market").market == "BB"


def test_errors_name_file_and_expectation(tmp_path):
    with pytest.raises(DataError, match="folder is missing; expected <CODE>"):
        load_csv(tmp_path / "nowhere", master())
    with pytest.raises(DataError, match="holds no file of a market"):
        load_csv(tmp_path, master())
    path = put(tmp_path, "AA", "date,contract,last", ["2020-03-02,202003,5"])
    with pytest.raises(DataError, match=r"AA\.csv: no column close"):
        load_csv(tmp_path, master())
    path.write_text("date,contract,close\n2020-03-02,2003,5\n")
    with pytest.raises(DataError, match=r"AA\.csv: none of the 1 row is usable; expected"):
        load_csv(tmp_path, master())
    with pytest.raises(DataError, match="unknown market 'ZZ'"):
        load_csv(tmp_path, master(), codes=["ZZ"])
    path.write_text("date,contract,close\n2020-03-02,202003,5\n")
    with pytest.raises(DataError, match="no file of market 'BB'"):
        load_csv(tmp_path, master(instrument(), instrument("BB", "B")), codes=["BB"])
    with pytest.raises(DataError, match="no market has a session"):
        load_csv(tmp_path, master(), end=date(2000, 1, 1))
    put(tmp_path, "AA_202003", "date,close", ["2020-03-02,5"])
    with pytest.raises(DataError, match="also has files per contract"):
        load_csv(tmp_path, master())
