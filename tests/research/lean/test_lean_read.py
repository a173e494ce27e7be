import json
import shutil
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.errors import DataError
from research.data.import_pysystemtrade import load_pysystemtrade
from research.data.issue_log import left_out
from research.lean.export import export_lean
from research.lean.read import read_lean
from tests.research.lean_samples import (
    assert_same,
    dataset,
    day,
    fx,
    history,
    instrument,
    lean_folder,
    real_lean_data,
)
from universe.arrays import to_epoch_day
from universe.instruments import InstrumentMaster
from universe.master import MASTER

MONTHS = [201912, 202003, 202006]


@pytest.fixture
def lean(tmp_path):
    return lean_folder(tmp_path / "lean")


@pytest.fixture
def exported(lean, tmp_path):
    """A folder with ES, and what was exported to it."""
    es = history(lean, instrument("ES"), MONTHS)
    export_lean(dataset(es), tmp_path / "out", lean)
    return tmp_path / "out", es


def rewrite(path, entry, change):
    """Change the text of one entry of a zip."""
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    texts[entry] = change(texts[entry])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)


CHOICES = {
    "ES": MONTHS,
    "CL": [202001, 202002, 202003, 202004],
    "FESX": MONTHS,
    "CT": [201912, 202003, 202005],
    "DX": MONTHS,
}


LEFT_OUT = {"session", "expiry", "map file", "contract", "file name", "empty", "fx", "no fx"}
"""Kinds of issues that say that something of the folder is not in the data set."""


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(sorted(CHOICES)), min_size=1, max_size=3, unique=True),
    st.integers(0, 10**6),
    st.sampled_from(["known", "none", "some"]),
    st.booleans(),
    st.integers(5, 120),
    st.booleans(),
)
def test_round_trip_is_exact(codes, seed, volume, interest, sessions, day_sessions):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lean = lean_folder(folder / "lean")
        order = [i.code for i in MASTER]
        markets = [
            history(
                lean,
                instrument(code),
                CHOICES[code],
                volume=volume,
                interest=interest,
                sessions=sessions,
                seed=seed + k,
            )
            for k, code in enumerate(sorted(codes, key=order.index))
        ]
        rates = (fx("EUR", seed=seed),) if "FESX" in codes else ()
        data = dataset(*markets, rates=rates)
        report = export_lean(data, folder / "out", lean, day_sessions=day_sessions)
        back = read_lean(folder / "out", MASTER)
    assert_same(back, data)
    assert_same(back, report.dataset)
    assert back.fingerprint() == data.fingerprint()
    assert (back.name, back.synthetic) == ("made up", True)
    assert LEFT_OUT.isdisjoint(issue.kind for issue in back.issues)


def test_inverse_pairs_round_trip(lean, tmp_path):
    yen = instrument("ES", currency="JPY")
    data = dataset(history(lean, yen, MONTHS), rates=(fx("JPY"),))
    export_lean(data, tmp_path / "out", lean)
    assert_same(read_lean(tmp_path / "out", InstrumentMaster([yen])), data)


def test_a_view_read_back_is_what_was_exported(lean, tmp_path):
    """Also where the export had to drop something."""
    es = history(lean, instrument("ES"), MONTHS)
    es.day[:] += 1  # now some bars are on Saturdays and holidays
    report = export_lean(dataset(es), tmp_path / "out", lean)
    assert report.markets["ES"].dropped > 0
    assert_same(read_lean(tmp_path / "out", MASTER), report.dataset)


def test_codes_period_and_progress(lean, tmp_path):
    data = dataset(
        history(lean, instrument("ES"), MONTHS), history(lean, instrument("CL"), CHOICES["CL"])
    )
    export_lean(data, tmp_path / "out", lean)
    calls = []
    back = read_lean(
        tmp_path / "out",
        MASTER,
        codes=["CL"],
        start=date(2019, 12, 2),
        end=date(2019, 12, 31),
        progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 1, "CL")]
    span = (to_epoch_day(date(2019, 12, 2)), to_epoch_day(date(2019, 12, 31)))
    assert_same(back, data.select(["CL"]).between(*span))
    with pytest.raises(DataError, match="no session between 2030-01-01 and the end"):
        read_lean(tmp_path / "out", MASTER, start=date(2030, 1, 1))


