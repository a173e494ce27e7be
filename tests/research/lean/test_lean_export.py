import errno
import json
import os
import zipfile
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from research.data.dataset import DataIssue, Dataset
from research.data.errors import DataError
from research.lean import folder as writing
from research.lean.export import export_lean
from research.lean.format import sid
from research.lean.tables import estimate_margins, factor_file
from research.lean.view import lean_view
from tests.research.lean_samples import (
    assert_same,
    calendar_of,
    dataset,
    day,
    fx,
    history,
    instrument,
    lean_folder,
)
from universe.arrays import from_epoch_day

MONTHS = [201912, 202003, 202006]


@pytest.fixture
def lean(tmp_path):
    return lean_folder(tmp_path / "lean")


@pytest.fixture
def es(lean):
    return history(lean, instrument("ES"), MONTHS)


def rows(path, entry):
    with zipfile.ZipFile(path) as archive:
        return archive.read(entry).decode().splitlines()


def test_folder_holds_what_lean_reads(lean, es, tmp_path):
    euro = history(lean, instrument("FESX"), MONTHS, seed=2)
    report = export_lean(dataset(es, euro, rates=(fx("EUR"),)), tmp_path / "out", lean)
    future = tmp_path / "out" / "future"
    with zipfile.ZipFile(future / "cme/daily/es_trade.zip") as archive:
        assert archive.namelist() == [f"es_trade_{m}.csv" for m in MONTHS]
    for name in (
        "cme/daily/es_openinterest.zip",
        "cme/map_files/es.csv",
        "cme/factor_files/es.csv",
        "cme/margins/ES.csv",
        "eurex/margins/FESX.csv",
        "cme/universes/es/20191101.csv",
        "../forex/oanda/daily/eurusd.zip",
        "../market-hours/market-hours-database.json",
        "../symbol-properties/symbol-properties-database.csv",
        "../alternative/interest-rate/usa/interest-rate.csv",
        "../export.json",
    ):
        assert (future / name).is_file(), name
    assert report.files == sum(len(files) for _, _, files in os.walk(tmp_path / "out"))
    assert report.margins == {"ES": "estimated", "FESX": "estimated"}
    assert report.markets["ES"].dropped == 0
    assert_same(report.dataset, dataset(es, euro, rates=(fx("EUR"),)))


def test_trade_rows_are_unscaled_plain_decimals(lean, es, tmp_path):
    es.close[:2], es.open[:2], es.high[:2], es.low[:2] = 0.1 + 0.2, 0.25, 4.0, 1e-7
    es.volume[:2] = 1234.0
    export_lean(dataset(es), tmp_path / "out", lean)
    first = rows(tmp_path / "out/future/cme/daily/es_trade.zip", "es_trade_201912.csv")[0]
    assert first == "20191101 00:00,0.25,4,0.0000001,0.30000000000000004,1234"


def test_map_file_gives_the_sources_front_contract_in_all_modes(lean, es, tmp_path):
    export_lean(dataset(es), tmp_path / "out", lean)
    lines = (tmp_path / "out/future/cme/map_files/es.csv").read_text().splitlines()
    assert lines[0] == "18991230,es,CME"
    parts = [line.split(",") for line in lines[1:]]
    assert [p[3] for p in parts[:4]] == ["0", "1", "2", "3"]
    assert {p[0] for p in parts[-4:]} == {"20501231"}
    oi = [(p[0], p[1]) for p in parts if p[3] == "2"]
    for (stamp, identifier), contract in zip(oi, es.mapped_contract, strict=True):
        assert identifier == sid("ES", "cme", int(es.expiry[contract]))
        last = day(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:]}")
        # LEAN: the first row not before the day asked for
        assert all(last < start for start in es.mapped_from[contract + 1 :])


