"""What the documents show of rolls: the defaults beside the same run with calendar spreads."""

from __future__ import annotations

from typing import Any

from execution.fills import ROLLS, SPREAD
from research.engine.result import RunResult
from research.measures.performance import elapsed_years
from research.measures.rolls import roll_records
from research.measures.summary import headline_figures
from research.measures.tables import costs
from research.pages.text import percent, signed


def rolls_figures(legs: RunResult, spread: RunResult) -> dict[str, Any]:
    """Costs and Sharpe ratios of both runs, and what the second paid for its rolls, as text.

    Parameters
    ----------
    legs, spread : RunResult
        Of ``roll_orders=legs`` and ``roll_orders=spread``, over the same sessions.
    """
    records = roll_records(spread)
    as_spread = [one for one in records if one.kind == SPREAD]
    listed = {one.market for one in as_spread}
    whole = sum(one.contracts for one in records)
    rolled = {fill.market for fill in spread.fills if fill.reason in ROLLS}
    return {
        "legs": _of_run(legs),
        "spread": _of_run(spread),
        "share": percent(sum(one.contracts for one in as_spread) / whole if whole else 0.0, 0),
        "markets": f"{len(listed)} of {len(rolled)}",
        "ratio": signed(_ratio(records)),
        "ratio_listed": signed(_ratio([one for one in records if one.market in listed])),
        "ratio_spread": signed(_ratio(as_spread)),
    }


def _of_run(result: RunResult) -> dict[str, str]:
    """Costs of a year and the Sharpe ratio of a run."""
    years = elapsed_years(result.day)
    paid = {name: 100.0 * float(part.sum()) / years for name, part in costs(result).items()}
    sharpe = next(f.text for f in headline_figures(result) if f.label == "Sharpe ratio, net")
    return {
        "cost of rolls, % of NAV a year": signed(paid["rolls"]),
        "of trades": signed(paid["trades"]),
        "Sharpe ratio, net": sharpe,
    }


def _ratio(records: list[Any]) -> float:
    """Paid over what legs would have cost."""
    alone = sum(one.outright for one in records)
    return sum(one.paid for one in records) / alone if alone else float("nan")


def rolls_block(record: dict[str, Any]) -> str:
    """Both runs as Markdown, and what a spread saves."""
    of = record["rolls"]
    lines = [
        f"{record['data']}, {record['first']} to {record['last']}, defaults with either:",
        "",
        "| | legs | spread |",
        "|---|---|---|",
    ]
    lines += [f"| {label} | {text} | {of['spread'][label]} |" for label, text in of["legs"].items()]
    lines += [
        "",
        f"In the run with spreads {of['share']} of the contracts are rolled as such, in"
        f" {of['markets']} markets; rolls cost {of['ratio']} of what the same contracts would have"
        f" cost by legs ({of['ratio_listed']} in the markets with spreads, {of['ratio_spread']} of"
        " each spread; fees do not halve).",
        "",
        f"Settings {record['settings_hash']}, data {record['data_hash'][:12]}; written by"
        " `python -m research docs`.",
    ]
    return "\n".join(lines) + "\n"