def test_a_users_own_folder(exported):
    """No marker; rows LEAN would not use; another mapping mode; no rate for fees."""
    folder, es = exported
    (folder / "export.json").unlink()
    trade = folder / "future/cme/daily/es_trade.zip"
    rewrite(trade, "es_trade_202006.csv", lambda text: text + "20301225 00:00,1,1,1,1,1\n")
    with zipfile.ZipFile(trade, "a") as archive:
        archive.writestr("es_trade_202002.csv", "20200102 00:00,1,1,1,1,1\n")
        archive.writestr("readme.txt", "")
    back = read_lean(folder, MASTER, mapping_mode=0)
    assert back.name == "LEAN data in out"
    assert not back.synthetic
    assert_same(back, dataset(es))
    kinds = sorted(issue.kind for issue in back.issues)
    assert kinds == ["contract", "expiry", "file name"]


def test_nominal_volume_stays_a_number_without_the_marker(lean, tmp_path):
    es = history(lean, instrument("ES"), MONTHS, volume="none")
    export_lean(dataset(es), tmp_path / "out", lean)
    (tmp_path / "out/export.json").unlink()
    back = read_lean(tmp_path / "out", MASTER)
    assert set(back.markets["ES"].volume) == {MASTER["ES"].adv_contracts}


def test_map_file_with_another_expiry_or_an_unknown_contract(exported):
    from research.lean.format import sid

    folder, es = exported
    path = folder / "future/cme/map_files/es.csv"
    rows = path.read_text().splitlines()
    first = sid("ES", "cme", int(es.expiry[0]))
    rows = [row.replace(first, sid("ES", "cme", int(es.expiry[0]) - 1)) for row in rows]
    last = sid("ES", "cme", int(es.expiry[es.mapped_contract[-1]]))
    rows = [row.replace(last, sid("ES", "cme", day("2024-03-15"))) for row in rows]
    path.write_text("\n".join(rows))
    history_back = (back := read_lean(folder, MASTER)).markets["ES"]
    assert history_back.mapped_contract.tolist() == es.mapped_contract[:-1].tolist()
    details = " ".join(issue.detail for issue in back.issues)
    assert "LEAN's rule 2019-12-20" in details
    assert "front contract expiring 2024-03-15 has no bars" in details


def test_missing_map_file_is_an_issue(exported):
    folder, _ = exported
    (folder / "future/cme/map_files/es.csv").unlink()
    back = read_lean(folder, MASTER)
    assert len(back.markets["ES"].mapped_from) == 0
    assert [issue.kind for issue in back.issues] == ["map file"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("20191104 00:00,1,1,1,x,1", r"line 2: malformed row '20191104 00:00,1,1,1,x,1'; expected"),
        ("20191104 00:00,1,1,1,1", r"line 2: malformed row"),
        ("20191104 00:00,1,1,1,nan,1", r"line 2: malformed row"),
        ("2019-11-04,1,1,1,1,1", r"line 2: malformed row"),
        ("20191131 00:00,1,1,1,1,1", r"line 2: malformed row"),
        ("20191031 00:00,1,1,1,1,1", r"line 2: 20191031 00:00 does not follow the row before"),
        ("20191101 00:00,1,1,1,1,1", r"line 2: 20191101 00:00 does not follow the row before"),
        ("", r"line 2: malformed row ''"),
    ],
)
def test_malformed_rows_are_named(exported, bad, message):
    folder, _ = exported
    path = folder / "future/cme/daily/es_trade.zip"

    def spoil(text):
        lines = text.splitlines()
        lines[0] = "20191101 00:00,1,1,1,1,1"
        lines[1] = bad
        return "\n".join(lines) + "\n"

    rewrite(path, "es_trade_201912.csv", spoil)
    with pytest.raises(DataError, match=rf"es_trade.zip, es_trade_201912.csv, {message}"):
        read_lean(folder, MASTER)