def test_universe_lists_contracts_from_the_eve_of_their_first_bar(lean, es, tmp_path):
    late = es.day[es.contract == 2][30]
    keep = (es.contract != 2) | (es.day >= late)
    keep &= ~((es.contract == 0) & (es.day == es.day[es.contract == 0][5]))
    columns = ("day", "contract", "open", "high", "low", "close", "volume", "open_interest")
    cut = replace(es, **{name: getattr(es, name)[keep] for name in columns})
    export_lean(dataset(cut), tmp_path / "out", lean)
    base = tmp_path / "out/future/cme/universes/es"
    sessions = np.unique(cut.day)
    eve = sessions[np.searchsorted(sessions, late) - 1]
    before = sessions[np.searchsorted(sessions, late) - 2]

    def chain(at):
        lines = (base / f"{from_epoch_day(at):%Y%m%d}.csv").read_text().splitlines()
        assert lines[0] == "#expiry,open,high,low,close,volume,open_interest"
        return {line.split(",")[0]: line for line in lines[1:]}

    assert "202006" not in chain(before)
    assert chain(eve)["202006"] == "202006,,,,,,"
    at = np.flatnonzero((cut.day == late) & (cut.contract == 2))[0]
    interest = cut.open_interest[at]
    fields = chain(late)["202006"].split(",")
    assert float(fields[4]) == cut.close[at]
    assert fields[6] == ("" if np.isnan(interest) else str(int(interest)))
    gap = es.day[es.contract == 0][5]
    assert chain(gap)["201912"] == "201912,,,,,,"
    assert len(list(base.iterdir())) == len(sessions) + 1  # and the eve of the first one


def test_without_universes(lean, es, tmp_path):
    export_lean(dataset(es), tmp_path / "out", lean, universes=False)
    assert not (tmp_path / "out/future/cme/universes").exists()


def test_open_interest_is_left_out_where_unknown(lean, tmp_path):
    es = history(lean, instrument("ES"), MONTHS, interest=False)
    export_lean(dataset(es), tmp_path / "out", lean)
    assert not (tmp_path / "out/future/cme/daily/es_openinterest.zip").exists()


def test_nominal_volume_is_usual_and_occurs_nowhere_else(lean, tmp_path):
    es = history(lean, instrument("ES", adv_contracts=2.0), MONTHS, volume="some")
    report = export_lean(dataset(es), tmp_path / "out", lean)
    assert report.nominal_volume == {"ES": 5}  # 2, 3 and 4 are in the data
    line = rows(tmp_path / "out/future/cme/daily/es_trade.zip", "es_trade_201912.csv")
    assert any(text.endswith(",5") for text in line)


def test_factors_make_the_series_continuous(lean, es):
    text, unknown = factor_file(es, calendar_of(lean, instrument("ES")))
    assert unknown == 0
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["Date"] == "2019-10-31T00:00:00"  # LEAN cuts off what precedes the first row
    assert lines[-1]["Date"] == "2050-12-31T00:00:00"
    for mode in range(4):
        chosen = [line for line in lines if line["DataMappingMode"] == mode]
        assert len(chosen) == len(es.mapped_from) + 1
    chosen = chosen[1:]
    closes = {(int(d), int(c)): x for d, c, x in zip(es.day, es.contract, es.close, strict=True)}
    ahead = 0.0
    for i in range(len(chosen) - 2, -1, -1):
        earlier = np.unique(es.day[es.day < es.mapped_from[i + 1]])
        both = [d for d in earlier if (d, i) in closes and (d, i + 1) in closes]
        old, new = closes[both[-1], i], closes[both[-1], i + 1]
        ahead += new - old
        ratio = chosen[i]["BackwardsRatioScale"][0] / chosen[i + 1]["BackwardsRatioScale"][0]
        assert ratio == pytest.approx(new / old)
        assert chosen[i]["BackwardsPanamaCanalScale"][0] == pytest.approx(ahead)
    assert chosen[-1]["BackwardsRatioScale"] == [1, 1, 1]
    assert chosen[-1]["BackwardsPanamaCanalScale"] == [0, 0, 0]
    assert chosen[0]["ForwardPanamaCanalScale"] == [0, 0, 0]
    assert chosen[-1]["ForwardPanamaCanalScale"][0] == pytest.approx(-ahead)
    assert chosen[-2]["BackwardsRatioScale"][1] == 1  # the third contract behind has no prices


def test_a_negative_close_leaves_the_ratio_alone(lean, es):
    es.close[es.day < es.mapped_from[1]] = -37.63
    text, _ = factor_file(es, calendar_of(lean, instrument("ES")))
    rolls = [json.loads(line) for line in text.splitlines()][4::4]
    assert rolls[0]["BackwardsRatioScale"][0] == rolls[1]["BackwardsRatioScale"][0]
    assert np.isfinite(rolls[0]["BackwardsPanamaCanalScale"][0])


