"""Facts of LEAN's databases about the master's markets, as small files beside the tests.

``tests/golden`` holds, for the markets that both the master and LEAN know: their rows of the
symbol-properties database, their entries of the market-hours database and the last trade dates
that the engine computes for all months from 1990 to 2030. Source: QuantConnect/Lean (Apache-2.0),
the ``Data`` folder and ``FuturesExpiryFunctions`` of 21 August 2026. :func:`lean_facts` unpacks
them into a folder laid out as LEAN's own; ``python -m tests.golden_lean FOLDER`` packs them anew
from LEAN's Data folder with an ``expiries.csv`` in it.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from universe.master import MASTER

GOLDEN = Path(__file__).resolve().parent / "golden"
PROPERTIES = "symbol-properties/symbol-properties-database.csv"
HOURS = "market-hours/market-hours-database.json"
EXPIRIES = "expiries.csv"
YEARS = range(1990, 2031)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DATES, TIMES = ("holidays", "bankHolidays"), ("earlyCloses", "lateOpens")
FACTS = [(i.market, i.code) for i in MASTER if i.lean_listed or i.code == "KM"]
PAIRS = sorted({i.currency for i in MASTER} - {"USD"})


def lean_data() -> Path:
    """LEAN's Data folder that the environment names, else the one beside, else the facts here."""
    named = os.environ.get("LEAN_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "lean"
    folder = Path(named) if named else beside
    return folder if (folder / HOURS).is_file() else lean_facts()


@cache
def lean_facts() -> Path:
    """The golden files in LEAN's own layout, in a folder of this process."""
    holder = tempfile.TemporaryDirectory(prefix="lean-facts-")
    _KEPT.append(holder)
    folder = Path(holder.name)
    for name in (PROPERTIES, HOURS):
        (folder / name).parent.mkdir(parents=True)
    (folder / PROPERTIES).write_text((GOLDEN / "lean_symbols.csv").read_text())
    packed = json.loads((GOLDEN / "lean_hours.json").read_text())
    entries = {key: _unpack_hours(entry, packed) for key, entry in packed["entries"].items()}
    (folder / HOURS).write_text(json.dumps({"entries": entries}))
    rows = ["market,root,contract_month,last_trade_date"]
    with (GOLDEN / "lean_expiries.csv").open(newline="") as lines:
        for market, root, year, offsets in csv.reader(lines):
            for month, offset in enumerate(offsets.split(), start=1):
                day = date(int(year), month, 1) + timedelta(days=int(offset))
                rows.append(f"{market},{root},{year}{month:02d},{day}")
    (folder / EXPIRIES).write_text("\n".join(rows) + "\n")
    return folder


_KEPT: list[Any] = []


def pack(folder: Path, out: Path = GOLDEN) -> None:
    """Write the golden files from LEAN's Data folder."""
    out.mkdir(exist_ok=True)
    (out / "lean_symbols.csv").write_text("\n".join(symbol_rows(folder)) + "\n")
    (out / "lean_hours.json").write_text(_pack_hours(folder))
    (out / "lean_expiries.csv").write_text("\n".join(_expiry_rows(folder)) + "\n")


def symbol_rows(folder: Path) -> list[str]:
    """Header and rows of the symbol-properties database that the master's markets need."""
    pairs = {f"oanda,{pair},forex" for c in PAIRS for pair in (c + "USD", "USD" + c)}
    wanted = {f"{market},{code},future" for market, code in FACTS} | pairs
    lines = (folder / PROPERTIES).read_text(encoding="utf-8-sig").splitlines()
    return [lines[0], *(x for x in lines if ",".join(x.split(",")[:3]) in wanted)]


def _expiry_rows(folder: Path) -> Iterable[str]:
    with (folder / EXPIRIES).open(newline="") as lines:
        rows = [r for r in csv.reader(lines) if (r[0], r[1]) in FACTS]
    for (market, root, year), months in groupby(rows, lambda r: (r[0], r[1], r[2][:4])):
        if int(year) in YEARS:
            ends = {int(m[2][4:]): date.fromisoformat(m[3]) for m in months}
            offsets = [(ends[m] - date(int(year), m, 1)).days for m in range(1, 13)]
            yield f"{market},{root},{year},{' '.join(map(str, offsets))}"


def hours_entries(folder: Path) -> dict[str, Any]:
    """Entries of the market-hours database that the master's markets need, dates in one form."""
    entries = json.loads((folder / HOURS).read_text(encoding="utf-8-sig"))["entries"]
    keys = [f"Future-{m}-{name}" for m, code in FACTS for name in (code, "[*]")]
    keys += [f"Forex-oanda-{pair}" for c in PAIRS for pair in (c + "USD", "USD" + c)]
    kept = dict.fromkeys([*keys, "Forex-oanda-[*]"])
    names = ("dataTimeZone", "exchangeTimeZone", *DAYS, *DATES, *TIMES)
    return {
        key: {
            name: _plain(entries[key][name]) if name in DATES + TIMES else entries[key][name]
            for name in names
            if entries[key].get(name)
        }
        for key in kept
        if key in entries
    }


def _plain(dates: Any) -> Any:
    """Dates as m/d/yyyy, in order and once each."""
    if isinstance(dates, dict):
        return {_plain([text])[0]: clock for text, clock in sorted(dates.items())}
    return _texts(_by_year(dates))


def _pack_hours(folder: Path) -> str:
    """Lists that many entries share are held once, dates as yyyy: mmdd mmdd."""
    pools: dict[str, list[Any]] = {"weeks": [], "dates": [], "times": []}

    def place(pool: str, value: Any) -> int:
        if value not in pools[pool]:
            pools[pool].append(value)
        return pools[pool].index(value)

    packed = {}
    for key, entry in hours_entries(folder).items():
        new = {name: entry[name] for name in ("dataTimeZone", "exchangeTimeZone")}
        new["week"] = place("weeks", {day: entry[day] for day in DAYS if day in entry})
        for name in DATES:
            if name in entry:
                new[name] = place("dates", _by_year(entry[name]))
        for name in TIMES:
            if name in entry:
                clocks = {
                    clock: _by_year([d for d, at in entry[name].items() if at == clock])
                    for clock in sorted(set(entry[name].values()))
                }
                new[name] = place("times", clocks)
        packed[key] = new
    parts = [
        f' "{name}": [\n' + ",\n".join("  " + json.dumps(x) for x in pool) + "\n ]"
        for name, pool in pools.items()
    ]
    lines = (f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in packed.items())
    parts.append(' "entries": {\n' + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _by_year(texts: Iterable[str]) -> dict[str, str]:
    """m/d/yyyy as "mmdd mmdd" by year."""
    split = sorted({(y, int(m), int(d)) for m, d, y in (text.split("/") for text in texts)})
    grouped = groupby(split, lambda parts: parts[0])
    return {year: " ".join(f"{m:02d}{d:02d}" for _, m, d in days) for year, days in grouped}


def _texts(by_year: dict[str, str]) -> list[str]:
    return [
        f"{int(text[:2])}/{int(text[2:])}/{year}"
        for year, days in by_year.items()
        for text in days.split()
    ]


def _unpack_hours(entry: dict[str, Any], packed: dict[str, Any]) -> dict[str, Any]:
    new = {name: entry[name] for name in ("dataTimeZone", "exchangeTimeZone")}
    week = packed["weeks"][entry["week"]]
    new |= {day: week.get(day, []) for day in DAYS}
    for name in DATES:
        if name in entry:
            new[name] = _texts(packed["dates"][entry[name]])
    for name in TIMES:
        if name in entry:
            clocks = packed["times"][entry[name]]
            new[name] = {d: clock for clock, days in clocks.items() for d in _texts(days)}
    return new


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
