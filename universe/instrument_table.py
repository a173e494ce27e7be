"""A user's own markets: the text of an instruments file, read into a master (U8).

The text is CSV with a header line: one market a line, its columns in any order and only those that
are needed (:mod:`universe.instrument_columns`). A line whose ``code`` the master knows changes the
facts it gives and leaves the others; one with a new code adds a market, taking what it does not
give from the market that its column ``like`` names or, for the few columns that have one, from a
default. Lines that begin with ``#`` are remarks. In a text of one line ``;`` ends a line, so that a
short table fits into one parameter of LEAN.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from universe.counts import count_text
from universe.expiry import last_holding_date, last_trade_date
from universe.instrument_columns import COLUMNS, EMPTY
from universe.instruments import AssetClass, Basis, Instrument, InstrumentMaster
from universe.nearest import did_you_mean
from universe.rolls import MONTH_LETTERS

LIKE = "like"
"""The column that names the market whose facts a new one takes over."""

SHOWN_ERRORS = 20
"""Errors that one exception lists; the rest are counted."""

_ROLL_YEARS = range(2010, 2031)


class InstrumentTableError(ValueError):
    """An instruments file that cannot be read, with each fault by its line."""


_BY_NAME = {column.name: column for column in COLUMNS}


def read_table(text: str, master: InstrumentMaster, where: str = "instruments") -> InstrumentMaster:
    """The master with the changes of an instruments file.

    Parameters
    ----------
    text : str
        Of the file, or of a parameter in which ``;`` ends a line.
    master : InstrumentMaster
        What is added to and overridden.
    where : str
        What errors call the text: the file's name.

    Returns
    -------
    InstrumentMaster

    Raises
    ------
    InstrumentTableError
        Naming every fault by line, column, value and what is allowed.
    """
    return master.with_changes(own_instruments(text, master, where))


def own_instruments(
    text: str, master: InstrumentMaster, where: str = "instruments"
) -> list[Instrument]:
    """The markets that an instruments file changes or adds, in its order; see :func:`read_table`.

    Raises
    ------
    InstrumentTableError
    """
    rows = _rows(text, where)
    faults: list[str] = []
    if not rows:
        raise InstrumentTableError(f"{where}: empty; expected a header line with the column 'code'")
    number, header = rows[0]
    _check_header(header, number, faults)
    if faults:
        raise InstrumentTableError(_sentence(where, faults))
    found: dict[str, tuple[int, Instrument]] = {}
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            faults.append(
                f"line {number}: {count_text(len(cells), 'cell')} under "
                f"{count_text(len(header), 'column')}"
            )
            continue
        given = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
        instrument = _instrument(given, master, number, faults)
        if instrument is None:
            continue
        if instrument.code in found:
            first = found[instrument.code][0]
            faults.append(f"line {number}: code {instrument.code!r} is also that of line {first}")
        found[instrument.code] = number, instrument
    faults += _clashes(found, master)
    changes = [instrument for _, instrument in found.values()]
    if not faults:
        faults += _lost_full_sizes(found, master.with_changes(changes))
    if faults:
        raise InstrumentTableError(_sentence(where, faults))
    return changes


def table_text(instruments: Iterable[Instrument]) -> str:
    """Markets in the form of an instruments file that gives every column.

    ``read_table`` reads it back without a change.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in COLUMNS)
    for instrument in instruments:
        writer.writerow(_cell(getattr(instrument, column.name)) for column in COLUMNS)
    return text.getvalue()


def chosen_master(
    value: str, read_key: Callable[[str], str | None], master: InstrumentMaster
) -> InstrumentMaster:
    """The master that a parameter of LEAN asks for.

    Parameters
    ----------
    value : str
        Empty for the master itself, a table (it has a comma), or the key of one in the ObjectStore.
    read_key : callable
        Text under a key of the ObjectStore, None where there is none.
    master : InstrumentMaster

    Raises
    ------
    InstrumentTableError
        If the key is not there or the table is not one.
    """
    if not value:
        return master
    if "," in value:
        return read_table(value, master)
    text = read_key(value)
    if text is None:
        raise InstrumentTableError(
            f"instruments {value!r}: allowed is a table, or the key of one in the ObjectStore, and"
            " the store has no such key"
        )
    return read_table(text, master, value)