def test_estimated_margins(lean, es):
    lines = estimate_margins(es).splitlines()
    assert lines[0] == "date,initial,maintenance"
    stamps = [line.split(",")[0] for line in lines[1:]]
    assert len({stamp[:6] for stamp in stamps}) == len(stamps)
    assert stamps == sorted(stamps)
    held = {int(f): int(c) for f, c in zip(es.mapped_from, es.mapped_contract, strict=True)}
    changes, last = [], {}
    for d, c, x in zip(es.day, es.contract, es.close, strict=True):
        front = held[max(f for f in held if f <= d)]
        if c in last and front == c:
            changes.append((int(d), x - last[c]))
        last[c] = x
    stamp, initial, maintenance = lines[-1].split(",")
    at = day(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:]}")
    window = [x for d, x in changes if d < at][-60:]
    assert int(initial) == int(np.ceil(4 * np.std(window, ddof=1) * 50))
    assert int(maintenance) == int(np.ceil(0.9 * int(initial)))


def test_margin_of_a_short_history_is_a_share_of_notional(lean):
    es = history(lean, instrument("ES"), MONTHS, sessions=5)
    assert len(estimate_margins(es).splitlines()) == 2


def test_margins_are_copied_where_lean_has_them(lean, es, tmp_path):
    source = tmp_path / "data/future/cme/margins"
    source.mkdir(parents=True)
    (source / "ES.csv").write_text("date,initial,maintenance\n20120326,4375,3500\n")
    report = export_lean(dataset(es), tmp_path / "out", lean, margins_from=tmp_path / "data")
    assert report.margins == {"ES": "copied"}
    assert "4375" in (tmp_path / "out/future/cme/margins/ES.csv").read_text()


def test_fx_rows_are_dated_the_day_before_and_follow_leans_pair(lean, tmp_path):
    yen = instrument("ES", currency="JPY", fee_currency="EUR")
    es = history(lean, yen, MONTHS)
    data = dataset(es, rates=(fx("JPY"), fx("EUR", seed=5)))
    report = export_lean(data, tmp_path / "out", lean)
    assert report.pairs == {"EUR": "EURUSD", "JPY": "USDJPY"}
    assert any("currency is JPY here, USD in LEAN" in line for line in report.lines())
    euro = rows(tmp_path / "out/forex/oanda/daily/eurusd.zip", "eurusd.csv")
    rate = data.fx["EUR"].rate[1]
    fields = euro[1].split(",")
    # the second weekday is Monday 4 November: delivered on Sunday evening, known on Monday
    assert fields[0] == "20191103 00:00"
    assert len(fields) == 11
    assert {float(fields[i]) for i in (1, 2, 3, 4, 6, 7, 8, 9)} == {rate}
    inverse = rows(tmp_path / "out/forex/oanda/daily/usdjpy.zip", "usdjpy.csv")[0].split(",")
    assert float(1 / Decimal(inverse[4])) == data.fx["JPY"].rate[0]
    assert all(len(field.lstrip("0.").replace(".", "")) <= 18 for field in inverse[1:])


