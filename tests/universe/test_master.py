"""The instrument tables against LEAN's databases and the source's configuration and prices.

Of LEAN's databases the facts that matter come with the tests, see ``tests.golden_lean``.
"""

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

from tests.golden_lean import (
    FACTS,
    HOURS,
    PROPERTIES,
    hours_entries,
    lean_data,
    lean_facts,
    symbol_rows,
)
from universe.expiry import KNOWN_RULES, last_holding_date, last_trade_date
from universe.instruments import (
    UNKNOWN_VOLUME,
    AssetClass,
    Basis,
    Instrument,
    InstrumentMaster,
    Notice,
    UnknownInstrumentError,
    volume_note,
    without_twins,
)
from universe.master import MASTER

LETTERS = "FGHJKMNQUVXZ"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FUTURES_DATA = Path(os.environ.get("FUTURES_DATA") or SHARED / "futures111")
SOURCE_CONFIG = FUTURES_DATA.parent / "pysystemtrade_config"
if not SOURCE_CONFIG.is_dir():
    SOURCE_CONFIG = FUTURES_DATA / "csvconfig"

needs_futures = pytest.mark.skipif(
    not (FUTURES_DATA / "csvconfig").is_dir(),
    reason=f"no futures CSVs in {FUTURES_DATA}; set FUTURES_DATA",
)
GOLDEN_CONFIG = Path(__file__).resolve().parents[1] / "golden/source_config.csv"
needs_config = pytest.mark.skipif(
    not SOURCE_CONFIG.is_dir(), reason=f"no configuration in {SOURCE_CONFIG}; set FUTURES_DATA"
)

ALL = list(MASTER)
LISTED = [i for i in ALL if i.lean_listed]
UNLISTED = [i for i in ALL if not i.lean_listed]
WITH_SOURCE = [i for i in ALL if i.source_code]
WITH_PRICES = [
    i
    for i in WITH_SOURCE
    if (FUTURES_DATA / "adjusted_prices_csv" / f"{i.source_code}.csv").is_file()
]

THIN = {"IBV", "HRC", "FFOX", "CZK", "RS", "CSC", "CB", "LBR", "ALI", "DC", "KRW", "FSMM", "XAY"}
"""Markets that hardly trade: the source's spread is many ticks wide."""

OWN_ROLLS = {"HO", "RB", "G", "ZW", "LE", "CC", "SB"}
"""Held by common practice, see the master: no prices of the source were at hand."""

by_code = {"ids": lambda i: i.code}


@cache
def lean_futures() -> dict[tuple[str, str], tuple[str, float, float]]:
    """(market, ticker) -> (currency, multiplier, tick)."""
    table = {}
    with (lean_data() / PROPERTIES).open(newline="") as lines:
        for fields in csv.reader(lines):
            if len(fields) > 6 and fields[2] == "future":
                table[fields[0], fields[1]] = (fields[4], float(fields[5]), float(fields[6]))
    return table


@cache
def lean_hours() -> dict[str, dict]:
    return json.loads((lean_data() / HOURS).read_text())["entries"]


# ---------------------------------------------------------------- shape


def test_enough_listed_markets_in_enough_classes() -> None:
    classes = Counter(i.asset_class for i in LISTED)
    assert len(LISTED) >= 80
    assert len(ALL) >= 160
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
    assert 0.1 <= i.multiplier <= 2e8
    assert 0 < i.tick <= 25
    assert i.expiry_rule in KNOWN_RULES
    assert i.carry_offset in (-1, 1)
    assert i.depth in (0, 1)
    assert 1 <= i.roll_days <= 1100
    assert i.source_scale in (1.0, 0.01)
    assert 10 <= i.adv_contracts <= 3e6
    usd_per_unit = {"JPY": 0.0075, "KRW": 0.00077, "HKD": 0.13}.get(i.currency, 1.0)
    assert 0.3 <= i.fee * usd_per_unit <= (12 if i.asset_class is AssetClass.CRYPTO else 6)
    assert i.basis is not Basis.USER
    assert ("adv_contracts" in i.unknown) <= (i.adv_contracts == UNKNOWN_VOLUME)
    assert set(i.unknown) <= {field.name for field in dataclasses.fields(Instrument)}
    # Untraded (ST, THIN) and wrongly listed (FDXS, whose true tick is 1) aside.
    ticks = i.half_spread / {"FDXS": 1.0}.get(i.code, i.tick)
    assert 0.25 <= ticks <= (250 if i.code in THIN else 11 if i.code == "ST" else 6.5)
    assert 0.15 <= i.half_spread * i.multiplier * usd_per_unit <= (400 if i.code in THIN else 150)
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
    zone = r"(America|Europe|Asia|Australia)/[A-Z][A-Za-z_]+"
    assert re.fullmatch(f"{clock}-{clock} {zone}", instrument.session)


def test_every_rule_and_notice_is_used() -> None:
    assert {i.expiry_rule for i in ALL} == KNOWN_RULES
    assert {i.notice for i in ALL} == set(Notice)