def _rows(text: str, where: str) -> list[tuple[int, list[str]]]:
    """Number and cells of every line that is no remark."""
    lines = text.lstrip("\ufeff").splitlines()
    if len(lines) == 1:
        lines = lines[0].split(";")
    try:
        return [
            (number, [cell.strip() for cell in next(csv.reader([line]))])
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
    except csv.Error as error:
        raise InstrumentTableError(f"{where}: not CSV ({error})") from error


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (" ".join(value) if isinstance(value, tuple) else str(value)) or EMPTY


def _check_header(header: list[str], number: int, faults: list[str]) -> None:
    known = [*_BY_NAME, LIKE]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        faults.append(f"line {number}: {header[0]!r} has no comma; columns are parted by commas")
        return
    for name in header:
        if name not in known:
            hint = did_you_mean(name, known) or f"; known are {', '.join(known)}"
            faults.append(f"line {number}: unknown column {name!r}{hint}")
    faults += [
        f"line {number}: column {name!r} stands there twice"
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if "code" not in header:
        faults.append(f"line {number}: no column 'code', which every line needs")


def _instrument(
    given: Mapping[str, str], master: InstrumentMaster, number: int, faults: list[str]
) -> Instrument | None:
    """One line's market; None with the faults written down."""
    before = len(faults)
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name == LIKE:
            continue
        column = _BY_NAME[name]
        try:
            values[name] = column.parse(text)
        except (ValueError, OverflowError):
            faults.append(f"line {number}, {name} {text!r}: allowed is {column.allowed}")
    if "code" not in given:
        faults.append(f"line {number}: no code")
    like = given.get(LIKE, "")
    if like and like not in master:
        faults.append(f"line {number}, {LIKE} {like!r}: allowed is a code of the master")
    elif like and given.get("code", "") in master:
        faults.append(
            f"line {number}, {LIKE} {like!r}: allowed only with a new code, and the master has"
            f" {given['code']}"
        )
    if len(faults) > before:
        return None
    base = like or given["code"]
    known = base in master
    instrument = _changed(master[base], values) if known else _new(values, number, faults)
    if instrument is None:
        return None
    wrong = list(_contradictions(instrument))
    faults += [f"line {number}, {name} {value!r}: allowed is {what}" for name, value, what in wrong]
    return None if wrong else instrument


def _contradictions(instrument: Instrument) -> Iterator[tuple[str, object, str]]:
    """Column, value and what is allowed, where facts of a market do not go together."""
    held = instrument.hold_months
    if not set(held) <= set(instrument.priced_months):
        yield "priced_months", instrument.priced_months, f"a cycle with all of {held} among it"
    if (instrument.duration > 0) != (instrument.asset_class is AssetClass.BOND):
        yield "duration", instrument.duration, "a number above 0 for bonds, 0 for all others"
    if instrument.depth >= len(held):
        yield (
            "depth",
            instrument.depth,
            f"less than the {count_text(len(held), 'month')} of hold_months",
        )
    least = _least_window(instrument)
    if instrument.roll_days < least:
        yield (
            "roll_days",
            instrument.roll_days,
            f"{least} or more with the notice {instrument.notice} and the rule"
            f" {instrument.expiry_rule}, so that the window opens before the last holding day",
        )


def _least_window(instrument: Instrument) -> int:
    """Calendar days from the day after the last holding date to the last trade date, at most."""
    gaps = []
    for letter in instrument.hold_months:
        month = MONTH_LETTERS.index(letter) + 1
        for year in _ROLL_YEARS:
            end = last_trade_date(instrument.expiry_rule, year, month)
            holding = last_holding_date(instrument.notice, end, year, month)
            gaps.append((end - holding).days + 1)
    return max(gaps)


def _changed(base: Instrument, values: dict[str, Any]) -> Instrument:
    """A market with some facts of its own, which are then known and the user's."""
    own: dict[str, Any] = {"unknown": tuple(name for name in base.unknown if name not in values)}
    if values["code"] != base.code:
        own |= {"name": values["code"], "source_code": "", "full_size": ""}
        own |= {"lean_listed": False, "basis": Basis.USER}
    if {"multiplier", "tick", "currency"} & values.keys():
        own["basis"] = Basis.USER
    if "currency" in values:
        own["fee_currency"] = values["currency"]
    return replace(base, **{**own, **values})


def _new(values: dict[str, Any], number: int, faults: list[str]) -> Instrument | None:
    missing = [c.name for c in COLUMNS if c.default is None and c.name not in values]
    if missing:
        faults.append(
            f"line {number}: the new market {values['code']!r} lacks {', '.join(missing)};"
            f" give them or name a market that it is like in the column {LIKE!r}"
        )
        return None
    whole = {c.name: values.get(c.name, c.default) for c in COLUMNS}
    whole["name"] = whole["name"] or whole["code"]
    whole["priced_months"] = whole["priced_months"] or whole["hold_months"]
    whole["fee_currency"] = whole["fee_currency"] or whole["currency"]
    return Instrument(**whole)


def _clashes(
    found: Mapping[str, tuple[int, Instrument]], master: InstrumentMaster
) -> Iterator[str]:
    """Names that another market goes by; codes that differ in case alone share LEAN's files."""
    others = [one for one in master if one.code not in found]
    codes = {one.code.upper(): one.code for one in others}
    sources = {one.source_code: one.code for one in others if one.source_code}
    for number, one in found.values():
        by_code = codes.setdefault(one.code.upper(), one.code)
        if by_code != one.code:
            yield f"line {number}, code {one.code!r}: {by_code} differs from it in case alone"
        if one.source_code:
            by_source = sources.setdefault(one.source_code, one.code)
            if by_source != one.code:
                yield (
                    f"line {number}, source_code {one.source_code!r}: {by_source} has this name"
                    " already"
                )
    every = {one.code: one for one in [*others, *(one for _, one in found.values())]}
    for number, one in found.values():
        owner = sources.get(one.code, one.code)
        if owner != one.code:
            yield f"line {number}, code {one.code!r}: {owner} has it as source_code"
        if one.source_code != one.code and one.source_code in every:
            yield (
                f"line {number}, source_code {one.source_code!r}: allowed is no other market's code"
            )


def _lost_full_sizes(
    found: Mapping[str, tuple[int, Instrument]], changed: InstrumentMaster
) -> list[str]:
    return [
        f"line {number}, full_size {i.full_size!r}: allowed is the code of another market"
        for number, i in found.values()
        if i.full_size and (i.full_size not in changed or i.full_size == i.code)
    ]


def _sentence(where: str, faults: list[str]) -> str:
    shown = "; ".join(faults[:SHOWN_ERRORS])
    more = len(faults) - SHOWN_ERRORS
    return f"{where}: {shown}" + (f"; and {more} more" if more > 0 else "")
