"""Writes small folders in pysystemtrade's layout, and the instruments to read them with."""

from datetime import date
from pathlib import Path

from research.data.import_pysystemtrade import load_pysystemtrade
from universe.arrays import from_epoch_day
from universe.instruments import AssetClass, Instrument, InstrumentMaster, Notice

MULTIPLE_HEADER = "DATETIME,CARRY,CARRY_CONTRACT,PRICE,PRICE_CONTRACT,FORWARD,FORWARD_CONTRACT"


def instrument(code="AA", source_code="ALPHA", **changes):
    fields = {
        "code": code,
        "name": code,
        "market": "cme",
        "asset_class": AssetClass.EQUITY,
        "sector": "us equity",
        "currency": "USD",
        "multiplier": 50.0,
        "tick": 0.25,
        "hold_months": "HMUZ",
        "priced_months": "HMUZ",
        "roll_days": 5,
        "carry_offset": 1,
        "depth": 0,
        "notice": Notice.CASH,
        "expiry_rule": "third_friday",
        "half_spread": 0.1,
        "fee": 2.0,
        "fee_currency": "USD",
        "adv_contracts": 1e6,
        "session": "09:30-16:00 America/New_York",
        "source_code": source_code,
    }
    return Instrument(**{**fields, **changes})


def master(*instruments):
    return InstrumentMaster(instruments or (instrument(),))


def write(folder: Path, sub: str, name: str, header: str, rows) -> Path:
    path = folder / sub / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else ",".join(map(str, row)) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def write_multiple(folder: Path, rows, name="ALPHA", header=MULTIPLE_HEADER) -> Path:
    """``rows`` of (stamp, carry, its contract, price, its contract, forward, its contract)."""
    return write(folder, "multiple_prices_csv", name, header, rows)


def write_adjusted(folder: Path, rows, name="ALPHA") -> Path:
    return write(folder, "adjusted_prices_csv", name, "DATETIME,price", rows)


def write_fx(folder: Path, rows, name="EURUSD") -> Path:
    return write(folder, "fx_prices_csv", name, "DATETIME,PRICE", rows)


MAR, JUN, SEP = 20200300, 20200600, 20200900
# sixteen weekdays from Monday 2020-03-02; March 2020 expires on Friday the 20th
DAYS = [date(2020, 3, d) for d in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 23)]


def bars(history):
    """{(day, contract month): close}"""
    month = history.contract_month[history.contract]
    return dict(
        zip(zip(map(from_epoch_day, history.day), month, strict=True), history.close, strict=True)
    )


def kinds(data, market=None):
    return [i.kind for i in data.issues if market in (None, i.market)]


def issue(data, kind):
    (found,) = [i for i in data.issues if i.kind == kind]
    return found


def load(folder, *instruments, **options):
    return load_pysystemtrade(folder, master(*instruments), **options)


def plain_rows(days=DAYS, price=100.0, contract=MAR, carry=101.0, other=JUN):
    return [
        (f"{day} 23:00:00", carry + k, other, price + k, contract, "", SEP)
        for k, day in enumerate(days)
    ]
