"""A LEAN data folder before a run: findings are said, and what cannot be traded is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.opening import listed
from research.commands.speech import call, warn

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.progress import Bars


def with_traded_markets(
    settings: Settings, data: Path, bars: Bars, instruments: Path | None = None
) -> Settings:
    """The settings with the markets of the folder that LEAN can trade, for "all".

    Markets named one by one must all be tradable. With an instruments file they name the key
    under which LEAN finds it.

    Raises
    ------
    DataError
        If the folder is none of LEAN's, a market that was named cannot be traded, or none can.
    """
    from research.data.errors import DataError
    from research.data.instruments_file import STORE_KEY, master_with
    from research.lean.checks import check_folder, expected_markets, untraded
    from research.open_data import Layout, detect_layout

    if not data.is_dir() or detect_layout(data) is not Layout.LEAN:
        make = call("export", data="FOLDER", lean_data="LEAN/Data")
        raise DataError(f"{data}: no LEAN data folder; make one with '{make}'")
    master = master_with(instruments)
    if instruments is not None:
        settings = replace(settings, instruments=STORE_KEY)
    chosen = (
        expected_markets(data, master)
        if settings.markets == "all"
        else [master.named(name) for name in settings.markets.split()]
    )
    findings = check_folder(
        data, chosen, settings.first_day, settings.last_day, bars.market_stage("check")
    )
    bars.finish()
    for finding in findings:
        warn(str(finding))
    out = untraded(findings)
    kept = [one.code for one in chosen if one.code not in out]
    if "" in out or not kept:
        raise DataError(f"{data}: LEAN would trade nothing on it, see the notes above")
    if out and settings.markets != "all":
        raise DataError(f"{data}: LEAN would not trade {listed(sorted(out))}, see the notes above")
    if out:
        warn(f"left out: {listed(sorted(out), 40)}")
    return replace(settings, markets=" ".join(kept))
