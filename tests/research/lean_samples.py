"""A miniature LEAN Data folder and made-up histories for the tests of the LEAN format."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from research.data.dataset import Dataset, FxHistory, MarketHistory
from research.lean.format import HOURS_FILE, PROPERTIES_FILE, ContractCalendar
from research.lean.hours import MarketHoursDatabase
from tests.golden_lean import lean_data
from universe.arrays import from_epoch_day, to_epoch_day
from universe.instruments import Instrument
from universe.master import MASTER

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


def part(start, end, state="market"):
    return {"start": start, "end": end, "state": state}


def entry(data_zone, exchange_zone, day, sunday=(), friday=None, **more):
    days = {name: list(day) for name in WEEK} | {"sunday": list(sunday), "saturday": []}
    if friday is not None:
        days["friday"] = list(friday)
    return {"dataTimeZone": data_zone, "exchangeTimeZone": exchange_zone, **days, **more}


NIGHT = part("21:00:00", "1.00:00:00")
ENTRIES = {
    "Future-cme-[*]": entry(
        "UTC",
        "America/Chicago",
        [part("08:30:00", "16:00:00")],
        holidays=["12/25/2019", "1/1/2020"],
        bankHolidays=["11/11/2019"],
        earlyCloses={"1/20/2020": "12:00:00"},
    ),
    "Future-cme-ES": entry(
        "UTC",
        "America/New_York",
        [
            part("00:00:00", "09:30:00", "premarket"),
            part("09:30:00", "17:00:00"),
            part("18:00:00", "1.00:00:00", "postmarket"),
        ],
        holidays=["5/25/2020"],
        earlyCloses={"4/10/2020": "09:15:00", "1/20/2020": "13:00:00"},
        lateOpens={"1/20/2020": "18:00:00", "2/17/2020": "18:00:00"},
    ),
    "Future-nymex-[*]": entry("UTC", "America/New_York", [part("09:30:00", "17:00:00")]),
    "Future-eurex-[*]": entry("Europe/Berlin", "Europe/Berlin", [part("01:10:00", "22:00:00")]),
    "Future-ice-CT": entry(
        "UTC",
        "America/New_York",
        [part("00:00:00", "14:20:00"), part("14:50:00", "18:00:00", "postmarket"), NIGHT],
        sunday=[NIGHT],
        friday=[part("00:00:00", "14:20:00")],
        earlyCloses={"7/3/2020": "14:30:00", "7/2/2020": "14:30:00"},
    ),
    "Future-ice-DX": entry(
        "America/New_York",
        "America/New_York",
        [part("00:00:00", "17:00:00"), part("20:00:00", "1.00:00:00")],
        sunday=[part("18:00:00", "1.00:00:00")],
        friday=[part("00:00:00", "17:00:00")],
    ),
    "Future-ice-[*]": entry("UTC", "America/New_York", [part("04:00:00", "14:00:00")]),
}
PROPERTIES = """\
market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size
# comment
eurex,FESX,future,EURO STOXX 50,EUR,10,1,1,,1