def test_windows_line_ends_are_fine(exported):
    folder, es = exported
    path = folder / "future/cme/daily/es_trade.zip"
    rewrite(path, "es_trade_201912.csv", lambda text: text.replace("\n", "\r\n"))
    assert_same(read_lean(folder, MASTER), dataset(es))


def test_corrupt_zip(exported):
    folder, _ = exported
    path = folder / "future/cme/daily/es_trade.zip"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"es_trade.zip: corrupt zip .*; expected the trade bars"):
        read_lean(folder, MASTER)
    spoilt = bytearray(content)
    spoilt[60:80] = bytes(20)
    path.write_bytes(bytes(spoilt))
    with pytest.raises(DataError, match=r"es_trade.zip: corrupt zip"):
        read_lean(folder, MASTER)


def test_missing_things(exported, tmp_path):
    folder, _ = exported
    with pytest.raises(DataError, match=r"nowhere: folder is missing; expected a LEAN data folder"):
        read_lean(tmp_path / "nowhere", MASTER)
    with pytest.raises(DataError, match=r"cl_trade.zip: file is missing; expected the trade bars"):
        read_lean(folder, MASTER, codes=["CL"])
    with pytest.raises(KeyError, match="unknown market 'ZZ'"):
        read_lean(folder, MASTER, codes=["ZZ"])
    path = folder / "future/cme/map_files/es.csv"
    path.write_text("18991230,es,CME\n20200101,es,CME,2\n")
    with pytest.raises(DataError, match=r"es.csv, line 2: malformed row"):
        read_lean(folder, MASTER)
    shutil.rmtree(folder / "future")
    with pytest.raises(DataError, match="no usable bar of 0 markets"):
        read_lean(folder, MASTER)
    shutil.rmtree(folder / "market-hours")
    with pytest.raises(DataError, match=r"market-hours-database.json: file is missing"):
        read_lean(folder, MASTER)


def test_a_map_file_without_open_interest_rows_is_an_issue(lean, tmp_path):
    """As LEAN's own for the Hang Seng index, which has rows of modes 0 and 1 only."""
    data = dataset(
        history(lean, instrument("ES"), MONTHS), history(lean, instrument("CL"), CHOICES["CL"])
    )
    export_lean(data, tmp_path / "out", lean)
    path = tmp_path / "out/future/nymex/map_files/cl.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if line[-2:] not in (",2", ",3")) + "\n")
    back = read_lean(tmp_path / "out", MASTER)
    assert list(back.markets) == ["ES", "CL"]
    assert (len(back.markets["ES"].mapped_from) > 0, len(back.markets["CL"].mapped_from)) == (
        True,
        0,
    )
    (issue,) = [i for i in back.issues if i.kind == "map file"]
    assert issue.market == "CL"
    assert "no row of mapping mode 2 (it holds 0, 1)" in issue.detail
    assert "calendar rolls" in issue.detail


@pytest.mark.parametrize("kind", ["daily/cl_trade.zip", "daily/cl_openinterest.zip", "map_files"])
def test_a_folder_in_place_of_a_file_is_an_error(lean, tmp_path, kind):
    data = dataset(
        history(lean, instrument("ES"), MONTHS), history(lean, instrument("CL"), CHOICES["CL"])
    )
    export_lean(data, tmp_path / "out", lean)
    path = tmp_path / "out/future/nymex" / kind
    path = path / "cl.csv" if kind == "map_files" else path
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(DataError, match=r"cl.*: is a folder; expected"):
        read_lean(tmp_path / "out", MASTER)


