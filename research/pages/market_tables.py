"""The instrument master and the columns of an instruments file as tables for people (U1, U8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from research.data.instruments_file import master_with
from universe.counts import count_text
from universe.expiry import KNOWN_RULES, last_trade_date
from universe.instrument_columns import COLUMNS
from universe.instrument_table import LIKE, table_text
from universe.instruments import AssetClass, Instrument
from universe.master import MASTER

_HEAD = (
    *("code", "name", "market", "currency", "multiplier", "tick", "months held", "roll days"),
    *("half spread", "volume a day", "LEAN", "facts from", "source name", "small contract of"),
)
_EXAMPLE = (2022, 12)
_OWN_MARKETS = """\
# Own markets

An instruments file changes the markets of the master ([markets.md](markets.md)) and adds others,
without any code. It is a CSV with a header line, one market a line, and only the columns that are
needed, in any order:

```
# mine.csv
code,like,name,multiplier,tick,source_code
ESN,ES,Nano S&P 500,1,0.25,SP500_nano
```

```
code,half_spread,adv_contracts,rough_volume
ZC,0.0016,95000,no
KE,0.004,,
```

A line whose code the master knows changes the facts it gives; an empty cell leaves a fact as it
is, `-` empties a text. A new code takes what its line does not give from the market named in
`like`, but for name, `source_code`, `full_size`, `lean_listed` and `basis`, or needs the columns
marked so. Codes that differ in case alone would share LEAN's files, and none may be another
market's `source_code`. Lines that begin with `#` are remarks. Every fault is named by line,
column, value and what is allowed.

* **Research and export**: `INSTRUMENTS=mine.csv` with any task that reads data (`--instruments`).
* **LEAN**: the parameter `instruments` is either the key of such a file in the ObjectStore or a
  short table in itself, `;` for the ends of lines: `code,half_spread;ZC,0.002`. LEAN trades what
  its own symbol-properties database lists (`lean_listed`), with its own multiplier, tick and
  currency: a table that says otherwise is contradicted by name.

What has a file in the data but no instrument, or an instrument but no data, is left out of a run
and named on screen, in the report and by the export."""


def markets_text(instruments: Iterable[Instrument]) -> str:
    """docs/markets.md: the markets of a master by class."""
    given = list(instruments)
    listed = sum(i.lean_listed for i in given)
    named = sum(bool(i.source_code) for i in given)
    parts = [
        "# Markets",
        f"{count_text(len(given), 'market')}, {listed} of them listed by LEAN, {named} with a "
        "name in"
        " pysystemtrade's data. Written by `python -m research.pages.market_tables --format"
        " markdown`; change or add any of them with an instruments file ([instruments.md]"
        "(instruments.md)). Where the facts come from is said in `universe/master.py`.",
        "* **facts from**: what multiplier, tick and currency rest on: LEAN's symbol-properties"
        " database (a test compares them), the exchange's specification, or the configuration of"
        " the price source, which is known to have errors.\n"
        "* **volume a day** is an order of magnitude of recent years, not a measurement: whatever"
        ' is computed from it (impact, the cap on positions, liquidity) is as rough. "?" marks a'
        " fact that is not known; a cautious stand-in is used.\n"
        "* **half spread** and **tick** are in the quote; LEAN quotes grains, livestock and some"
        " softs in dollars where the exchange quotes cents.\n"
        "* With `markets=all` LEAN takes one contract of an underlying: the full-size one.",
    ]
    for asset_class in AssetClass:
        rows = [_row(i) for i in given if i.asset_class is asset_class]
        if rows:
            parts += [f"## {asset_class.capitalize()}", _markdown(_HEAD, rows)]
    return "\n\n".join(parts) + "\n"


def columns_text() -> str:
    """docs/instruments.md: what an instruments file may hold."""
    rows = [
        (f"`{c.name}`", c.meaning, c.allowed, "needed" if c.default is None else _default(c.name))
        for c in COLUMNS
    ]
    rows.append((f"`{LIKE}`", "market whose facts a new one takes over", "a code", ""))
    year, month = _EXAMPLE
    rules = [
        (
            f"`{rule}`",
            str(last_trade_date(rule, year, month)),
            ", ".join(i.code for i in MASTER if i.expiry_rule == rule),
        )
        for rule in sorted(KNOWN_RULES)
    ]
    parts = (
        _OWN_MARKETS,
        "## Columns",
        _markdown(("column", "meaning", "allowed", "of a new market"), rows),
        "## Rules of the last trade date",
        f"With the date of the contract of {month:02d}/{year} on a calendar without holidays; the"
        " data's own dates come first (`--expiries`, LEAN).",
        _markdown(("rule", "example", "markets of the master"), rules),
        "Written by `python -m research.pages.market_tables --format columns`.",
    )
    return "\n\n".join(parts) + "\n"


def _default(name: str) -> str:
    follows = {"name": "code", "priced_months": "hold_months", "fee_currency": "currency"}
    if name in follows:
        return f"as {follows[name]}"
    value = next(c.default for c in COLUMNS if c.name == name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value not in ("", ()) else "none"


def _row(i: Instrument) -> tuple[str, ...]:
    def known(field: str, text: str) -> str:
        return f"{text} ?" if field in i.unknown else text

    return (
        i.code,
        i.name,
        i.market,
        i.currency,
        known("multiplier", f"{i.multiplier:.10g}"),
        known("tick", f"{i.tick:.10g}"),
        i.hold_months,
        str(i.roll_days),
        known("half_spread", f"{i.half_spread:.10g}"),
        known("adv_contracts", f"{i.adv_contracts:.10g}"),
        "yes" if i.lean_listed else "",
        str(i.basis),
        i.source_code,
        i.full_size,
    )


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


@click.command("markets")
@click.option(
    "--instruments",
    type=click.Path(path_type=Path),
    help="Instruments file whose markets change the master's.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "csv", "columns"]),
    default="markdown",
    help="The markets by class (markdown) or as an instruments file (csv), or what the columns of"
    " such a file mean (columns).",
)
def markets_command(instruments: Path | None, form: str) -> None:
    """List the markets of the master, or what an instruments file may hold."""
    if form == "columns":
        click.echo(columns_text(), nl=False)
        return
    master = master_with(instruments)
    click.echo(markets_text(master) if form == "markdown" else table_text(master), nl=False)


if __name__ == "__main__":
    markets_command()