def test_what_lean_cannot_see_is_dropped_and_counted(lean, tmp_path):
    calendar = calendar_of(lean, instrument("ES"))
    months = np.array([201912, 202001, 202003])
    expiry = np.array([calendar.expiry(201912) + 1, day("2020-01-17"), calendar.expiry(202003)])
    bars = (
        ("2019-12-20", 0),
        ("2019-12-23", 0),
        ("2019-12-25", 2),
        ("2019-12-28", 2),
        ("2019-12-23", 1),
        ("2019-12-23", 2),
        ("2019-12-27", 2),
        ("2020-04-10", 2),
    )
    at = [text for text, _ in bars]
    contract = np.array([which for _, which in bars])
    days = np.array([day(text) for text in at])
    order = np.lexsort((contract, days))
    ones = np.ones(len(at))
    es = history(lean, instrument("ES"), MONTHS)
    es = replace(
        es,
        contract_month=months,
        expiry=expiry,
        day=days[order],
        contract=contract[order],
        open=ones,
        high=ones.copy(),
        low=ones,
        close=ones,
        volume=ones,
        open_interest=ones,
        mapped_from=np.array([days[0], day("2019-12-23"), day("2019-12-26")]),
        mapped_contract=np.array([0, 1, 2]),
    )
    es.high[0] = np.inf
    with pytest.raises(DataError, match=r"no market can be given to LEAN.*1 not finite"):
        lean_view(dataset(es.between(0, day("2019-12-22"))), lean)
    es.high[0] = 1
    report = export_lean(dataset(es), tmp_path / "out", lean)
    market = report.markets["ES"]
    assert (market.bars, market.contracts) == (3, 2)
    assert (market.not_sessions, market.not_listed, market.after_expiry) == (3, 1, 1)
    assert market.expiry_differences == ((201912, expiry[0], expiry[0] - 1),)
    kept = report.dataset.markets["ES"]
    assert kept.contract_month.tolist() == [201912, 202003]
    # the dead and the unlisted front contract make way on the next session
    assert [str(from_epoch_day(d)) for d in kept.mapped_from] == ["2019-12-20", "2019-12-23"]
    assert market.remapped == 2
    assert "5 bars dropped" in str(report)


def test_markets_that_lean_cannot_trade_are_skipped_with_a_reason(lean, es, tmp_path):
    euro = history(lean, instrument("FESX"), MONTHS)
    bund = replace(es, instrument=instrument("ES", code="FGBL", lean_listed=False))
    other = replace(es, instrument=instrument("ES", code="XX"))
    coin = replace(es, instrument=instrument("ES", currency="XBT"))
    data = Dataset("d", True, {"ES": es, "FESX": euro, "FGBL": bund, "XX": other, "C": coin}, {})
    report = export_lean(data, tmp_path / "out", lean)
    assert set(report.markets) == {"ES"}
    assert report.skipped["FGBL"] == "LEAN does not list it"
    assert "no EUR rate" in report.skipped["FESX"]
    assert "symbol properties have no future cme XX" in report.skipped["XX"]
    assert "no pair that converts XBT" in report.skipped["C"]


def test_an_adjusted_series_alone_is_no_contract(lean, es, tmp_path):
    pseudo = replace(es, contract_month=np.array([201912, 202003, 999912]))
    report = export_lean(dataset(pseudo), tmp_path / "out", lean)
    assert report.dataset.markets["ES"].contract_month.tolist() == [201912, 202003]


def test_late_markets_are_named_and_can_be_brought_forward(lean, tmp_path):
    cotton = history(lean, instrument("CT"), [201912, 202003, 202005])
    report = export_lean(dataset(cotton), tmp_path / "late", lean)
    assert report.markets["CT"].late_sessions > 100
    assert "CT: LEAN delivers" in str(report)
    report = export_lean(dataset(cotton), tmp_path / "early", lean, day_sessions=True)
    assert report.markets["CT"].late_sessions == 0
    copied = (tmp_path / "early/market-hours/market-hours-database.json").read_text()
    entry = json.loads(copied)["entries"]["Future-ice-CT"]
    assert all(part["end"] != "1.00:00:00" for part in entry["monday"])


def test_rows_of_a_market_stamped_a_day_late_are_dated_earlier(lean, tmp_path):
    dollar = history(lean, instrument("DX"), MONTHS, first="2019-11-04")
    export_lean(dataset(dollar), tmp_path / "out", lean)
    first = rows(tmp_path / "out/future/ice/daily/dx_trade.zip", "dx_trade_201912.csv")[0]
    assert first.startswith("20191103 00:00")  # Monday's session, on Sunday
    assert (tmp_path / "out/future/ice/universes/dx/20191104.csv").is_file()


def test_same_data_same_bytes(lean, es, tmp_path):
    for name in ("one", "two"):
        export_lean(dataset(es), tmp_path / name, lean)
    for base, _, files in os.walk(tmp_path / "one"):
        for file in files:
            one = os.path.join(base, file)
            two = one.replace(str(tmp_path / "one"), str(tmp_path / "two"))
            with open(one, "rb") as left, open(two, "rb") as right:
                assert left.read() == right.read(), file