def test_doubtful_prices_stay_because_lean_reads_them_too_and_are_named(lean, tmp_path):
    es = history(lean, instrument("ES"), MONTHS, sessions=120)
    es.open[60], es.close[80], es.high[90] = 0.0, -99.0, 99999.0
    export_lean(dataset(es), tmp_path / "out", lean)
    back = read_lean(tmp_path / "out", MASTER)
    np.testing.assert_array_equal(back.markets["ES"].open, es.open)
    np.testing.assert_array_equal(back.markets["ES"].close, es.close)
    named = {(i.kind, i.epoch_day) for i in back.issues}
    assert {
        ("zero open", int(es.day[60])),
        ("no price", int(es.day[80])),
        ("far high", int(es.day[90])),
    } <= named


def test_missing_and_malformed_rates(lean, tmp_path):
    data = dataset(history(lean, instrument("FESX"), MONTHS), rates=(fx("EUR"),))
    folder = tmp_path / "out"
    export_lean(data, folder, lean)
    path = folder / "forex/oanda/daily/eurusd.zip"
    rewrite(path, "eurusd.csv", lambda text: "20191103 00:00,1,1,1,1,0,1,1,1,3,0\n" + text[75:])
    with pytest.raises(DataError, match=r"eurusd.zip, eurusd.csv, line 2: malformed row"):
        read_lean(folder, MASTER)
    rewrite(path, "eurusd.csv", lambda _: "20191103 00:00,1,1,1,1,0,1,1,1,3,0\n")
    rate = read_lean(folder, MASTER).fx["EUR"]
    assert (rate.day.tolist(), rate.rate.tolist()) == ([day("2019-11-04")], [2.0])
    rewrite(path, "eurusd.csv", lambda _: "20191103 00:00,1,1,1,0,0,1,1,1,0,0\n")
    with pytest.raises(DataError, match="line 1: rate 0 is not positive"):
        read_lean(folder, MASTER)
    path.unlink()
    without = read_lean(folder, MASTER)
    assert without.fx == {}
    assert [str(i) for i in without.issues if "fx" in i.kind] == [
        "EUR fx: eurusd.zip is missing: no rate of EUR",
        "FESX no fx: no EUR rate: the market cannot be valued in USD and is not traded",
    ]


def test_fees_in_a_currency_without_a_rate_are_an_issue(lean, tmp_path):
    market = instrument("ES", fee_currency="EUR")
    data = dataset(history(lean, market, MONTHS))
    export_lean(data, tmp_path / "out", lean)
    back = read_lean(tmp_path / "out", InstrumentMaster([market]))
    assert [str(issue) for issue in back.issues] == [
        "EUR fx: eurusd.zip is missing: no rate of EUR"
    ]


@pytest.mark.realdata
def test_real_markets_round_trip(futures_data, tmp_path):
    codes = ["ES", "FESX", "VX", "6L", "CL", "B", "CT"]
    data = load_pysystemtrade(futures_data, MASTER, codes=codes, start=date(2004, 1, 1))
    report = export_lean(data, tmp_path / "out", real_lean_data(), universes=False)
    back = read_lean(tmp_path / "out", MASTER)
    assert_same(back, report.dataset)
    marker = json.loads((tmp_path / "out/export.json").read_text())
    assert marker["fingerprint"] == back.fingerprint()
    bars = sum(market.bars for market in report.markets.values())
    dropped = sum(market.dropped for market in report.markets.values())
    assert bars > 60000
    assert dropped < 0.08 * bars
    assert report.markets["CL"].remapped == 0
    assert back.markets["CL"].close.min() == pytest.approx(-37.63) or (
        np.min(back.markets["CL"].close) > 0  # the source may hold December contracts only
    )


def test_a_file_of_no_market_is_named(exported):
    folder, _ = exported
    for name in ("zzz", "nok"):  # unknown; known, but not to LEAN
        shutil.copy(
            folder / "future/cme/daily/es_trade.zip", folder / f"future/cme/daily/{name}_trade.zip"
        )
    back = read_lean(folder, MASTER)
    assert list(back.markets) == ["ES"]
    assert left_out(back.issues) == [
        "left out: NOK (unknown market: LEAN does not list it: future/cme/daily/nok_trade.zip not"
        " read)",
        "left out: ZZZ (unknown market: not in the instrument master:"
        " future/cme/daily/zzz_trade.zip not read)",
    ]