TWINS = dict(
    pair.split("<")
    for line in (
        "MYM<YM M2K<RTY MES<ES MNQ<NQ FDXS<FDAX MHI<HSI VXM<VX JB<JGBL MBT<BTC MET<ETH",
        "SIL<SI MGC<GC QM<CL MCL<CL QG<NG HP<NG XC<ZC XW<ZW XK<ZS",
        "M6A<6A M6B<6B MCD<6C M6E<6E E7<6E J7<6J MSF<6S",
    )
    for pair in line.split()
)


def test_every_small_contract_names_its_full_size_one() -> None:
    assert {i.code: i.full_size for i in ALL if i.full_size} == TWINS
    for small, big in TWINS.items():
        small, big = MASTER[small], MASTER[big]
        assert big.full_size == ""
        assert (big.sector, big.currency) == (small.sector, small.currency)
        assert big.multiplier > small.multiplier or small.code == "HP"  # another day's settlement
        cost = [i.half_spread + i.fee / i.multiplier for i in (big, small)]
        assert cost[0] < cost[1]  # for the same exposure, the reason to keep the full size


class TestWithoutTwins:
    def test_of_all_listed_markets_the_small_twins_go(self) -> None:
        kept = [i.code for i in without_twins(LISTED)]
        assert kept == [i.code for i in LISTED if i.code not in TWINS]

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


@pytest.mark.parametrize("instrument", LISTED, **by_code)
def test_contract_equals_leans(instrument: Instrument) -> None:
    assert lean_futures()[instrument.market, instrument.code] == (
        instrument.currency,
        instrument.multiplier,
        instrument.tick,
    )


def test_unlisted_markets_are_unknown_to_lean() -> None:
    known = {i.code for i in UNLISTED if (i.market, i.code) in lean_futures()}
    assert known == {"KM"}  # listed, but not convertible


def test_facts_come_from_lean_where_it_lists_the_market() -> None:
    assert {i.code for i in ALL if i.basis is Basis.LEAN} == {i.code for i in LISTED} | {"KM"}


def test_facts_beside_the_tests_are_leans() -> None:
    """Whatever of them LEAN's own folder, where there is one, says otherwise."""
    real, facts = lean_data(), lean_facts()
    assert symbol_rows(real) == symbol_rows(facts)
    assert len(symbol_rows(facts)) > len(FACTS)
    assert hours_entries(real) == hours_entries(facts)


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
    usual = dict.fromkeys(("ES", "NQ", "YM", "RTY", "EMD"), 2.15)
    usual |= dict.fromkeys(("MYM", "M2K", "MES", "MNQ", "MCL", "MGC", "SIL"), 0.57)
    usual |= dict.fromkeys(("M6E", "M6A", "M6B", "MCD", "MSF"), 0.41)
    usual |= {"E7": 1.37, "J7": 1.37, "BTC": 11.02, "MBT": 4.77, "ETH": 7.02, "MET": 0.42}
    for i in LISTED:
        by_market = {"eurex": 1.02, "hkfe": 40.0}.get(i.market, 2.47)
        assert i.fee == usual.get(i.code, by_market), i.code


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
def config() -> pd.DataFrame:
    """What the source's configuration says of our markets."""
    return pd.read_csv(GOLDEN_CONFIG, index_col=0)


@needs_config
@pytest.mark.parametrize("name", ["instrumentconfig", "rollconfig", "spreadcosts"])
def test_the_packed_configuration_is_the_sources(name: str) -> None:
    theirs = pd.read_csv(SOURCE_CONFIG / f"{name}.csv", index_col=0)
    known = theirs.columns.intersection(config().columns)
    there = config().index.intersection(theirs.index)
    assert len(known) > 0
    assert len(there) > 100
    packed = config().loc[there, known]
    pd.testing.assert_frame_equal(packed, theirs.loc[there, known], check_dtype=False)


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
    assert files <= {i.source_code for i in WITH_SOURCE}


@pytest.mark.parametrize("instrument", WITH_SOURCE, **by_code)
def test_agrees_with_the_source_configuration(instrument: Instrument) -> None:
    code = instrument.code
    facts = config().loc[instrument.source_code]
    assert facts["Currency"] == instrument.currency
    assert facts["Pointsize"] == pytest.approx(instrument.multiplier * instrument.source_scale)
    if code in OWN_ROLLS:
        return

    if code not in {"NK225M", "KOSDQ150"}:  # prices hold other months, see the table
        assert facts["HoldRollCycle"] == instrument.hold_months
    assert facts["PricedRollCycle"] == instrument.priced_months
    assert facts["CarryOffset"] == instrument.carry_offset

    spread = facts["SpreadCost"]
    if instrument in WITH_PRICES and code != "I":  # 12.0 there
        assert instrument.half_spread == pytest.approx(spread * instrument.source_scale)