cme,ES,future,E-mini S&P 500,USD,50,0.25,1,ES,,1
nymex,CL,future,Crude,USD,1000,0.01,1
ice,CT,future,Cotton,USD,50000,0.0001,1,,,100
ice,DX,future,Dollar index,USD,1000,0.005,1
oanda,EURUSD,forex,EUR/USD,USD,1,0.00001,1
oanda,USDJPY,forex,USD/JPY,JPY,1,0.001,1
"""


def lean_folder(folder: Path) -> Path:
    """Write the two databases and an interest-rate file."""
    files = {
        HOURS_FILE: json.dumps({"entries": ENTRIES}),
        PROPERTIES_FILE: PROPERTIES,
        "alternative/interest-rate/usa/interest-rate.csv": "DATE,PCREDIT8\n2003-01-09,2.25\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def calendar_of(folder: Path, instrument: Instrument) -> ContractCalendar:
    hours = MarketHoursDatabase(folder / HOURS_FILE).future(instrument.market, instrument.code)
    return ContractCalendar(instrument, hours)


def day(text: str) -> int:
    return to_epoch_day(date.fromisoformat(text))


def instrument(code: str, /, **changes) -> Instrument:
    return replace(MASTER[code], **changes) if changes else MASTER[code]


def history(
    folder: Path,
    market: Instrument,
    months: list[int],
    first: str = "2019-11-01",
    sessions: int = 150,
    seed: int = 1,
    volume: str = "known",
    interest: bool = True,
    skip: float = 0.1,
) -> MarketHistory:
    """A random walk of several contracts with gaps, that LEAN can see completely.

    ``volume`` is "known", "none" or "some". The front contract changes ten days before expiry.
    """
    rng = np.random.default_rng(seed)
    hours = MarketHoursDatabase(folder / HOURS_FILE).future(market.market, market.code)
    calendar = ContractCalendar(market, hours)
    expiry = np.array([calendar.expiry(month) for month in months])
    start = day(first)
    days = [
        d for d in range(start, start + 3 * sessions) if hours.is_trading_day(from_epoch_day(d))
    ]
    rows = []
    for d in days[:sessions]:
        for c in range(len(months)):
            if d <= expiry[c] and (rng.random() > skip or d == days[0]):
                rows.append((d, c))
    at, contract = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(rows)))) + contract
    spread = rng.random((3, len(rows))) * rng.choice([0.0, 1.0], len(rows))
    traded = rng.integers(0, 5, len(rows)).astype(float)
    if volume != "known":
        traded[rng.random(len(rows)) < (2 if volume == "none" else 0.5)] = np.nan
    known = rng.integers(0, 10**6, len(rows)).astype(float)
    if interest:
        known[rng.random(len(rows)) < 0.3] = np.nan
    else:
        known[:] = np.nan
    held, traded_on = np.unique(contract), np.unique(at).tolist()
    mapped = [(days[0], int(held[0]))]
    for c in held[1:]:
        later = [d for d in traded_on if d > expiry[mapped[-1][1]] - 10]
        if later and later[0] > mapped[-1][0]:
            mapped.append((later[0], int(c)))
    return MarketHistory(
        market,
        np.array(months, dtype=np.int64),
        expiry,
        at,
        contract,
        close + spread[0] - 0.5,
        close + 0.5 + spread[1],
        close - 0.5 - spread[2],
        close,
        traded,
        known,
        np.array([m[0] for m in mapped], dtype=np.int64),
        np.array([m[1] for m in mapped], dtype=np.int64),
    )


def fx(currency: str, first: str = "2019-11-01", days: int = 300, seed: int = 3) -> FxHistory:
    rng = np.random.default_rng(seed)
    at = np.arange(day(first), day(first) + days)
    at = at[(at + 3) % 7 < 5]
    return FxHistory(currency, at, np.exp(rng.normal(-1, 2, len(at))))


def dataset(*markets: MarketHistory, rates: tuple[FxHistory, ...] = ()) -> Dataset:
    return Dataset(
        "made up",
        True,
        {market.instrument.code: market for market in markets},
        {rate.currency: rate for rate in rates},
    )


def assert_same(left: Dataset, right: Dataset) -> None:
    """Equal bit for bit, NaN included."""
    assert list(left.markets) == list(right.markets)
    assert sorted(left.fx) == sorted(right.fx)
    for code, one in left.markets.items():
        for name in MarketHistory.__slots__:
            mine, other = getattr(one, name), getattr(right.markets[code], name)
            if name == "instrument":
                assert mine == other
            else:
                assert mine.dtype == other.dtype, (code, name)
                np.testing.assert_array_equal(mine, other, err_msg=f"{code} {name}")
    for currency, rate in left.fx.items():
        np.testing.assert_array_equal(rate.day, right.fx[currency].day)
        np.testing.assert_array_equal(rate.rate, right.fx[currency].rate)


def real_lean_data() -> Path:
    """LEAN's own Data folder, or the facts of it that come with the tests."""
    return lean_data()
