"""The instrument tables against LEAN's databases and the source's configuration and prices."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.expiry import KNOWN_RULES, last_holding_date, last_trade_date
from universe.instruments import AssetClass, Instrument, Notice, without_twins
from universe.master import MASTER

LETTERS = "FGHJKMNQUVXZ"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LEAN_DATA = Path(os.environ.get("LEAN_DATA") or SHARED / "lean")
FUTURES_DATA = Path(os.environ.get("FUTURES_DATA") or SHARED / "futures")
SYMBOL_PROPERTIES = LEAN_DATA / "symbol-properties" / "symbol-properties-database.csv"
MARKET_HOURS = LEAN_DATA / "market-hours" / "market-hours-database.json"

needs_lean = pytest.mark.skipif(
    not (SYMBOL_PROPERTIES.exists() and MARKET_HOURS.exists()),
    reason=f"no LEAN databases in {LEAN_DATA}; set LEAN_DATA",
)
needs_futures = pytest.mark.skipif(
    not (FUTURES_DATA / "csvconfig").is_dir(),
    reason=f"no futures CSVs in {FUTURES_DATA}; set FUTURES_DATA",
)

ALL = list(MASTER)
LISTED = [i for i in ALL if i.lean_listed]
UNLISTED = [i for i in ALL if not i.lean_listed]
WITH_SOURCE = [i for i in ALL if i.source_code]

by_code = {"ids": lambda i: i.code}


@cache
def lean_futures() -> dict[tuple[str, str], tuple[str, float, float]]:
    """(market, ticker) -> (currency, multiplier, tick)."""
    table = {}
    with SYMBOL_PROPERTIES.open(newline="") as lines:
        for fields in csv.reader(lines):
            if len(fields) > 6 and fields[2] == "future":
                table[fields[0], fields[1]] = (fields[4], float(fields[5]), float(fields[6]))
    return table


@cache
def lean_hours() -> dict[str, dict]:
    return json.loads(MARKET_HOURS.read_text())["entries"]


# ---------------------------------------------------------------- shape


def test_enough_listed_markets_in_enough_classes() -> None:
    classes = Counter(i.asset_class for i in LISTED)
    assert len(LISTED) >= 55
    assert set(classes) == set(AssetClass)
    assert {i.sector for i in ALL} >= {"stir", "europe bond", "grain", "livestock", "softs"}


@pytest.mark.parametrize("instrument", ALL, **by_code)
def test_every_field_is_plausible(instrument: Instrument) -> None:
    i = instrument
    assert i.code.strip() == i.code != ""
    assert i.name
    assert i.sector == i.sector.lower() != ""
    assert i.market == i.market.lower() != ""
    assert re.fullmatch(r"[A-Z]{3}", i.currency)
    assert i.fee_currency == i.currency
    assert 0.1 <= i.multiplier <= 2e7
    assert 0 < i.tick <= 25
    assert i.expiry_rule in KNOWN_RULES
    assert i.carry_offset in (-1, 1)
    assert i.depth in (0, 1)
    assert 1 <= i.roll_days <= 750
    assert i.source_scale in (1.0, 0.01)
    assert 10 <= i.adv_contracts <= 3e6
    usd_per_unit = {"JPY": 0.0075, "KRW": 0.00077, "HKD": 0.13}.get(i.currency, 1.0)
    assert 0.3 <= i.fee * usd_per_unit <= 6
    # Untraded (ST) and wrongly listed (FDXS, whose true tick is 1) aside.
    ticks = i.half_spread / {"FDXS": 1.0}.get(i.code, i.tick)
    assert 0.3 <= ticks <= (11 if i.code == "ST" else 4.5)
    assert 0.3 <= i.half_spread * i.multiplier * usd_per_unit <= 150
    assert (i.duration > 0) == (i.asset_class is AssetClass.BOND)
    assert i.duration <= 20
    assert (i.sector == "stir") == (0 < i.duration < 1.5)


@pytest.mark.parametrize("instrument", ALL, **by_code)
def test_months_are_a_cycle(instrument: Instrument) -> None:
    for months in (instrument.hold_months, instrument.priced_months):
        assert months
        assert months == "".join(letter for letter in LETTERS if letter in months)
    assert set(instrument.hold_months) <= set(instrument.priced_months)


@pytest.mark.parametrize("instrument", ALL, **by_code)
def test_session_is_two_times_and_a_zone(instrument: Instrument) -> None:
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    zone = r"(America|Europe|Asia)/[A-Z][A-Za-z_]+"
    assert re.fullmatch(f"{clock}-{clock} {zone}", instrument.session)


def test_every_rule_and_notice_is_used() -> None:
    assert {i.expiry_rule for i in ALL} == KNOWN_RULES
    assert {i.notice for i in ALL} == set(Notice)


TWINS = {"MYM": "YM", "M2K": "RTY", "FDXS": "FDAX", "SIL": "SI", "QM": "CL"}


def test_every_small_contract_names_its_full_size_one() -> None:
    assert {i.code: i.full_size for i in ALL if i.full_size} == TWINS
    for small, big in TWINS.items():
        small, big = MASTER[small], MASTER[big]
        assert big.full_size == ""
        assert (big.sector, big.currency) == (small.sector, small.currency)
        assert big.multiplier > small.multiplier
        cost = [(i.half_spread + i.fee / i.multiplier) / i.source_scale for i in (big, small)]
        assert cost[0] < cost[1]  # for the same exposure, the reason to keep the full size


class TestWithoutTwins:
    def test_of_all_listed_markets_the_small_twins_go(self) -> None:
        kept = [i.code for i in without_twins(LISTED)]
        assert kept == [i.code for i in LISTED if i.code not in {"MYM", "M2K", "FDXS", "SIL"}]

    def test_a_small_contract_alone_stays(self) -> None:
        markets = [MASTER[code] for code in ("SIL", "FDXS", "ES")]
        assert without_twins(markets) == markets

    def test_of_two_small_ones_the_larger_stays(self) -> None:
        micro = dataclasses.replace(MASTER["MYM"], code="M", multiplier=0.05)
        for markets in ([micro, MASTER["MYM"]], [MASTER["MYM"], micro]):
            assert without_twins(markets) == [MASTER["MYM"]]

    @given(st.lists(st.sampled_from(ALL), unique_by=lambda i: i.code))
    def test_one_market_of_every_underlying_in_the_order_given(
        self, markets: list[Instrument]
    ) -> None:
        kept = without_twins(iter(markets))
        assert [i for i in markets if i in kept] == kept
        underlyings = [TWINS.get(i.code, i.code) for i in kept]
        assert sorted(underlyings) == sorted({TWINS.get(i.code, i.code) for i in markets})
        assert without_twins(kept) == kept


# ---------------------------------------------------------------- LEAN


@needs_lean
@pytest.mark.parametrize("instrument", LISTED, **by_code)
def test_contract_equals_leans(instrument: Instrument) -> None:
    assert lean_futures()[instrument.market, instrument.code] == (
        instrument.currency,
        instrument.multiplier,
        instrument.tick,
    )


@needs_lean
def test_unlisted_markets_are_unknown_to_lean() -> None:
    known = {i.code for i in UNLISTED if (i.market, i.code) in lean_futures()}
    assert known == {"KM"}  # listed, but not convertible


@needs_lean
@pytest.mark.parametrize("instrument", [*LISTED, MASTER["KM"]], **by_code)
def test_session_is_leans_regular_session(instrument: Instrument) -> None:
    hours, zone = instrument.session.split()
    market = f"Future-{instrument.market}-"
    entry = lean_hours().get(market + instrument.code) or lean_hours()[market + "[*]"]
    assert entry["exchangeTimeZone"] == zone
    segments = [s for s in entry["tuesday"] if s["state"] == "market"]
    opens, closes = segments[0]["start"][:5], segments[-1]["end"][:5]
    if (opens, segments[-1]["end"][:2]) == ("00:00", "1."):
        if len(segments) == 1:
            return  # LEAN says all day; ours is the exchange's own
        opens, closes = segments[-1]["start"][:5], segments[0]["end"][:5]
    assert hours == f"{opens}-{closes}"


def test_fees_of_listed_markets_are_leans_interactive_brokers_model() -> None:
    micros = {"MYM", "M2K", "SIL"}
    minis = {"ES", "NQ", "YM", "RTY", "EMD"}
    for i in LISTED:
        if i.market == "eurex":
            expected = 1.02
        elif i.market == "hkfe":
            expected = 40.0
        else:
            expected = 0.57 if i.code in micros else 2.15 if i.code in minis else 2.47
        assert i.fee == expected, i.code


# ---------------------------------------------------------------- rolls


@pytest.mark.parametrize("instrument", ALL, **by_code)
def test_roll_window_opens_before_the_last_holding_date(instrument: Instrument) -> None:
    left = []
    for year in range(1990, 2031):
        for letter in instrument.hold_months:
            month = LETTERS.index(letter) + 1
            end = last_trade_date(instrument.expiry_rule, year, month)
            holding = last_holding_date(instrument.notice, end, year, month)
            left.append(instrument.roll_days - (end - holding).days)
    assert min(left) >= 1
    assert np.median(left) >= 3


# ---------------------------------------------------------------- source


@cache
def config(name: str) -> pd.DataFrame:
    return pd.read_csv(FUTURES_DATA / "csvconfig" / f"{name}.csv", index_col=0)


@cache
def prices(source: str) -> pd.DataFrame | None:
    """Last row with a price of every date."""
    path = FUTURES_DATA / "multiple_prices_csv" / f"{source}.csv"
    if not path.exists():
        return None
    columns = ["DATETIME", "CARRY_CONTRACT", "PRICE", "PRICE_CONTRACT"]
    table = pd.read_csv(path, usecols=columns).dropna(subset=["PRICE"])
    table["DATE"] = table.pop("DATETIME").str[:10]
    return table.drop_duplicates("DATE", keep="last").set_index("DATE")


def months_of(contracts: pd.Series) -> set[str]:
    numbers = contracts.dropna().astype(int) // 100 % 100
    return {LETTERS[month - 1] for month in numbers.unique()}


@pytest.mark.realdata
@needs_futures
def test_every_source_market_has_a_record() -> None:
    files = {p.stem for p in (FUTURES_DATA / "adjusted_prices_csv").glob("*.csv")}
    assert {i.source_code for i in WITH_SOURCE} == files


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize("instrument", WITH_SOURCE, **by_code)
def test_agrees_with_the_source_configuration(instrument: Instrument) -> None:
    facts = config("instrumentconfig").loc[instrument.source_code]
    assert facts["Currency"] == instrument.currency
    assert facts["Pointsize"] == pytest.approx(instrument.multiplier * instrument.source_scale)

    rolls = config("rollconfig").loc[instrument.source_code]
    if instrument.code != "NK225M":  # prices hold every month, see the table
        assert rolls["HoldRollCycle"] == instrument.hold_months
    assert rolls["PricedRollCycle"] == instrument.priced_months
    assert rolls["CarryOffset"] == instrument.carry_offset

    spread = config("spreadcosts").loc[instrument.source_code, "SpreadCost"]
    if instrument.code != "I":  # 12.0 there
        assert instrument.half_spread == pytest.approx(spread * instrument.source_scale)


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize("instrument", WITH_SOURCE, **by_code)
def test_source_holds_and_prices_months_of_the_cycle(instrument: Instrument) -> None:
    table = prices(instrument.source_code)
    if table is None:
        assert instrument.code in {"6C", "6S", "SIL"}
        return
    assert months_of(table["PRICE_CONTRACT"]) <= set(instrument.hold_months)
    assert months_of(table["CARRY_CONTRACT"]) <= set(instrument.priced_months)


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize("instrument", WITH_SOURCE, **by_code)
def test_roll_days_against_the_source(instrument: Instrument) -> None:
    table = prices(instrument.source_code)
    if table is None:
        return
    contract = table["PRICE_CONTRACT"].astype(int).to_numpy()
    distance = []
    for k in np.flatnonzero(contract[1:] != contract[:-1]):
        year, month = divmod(int(contract[k]) // 100, 100)
        end = pd.Timestamp(last_trade_date(instrument.expiry_rule, year, month))
        distance.append((end - pd.Timestamp(table.index[k])).days)
    days = instrument.roll_days + instrument.depth * 30.4
    if instrument.carry_offset > 0:
        assert 3 <= days - np.median(distance) <= 11
    elif instrument.code == "NG":  # about where the source rolls
        assert abs(days - np.median(distance)) < 3
    elif instrument.code in {"B", "KE", "ZO"}:  # the source rolls as late as it can, or too late
        assert days <= np.median(distance)
    else:
        assert days < np.percentile(distance, 5)


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize(
    ("code", "low", "high"),
    [  # LEAN quotes, June 2022
        ("ZC", 5.5, 8.0),
        ("ZS", 13.0, 17.5),
        ("ZL", 0.55, 0.85),
        ("ZM", 370.0, 450.0),
        ("ZO", 4.0, 7.0),
        ("KE", 8.5, 13.0),
        ("HE", 0.75, 1.15),
        ("GF", 1.6, 1.95),
        ("KC", 2.0, 2.5),
        ("CT", 0.85, 1.3),
        ("ZR", 14.0, 19.0),
        ("HG", 3.4, 4.7),
        ("GC", 1750.0, 1950.0),
        ("CL", 85.0, 125.0),
        ("NG", 5.0, 10.0),
        ("6J", 0.0070, 0.0078),
        ("6M", 0.046, 0.052),
        ("ZT", 103.0, 107.0),
        ("VX", 22.0, 35.0),
        ("ES", 3600.0, 4250.0),
        ("SR3", 95.0, 98.5),
    ],
)
def test_scaled_price_is_leans_quote(code: str, low: float, high: float) -> None:
    instrument = MASTER[code]
    table = prices(instrument.source_code)
    assert table is not None
    june = table.loc["2022-06-01":"2022-06-30", "PRICE"] * instrument.source_scale
    assert len(june) > 15
    assert low < june.min() <= june.max() < high