def test_most_liquid_markets_of_the_source_have_a_name() -> None:
    """So that a folder of its prices loses no major market; what is left is niche or defunct."""
    majors = """
        SP500 NASDAQ DOW RUSSELL EUROSTX DAX CAC FTSE100 NIKKEI TOPIX HANG KOSPI SPI200 VIX V2X
        US2 US5 US10 US20 US30 BUND BOBL SHATZ BUXL OAT BTP GILT JGB CAD10 SOFR FED EURIBOR SONIA3
        EUR GBP JPY CHF AUD CAD NZD MXP BRE DX GOLD SILVER COPPER PLAT PALLAD BITCOIN ETHEREUM
        CRUDE_W BRENT_W GAS_US HEATOIL GASOILINE GASOIL CORN WHEAT REDWHEAT SOYBEAN SOYMEAL SOYOIL
        LIVECOW FEEDCOW LEANHOG COFFEE COCOA SUGAR11 COTTON2 OJ
    """
    named = {i.source_code for i in WITH_SOURCE}
    assert set(majors.split()) <= named <= set(config().index)


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize("instrument", WITH_PRICES, **by_code)
def test_source_holds_and_prices_months_of_the_cycle(instrument: Instrument) -> None:
    table = prices(instrument.source_code)
    if table is None:
        assert instrument.code in {"6C", "6S", "SIL"}
        return
    assert months_of(table["PRICE_CONTRACT"]) <= set(instrument.hold_months)
    assert months_of(table["CARRY_CONTRACT"]) <= set(instrument.priced_months)


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize("instrument", WITH_PRICES, **by_code)
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
    if instrument.code == "MBT":  # a month ahead there, see the table
        return
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


@pytest.mark.realdata
@needs_futures
@pytest.mark.parametrize(
    "instrument",
    [i for i in WITH_PRICES if i.basis is not Basis.LEAN and i.code != "FTI"],  # finer closes
    **by_code,
)
def test_prices_of_unlisted_markets_keep_the_tick(instrument: Instrument) -> None:
    table = prices(instrument.source_code)
    assert table is not None
    steps = table["PRICE"].to_numpy()[-250:] * instrument.source_scale / instrument.tick
    off = np.abs(steps - np.round(steps)) > 0.02
    assert off.mean() < 0.1


# ---------------------------------------------------------------- look-ups


class TestMaster:
    def test_a_name_is_a_code_or_the_sources(self) -> None:
        assert MASTER.named("ES") is MASTER.named("SP500") is MASTER["ES"]
        assert MASTER.named("WHEAT").code == "ZW"

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("es", "ES"),
            ("BRENT", "B (Brent crude oil)"),
            ("Gold", "GC (Gold)"),
            ("EUROSTX50", "FESX"),
        ],
    )
    def test_an_unknown_name_is_told_the_nearest(self, name: str, nearest: str) -> None:
        with pytest.raises(UnknownInstrumentError, match=r"docs/markets\.md") as caught:
            MASTER.named(name)
        assert nearest in str(caught.value)

    def test_only_the_case_is_wrong(self) -> None:
        with pytest.raises(UnknownInstrumentError, match=r"did you mean FTI \(AEX\); the inst"):
            MASTER.named("aex")

    def test_no_name_is_near(self) -> None:
        with pytest.raises(UnknownInstrumentError, match="unknown market 'qwxyzzy'; the inst"):
            MASTER.named("qwxyzzy")

    def test_changes_replace_and_add(self) -> None:
        thin = dataclasses.replace(MASTER["ES"], adv_contracts=7.0)
        new = dataclasses.replace(MASTER["ES"], code="NEW", source_code="")
        changed = MASTER.with_changes([new, thin])
        assert [i.code for i in changed] == [*(i.code for i in MASTER), "NEW"]
        assert changed["ES"].adv_contracts == 7.0
        assert changed.from_source("SP500") is thin
        assert MASTER["ES"].adv_contracts == 1.5e6

    def test_names_are_one_markets_alone(self) -> None:
        es, nq = MASTER["ES"], MASTER["NQ"]
        with pytest.raises(ValueError, match="code 'ES' occurs twice"):
            InstrumentMaster([es, es])
        with pytest.raises(ValueError, match="source name 'SP500' occurs twice"):
            MASTER.with_changes([dataclasses.replace(nq, source_code="SP500")])
        with pytest.raises(ValueError, match="source name 'ES' of NQ is also the code"):
            InstrumentMaster([es, dataclasses.replace(nq, source_code="ES")])

    def test_volumes_say_what_they_are_worth(self) -> None:
        measured = dataclasses.replace(MASTER["ES"], rough_volume=False)
        assert volume_note([measured]) == ""
        assert volume_note([measured, MASTER["NQ"]]).startswith("volumes of 1 of 2 markets are ord")
        assert volume_note([MASTER["CZK"], MASTER["NQ"]]).endswith(
            "of CZK the volume is unknown and 100 contracts a day are assumed"
        )