def test_only_an_earlier_export_is_replaced(lean, es, tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    export_lean(dataset(es), target, lean)  # empty is fine
    (target / "future/stale.txt").write_text("old")
    export_lean(dataset(es), target, lean)
    assert not (target / "future/stale.txt").exists()
    marker = json.loads((target / "export.json").read_text())
    assert marker["dataset"] == "made up"
    assert marker["fingerprint"] == dataset(es).fingerprint()
    assert str(tmp_path) not in json.dumps(marker)
    (target / "export.json").write_text("{}")
    with pytest.raises(DataError, match="not empty and not an earlier export"):
        export_lean(dataset(es), target, lean)
    assert (target / "future/cme/daily/es_trade.zip").is_file()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(DataError, match="is a file; expected a folder"):
        export_lean(dataset(es), file, lean)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "lean", "out"]


def test_the_source_is_never_replaced(lean, es, tmp_path):
    for target in (lean, tmp_path):
        with pytest.raises(DataError, match="is or holds the LEAN folder to copy from"):
            export_lean(dataset(es), target, lean)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOSPC, "No space left on device"), (errno.EACCES, "Permission denied")],
)
def test_a_failing_disk_is_one_sentence_and_leaves_nothing(
    lean, es, tmp_path, monkeypatch, code, reason
):
    target = tmp_path / "out"
    export_lean(dataset(es), target, lean)
    before = (target / "export.json").read_bytes()
    true_open = open

    def failing(path, mode="r", **more):
        if str(path).endswith("es_trade.zip") and "w" in mode:
            raise OSError(code, reason)
        return true_open(path, mode, **more)

    monkeypatch.setattr(writing, "open", failing, raising=False)
    with pytest.raises(DataError) as caught:
        export_lean(dataset(es.between(0, day("2020-02-01"))), target, lean)
    expected = target / "future/cme/daily/es_trade.zip"
    assert str(caught.value) == f"export stopped at {expected}: {reason}"
    assert (target / "export.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lean", "out"]


def test_an_interruption_leaves_nothing(lean, es, tmp_path):
    def stop(done, total, code):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_lean(dataset(es), tmp_path / "out", lean, progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["lean"]


def test_progress_and_choice_of_markets(lean, es, tmp_path):
    crude = history(lean, instrument("CL"), [202001, 202002, 202003])
    calls = []
    data = dataset(es, crude)
    export_lean(data, tmp_path / "out", lean, progress=lambda *call: calls.append(call))
    assert calls == [(1, 2, "ES"), (2, 2, "CL")]
    report = export_lean(data, tmp_path / "out", lean, codes=["CL"])
    assert list(report.markets) == ["CL"]
    with pytest.raises(KeyError, match="no data for ZZ"):
        export_lean(data, tmp_path / "out", lean, codes=["ZZ"])


def test_missing_lean_folder(es, tmp_path):
    with pytest.raises(DataError, match="folder is missing; expected LEAN's data folder"):
        export_lean(dataset(es), tmp_path / "out", tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="file is missing; expected LEAN's market-hours"):
        export_lean(dataset(es), tmp_path / "out", empty)


def test_a_source_without_front_contracts_has_no_map_file(lean, es, tmp_path):
    none = np.zeros(0, dtype=np.int64)
    report = export_lean(
        dataset(replace(es, mapped_from=none, mapped_contract=none)), tmp_path / "out", lean
    )
    assert not (tmp_path / "out/future/cme/map_files").exists()
    assert "names no front contract" in str(report)


def test_what_the_data_lack_is_named_too(lean, es, tmp_path):
    issues = [
        DataIssue("WHEY", None, "unknown market", "not in the instrument master: file not read"),
        DataIssue("ES", None, "outlier", "kept"),
    ]
    data = Dataset("d", True, {"ES": es}, {}, issues)
    report = export_lean(data, tmp_path / "out", lean)
    assert str(report).endswith(
        "left out: WHEY (unknown market: not in the instrument master: file not read)"
    )
    assert json.loads((tmp_path / "out/export.json").read_text())["left_out"] == report.left_out


def test_volumes_of_the_master_are_said_to_be_rough(lean, tmp_path):
    es = history(lean, instrument("ES"), MONTHS, volume="none")
    text = str(export_lean(dataset(es), tmp_path / "out", lean))
    assert "1 market with bars without a volume, which get the master's usual one (volumes" in text
    assert "not measurements" in text
