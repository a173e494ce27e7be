"""The pack of rule 18f-4 from an archive: what a derivatives risk manager signs (O2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from research.compliance import figures
from research.compliance.blocks import Block, Heading, Paragraph, Signature, Table
from research.compliance.breaches import BreachEpisode, episodes
from research.compliance.nport import NPortItem, b10, binding_var
from research.compliance.programme import programme
from research.compliance.records import BOOKED, DayEntry, Head, LimitEntry, Number
from research.pages.text import NONE, percent, signed
from risk.coverage import CoverageTest
from risk.replay import EPISODES
from risk.var_backtest import Backtest, backtest, compare, horizon_backtest
from universe.arrays import FloatArray
from universe.counts import count_text

CONFIDENCE, HORIZON = 0.99, 20
ABSOLUTE, RELATIVE = 0.20, 2.0
"""Limits of rule 18f-4(c)(2)(i) and (ii)."""

LATEST_BREACHES = 60
"""Rows of a breach table in print; the archive has all."""

SHARE_LIQUID = 0.85


def pack(head: Head, days: Sequence[DayEntry], last_hash: str) -> list[Block]:
    """All parts of the pack, in order.

    Parameters
    ----------
    head : Head
    days : sequence of DayEntry
        At least one.
    last_hash : str
        Of the archive's last line.

    Raises
    ------
    ValueError
        If there is no day.
    """
    if not days:
        raise ValueError("the archive has no day; there is nothing to report on")
    return [
        *_cover(head, days, last_hash),
        *_var_part(head, days),
        *_backtest_part(days),
        *_breach_part(head, days),
        *_exposure_part(head, days),
        *_collateral_part(head, days),
        *_stress_part(days),
        *_filings(head, days),
        *programme(days),
        *_model_part(head),
        *_sign_off(last_hash),
    ]


def out_of_test(head: Head, entry: DayEntry) -> bool:
    """Whether the day is out of the legal test; a day without a figure is not."""
    if head.legal_test == "relative":
        return entry.var_relative is not None and entry.var_relative > RELATIVE
    var = binding_var(entry)
    return var is not None and var > ABSOLUTE


def breach_episodes(head: Head, days: Sequence[DayEntry]) -> list[BreachEpisode]:
    """Stretches out of the legal test with 18f-4's dates."""
    when = [date.fromisoformat(entry.day) for entry in days]
    return episodes(when, [out_of_test(head, entry) for entry in days])


def _cover(head: Head, days: Sequence[DayEntry], last_hash: str) -> list[Block]:
    of = (
        "VaR over 20 days is of the portfolio held at each close."
        if head.var_of == "held"
        else "VaR over 20 days is of the targets decided at each close, which the run kept; "
        "one-day VaR and its backtest are of the portfolio held."
    )
    rows = [
        ("period", f"{days[0].day} to {days[-1].day}, {count_text(len(days), 'session')}"),
        ("engine", head.engine),
        ("markets", f"{count_text(len(head.markets), 'futures market')}"),
        ("settings", head.settings),
        ("data", head.data[:16]),
        ("net assets", f"{days[-1].nav:,.0f} on the last day"),
        ("archive", f"SHA-256 of the last line {last_hash}"),
    ]
    return [
        Heading("Derivatives risk report under rule 18f-4"),
        Table(("of", "is"), rows),
        Paragraph(f"{legal_basis(head)} {of}"),
        Paragraph(_held_by_the_gate(head, days)),
        Heading("In short", 2),
        Table(("of the period", "is"), _in_short(head, days)),
    ]


def _in_short(head: Head, days: Sequence[DayEntry]) -> list[tuple[str, str]]:
    """What the rest of the pack shows, in a line each."""
    tested = [entry for entry in days if entry.result is not None]
    found = backtest(
        _array([entry.result for entry in tested]),
        _array([entry.var_tested for entry in tested]),
        CONFIDENCE,
    )
    var = max(((v, entry.day) for entry in days if (v := binding_var(entry)) is not None),
              default=None)  # fmt: skip
    fall = max(((entry.drawdown, entry.day) for entry in days if entry.drawdown is not None),
               default=None)  # fmt: skip
    stress = min(((one.worst, one.name, entry.day) for entry in days for one in entry.stress
                  if one.worst is not None and not one.name.startswith("reverse")),
                 default=None)  # fmt: skip
    out = breach_episodes(head, days)
    return [
        ("highest 20-day VaR", NONE if var is None else f"{percent(var[0])} on {var[1]}"),
        (f"out of the {head.legal_test} test",
         f"{count_text(len(out), 'stretch', 'stretches')}, "
         f"{sum(one.is_reportable for one in out)} longer than five business days"),
        ("exceptions of one-day VaR",
         f"{found.exceptions} in {count_text(found.sessions, 'session')}, "
         f"{signed(found.expected, 1)} expected: {found.zone}; Kupiec p {_p(found.proportion)}, "
         f"joint p {_p(found.joint)}"),
        ("limits above their level", count_text(len(_breach_rows(days)), "stretch", "stretches")),
        ("deepest fall", NONE if fall is None else f"{percent(fall[0])} on {fall[1]}"),
        ("worst stress test",
         NONE if stress is None else f"{percent(stress[0])}: {stress[1]}, on {stress[2]}"),
        ("cash or collateral short",
         "not measured" if all(entry.short is None for entry in days)
         else f"on {count_text(sum(bool(entry.short) for entry in days), 'session')}"),
        ("kill switch not armed",
         f"on {count_text(sum(entry.switch != 'armed' for entry in days), 'session')}"),
    ]  # fmt: skip


def legal_basis(head: Head) -> str:
    """Which VaR test is the legal one and why, and which is extra."""
    if head.legal_test == "relative":
        return (
            f"The legal test is the relative one, against {head.reference}: the rule's default "
            "(18f-4(c)(2)(i)), because no determination is archived that another one applies. The "
            "absolute one is extra."
        )
    return (
        "The legal test is the absolute one (18f-4(c)(2)(ii)), by the derivatives risk manager's "
        f"determination: {head.determination} The relative one is extra."
    )


def _held_by_the_gate(head: Head, days: Sequence[DayEntry]) -> str:
    """Whether the run held its targets to the legal test, and how often it was out of it."""
    out = sum(out_of_test(head, entry) for entry in days)
    unknown = sum(entry.var_relative is None for entry in days)
    tests = {
        "rule": "both tests, to the relative one where its reference portfolio can be measured",
        "both": "both tests",
    }.get(head.gate, f"the {head.gate} test")
    said = (
        f"The VaR gate of this run holds targets to {tests}; the portfolio held was out of the "
        f"legal one on {out:,} of {count_text(len(days), 'session')}."
    )
    if head.legal_test == "relative" and unknown:
        said += f" On {unknown:,} of them the relative figure could not be measured."
    if head.gate in ("rule", "both", head.legal_test):
        return said
    cure = f"set var_test to {head.legal_test} or rule"
    if head.legal_test == "relative":
        cure += ", or archive the determination that the absolute test applies"
    return f"{said} Nothing in the run keeps the legal test: {cure}."


def _var_part(head: Head, days: Sequence[DayEntry]) -> list[Block]:
    latest = days[-1]
    var = _known([binding_var(entry) for entry in days])
    relative = _known([entry.var_relative for entry in days])
    rows = [
        ("absolute, of NAV", _percent(binding_var(latest)), percent(ABSOLUTE, 0),
         *_spread(var, 100.0, " %")),
        ("relative, of the reference's", _ratio(latest.var_relative), f"{RELATIVE:g}",
         *_spread(relative, 1.0, "")),
    ]  # fmt: skip
    return [
        Heading("Value at risk"),
        Table(
            ("test", "on the last day", "limit", "median", "highest"),
            rows,
            f"99 % over 20 days, the larger of parametric and historical; {head.legal_test} is "
            "the legal one.",
        ),
        figures.var_history(days, ABSOLUTE),
        *([figures.relative_history(days, RELATIVE)] if len(relative) else []),
        figures.drawdown(days),
    ]


def _backtest_part(every: Sequence[DayEntry]) -> list[Block]:
    days = [entry for entry in every if entry.result is not None]
    result = _array([entry.result for entry in days])
    var = _array([entry.var_tested for entry in days])
    year = np.array([int(entry.day[:4]) for entry in days])
    rows = []
    for first in np.unique(year // 10 * 10).tolist():
        inside = year // 10 * 10 == first
        rows.append(
            (f"{first}-{first + 9}", *_backtest_row(backtest(result[inside], var[inside], 0.99)))
        )
    rows.append(("all", *_backtest_row(backtest(result, var, CONFIDENCE))))
    names = ("period", "sessions", "exceptions", "share", "expected", "zone", "Kupiec p",
             "independence p", "joint p")  # fmt: skip
    clean = backtest(_array([entry.clean_result for entry in days]), var, CONFIDENCE)
    others = [
        (one.name, f"{one.sessions:,}", signed(1e4 * one.ours, 3),
         signed(1e4 * one.alternative, 3), signed(one.t_value, 2))
        for one in compare(result, var, CONFIDENCE)
    ]  # fmt: skip
    monthly = _array([binding_var(entry) for entry in days])
    before = np.concatenate([[np.nan], monthly[:-1]])
    horizon = horizon_backtest(np.nan_to_num(result), before, CONFIDENCE, HORIZON)
    worst = [
        (entry.day, _percent(entry.result, 2), _percent(entry.var_tested, 2))
        for entry in days
        if entry.is_exception
    ]
    return [
        Heading("Backtests"),
        Table(
            names,
            rows,
            "One-day 99 % VaR of the portfolio held against each session's gain or loss after "
            "costs; p-values are exact. A dash: nothing to test.",
        ),
        figures.exceptions(days),
        Paragraph(
            f"Before costs: {count_text(clean.exceptions, 'exception')} in "
            f"{count_text(clean.sessions, 'session')}, Kupiec "
            f"p {_p(clean.proportion)}, joint p {_p(clean.joint)}. Over {HORIZON} sessions: "
            f"{count_text(horizon.exceptions, 'exception')} in "
            f"{count_text(horizon.windows, 'window')} without overlap, Kupiec "
            f"p {_p(horizon.proportion)}; of all overlapping windows {percent(horizon.overlapping)}"
            f", 95 % interval by block bootstrap {percent(horizon.low)} to {percent(horizon.high)}."
        ),
        Heading("Quantile loss against simple alternatives", 2),
        Table(
            ("alternative", "sessions", "this model", "alternative", "t of the difference"),
            others,
            "Mean loss in basis points, lower is better; both know only results up to the day "
            "before. A negative t favours this model.",
        ),
        Heading("Exceptions", 2),
        Table(
            ("session", "result", "VaR"),
            worst[-LATEST_BREACHES:],
            f"The last {min(len(worst), LATEST_BREACHES)} of {len(worst)}.",
        ),
    ]


def _breach_part(head: Head, days: Sequence[DayEntry]) -> list[Block]:
    found = breach_episodes(head, days)
    clock = [
        (one.first.isoformat(), str(one.sessions), _day(one.back), _day(one.board_report),
         _day(one.form_nrn), _day(one.second_report), _day(one.form_nrn_back))
        for one in found
    ]  # fmt: skip
    breaches = _breach_rows(days)
    return [
        Heading("Breaches and remedies"),
        Table(
            ("out from", "sessions", "back on", "board report", "Form N-RN", "second report",
             "N-RN when back"),
            clock[-LATEST_BREACHES:],
            f"Days out of the {head.legal_test} test and what rule 18f-4(c)(7) asks for: "
            f"{count_text(len(found), 'stretch', 'stretches')}, "
            f"{sum(one.is_reportable for one in found)} of them longer "
            "than five business days.",
        ),
        Heading("Limits", 2),
        Table(
            ("from", "to", "sessions", "limit", "of", "highest", "limit is", "remedy", "cause",
             "done on the first"),
            breaches[-LATEST_BREACHES:],
            f"The last {min(len(breaches), LATEST_BREACHES)} of "
            f"{count_text(len(breaches), 'stretch', 'stretches')} in "
            "breach; the archive has every day.",
        ),
    ]  # fmt: skip


def _breach_rows(days: Sequence[DayEntry]) -> list[tuple[str, ...]]:
    """One row for every stretch of sessions in which a bucket was above its limit."""
    rows: list[tuple[str, ...]] = []
    running: dict[tuple[str, str], list[tuple[DayEntry, LimitEntry]]] = {}
    for entry in [*days, None]:
        bad = {(one.limit, one.bucket): one for one in (entry.limits if entry else [])
               if one.status == "breach"}  # fmt: skip
        for key in [key for key in running if key not in bad]:
            rows.append(_breach_row(running.pop(key)))
        for key, one in bad.items():
            assert entry is not None
            running.setdefault(key, []).append((entry, one))
    return sorted(rows)


def _breach_row(stretch: Sequence[tuple[DayEntry, LimitEntry]]) -> tuple[str, ...]:
    (first, limit), (last, _) = stretch[0], stretch[-1]
    highest = max((one.value for _, one in stretch if one.value is not None), default=None)
    return (
        first.day,
        last.day,
        str(len(stretch)),
        limit.limit.replace("_", " "),
        limit.bucket,
        _number(highest),
        f"{limit.breach:g}",
        limit.remedy,
        limit.cause,
        _done(limit.limit, first.remedies),
    )


def _done(limit: str, remedies: Sequence[str]) -> str:
    """Of what was done on a day that which speaks of a limit, of VaR what the gate did too."""
    gate = limit in ("var_absolute", "var_relative")
    told = [one for one in remedies if f"{limit} " in one or (gate and one.startswith("gate: "))]
    return "; ".join(told) or NONE


def _exposure_part(head: Head, days: Sequence[DayEntry]) -> list[Block]:
    classes = sorted(set(head.classes))
    every = np.array([entry.exposure for entry in days])
    rows = [
        (f"{name} futures", percent(every[-1, k], 0), percent(float(np.median(every[:, k])), 0),
         percent(float(every[:, k].max()), 0))
        for k, name in enumerate(classes)
    ]  # fmt: skip
    liquid = [entry.liquidity_risk[0] for entry in days if entry.liquidity_risk]
    illiquid = [entry.liquidity_risk[3] for entry in days if entry.liquidity_risk]
    text = "Liquidity was not measured."
    if liquid:
        low = sum(share < SHARE_LIQUID for share in liquid)
        text = (
            f"Of the exposure {percent(float(np.median(liquid)))} in the median and at least "
            f"{percent(min(liquid))} could be cash within three business days; below "
            f"{percent(SHARE_LIQUID, 0)} on {low:,} of {count_text(len(liquid), 'session')}. "
            "At most "
            f"{percent(max(illiquid))} would have taken longer than seven calendar days."
        )
    return [
        Heading("Derivatives exposure and liquidity"),
        Table(
            ("type", "on the last day", "median", "highest"),
            rows,
            "Absolute notional over NAV, rates in ten-year equivalents.",
        ),
        figures.exposure(days, classes),
        Heading("Liquidity (rule 22e-4)", 2),
        Paragraph(text),
    ]


def _ladder(booked: bool) -> str:
    return "Bills and the money fund beside them" if booked else "A ladder of bills beside the run"


def _collateral_part(head: Head, days: Sequence[DayEntry]) -> list[Block]:
    known = [entry for entry in days if entry.margin is not None]
    heading = Heading("Margin, cash and collateral")
    if not known:
        return [heading, Paragraph("The archive holds no margin.")]
    kind, _, stress = head.collateral.partition(": ")
    booked = kind == BOOKED
    names = ("margin", "cash", "bills", "short")
    what = ("initial margin", "cash", "Treasury bills", "missing under a stressed day")
    rows = []
    for name, text in zip(names, what, strict=True):
        values = _known([getattr(entry, name) for entry in known])
        rows.append((text, _percent(getattr(known[-1], name)), *_spread(values, 100.0, " %")))
    earned = _known([entry.earned for entry in known])
    short = sum(bool(entry.short) for entry in known)
    bought = any(entry.bills for entry in known)
    return [
        heading,
        Table(
            ("of net assets", "on the last day", "median", "highest"),
            rows,
            f"{stress}. Cash or collateral was short on {count_text(short, 'session')}.",
        ),
        figures.collateral(known),
        Paragraph(
            f"{_ladder(booked)} earned {percent(float(earned.sum()), 2)} of net assets in all, "
            + ("which the account has booked." if booked else "beside the run's own result.")
            if bought
            else "No bill rate was known, so that all net assets are held in cash."
        ),
    ]


def _stress_part(days: Sequence[DayEntry]) -> list[Block]:
    latest = next((entry for entry in reversed(days) if entry.stress), None)
    if latest is None:
        return [Heading("Stress tests"), Paragraph("The archive holds no stress test.")]
    rows = [
        (one.name, _percent(one.profit), _percent(one.worst), ", ".join(one.remarks) or NONE)
        for one in latest.stress
    ]
    return [
        Heading("Stress tests"),
        Table(
            ("stress", "profit", "lowest on the way", "stand-ins"),
            rows,
            f"On the portfolio held on {latest.day}, of NAV; a dash where a held market has no "
            f"move.{_not_replayed(latest)}",
        ),
    ]


def _not_replayed(entry: DayEntry) -> str:
    """Which episodes the test of a day is without."""
    there = {one.name for one in entry.stress}
    missing = [episode.name for episode in EPISODES if episode.name not in there]
    if not missing:
        return ""
    return (
        f" Not replayed, because no market's data reach back to it or it was not over when the "
        f"year began: {', '.join(missing)}."
    )


def _filings(head: Head, days: Sequence[DayEntry]) -> list[Block]:
    items = b10(days, head.reference)
    reportable = sum(one.is_reportable for one in breach_episodes(head, days))
    answers = (
        ("N-CEN, C.7.n: relies on rule 18f-4", "yes"),
        ("N-CEN: limited derivatives user (18f-4(c)(4))", "no"),
        ("N-CEN: leveraged or inverse fund with other limits (18f-4(c)(5))", "no"),
        ("N-RN, part E: out of the VaR test for more than five business days", str(reportable)),
    )
    return [
        Heading("Drafts for filings"),
        Table(
            ("period", "sessions", "B.10.a median VaR", "B.10.b reference", "B.10.b median ratio",
             "B.10.c exceptions"),
            [_nport_row(item) for item in items[-24:]],
            "Form N-PORT, item B.10, per cent; the last 24 quarters, all in the CSV.",
        ),
        Table(("question", "draft answer"), answers, "To be reviewed by counsel before filing."),
    ]  # fmt: skip


def _model_part(head: Head) -> list[Block]:
    return [
        Heading("VaR model and change log"),
        Paragraph(
            "Parametric VaR is the quantile of Student's t law of unit variance times the "
            "volatility that exponentially weighted correlations and volatilities give the "
            "portfolio, times the square root of the horizon. Historical VaR is the quantile of "
            "what today's portfolio would have made in at least three years of past sessions, each "
            "scaled by today's volatility over that of its day. The larger one counts. A "
            "market's volatility is the larger of the current one and its blend with the long run; "
            "the gate's headroom is the margin for what the model misses."
        ),
        Paragraph(
            "What it does not know: markets that close at other hours are taken as of one "
            "moment; a market without a history of the window enters through another one's; "
            "overlapping windows of 20 sessions hold few that are independent; positions are held "
            "still over the horizon, and what closing them costs in a stressed market is in the "
            "stress tests alone."
        ),
        Paragraph(
            f"Every figure here was made with the settings {head.settings} on the data "
            f"{head.data[:16]}. An archive of other settings is another archive: a change of the "
            "model shows as another hash on the first page."
        ),
    ]


def _sign_off(last_hash: str) -> list[Block]:
    return [
        Heading("Sign-off"),
        Paragraph(
            "The undersigned have reviewed this report and the archive whose last line has the "
            f"hash {last_hash}."
        ),
        Signature("Derivatives risk manager"),
        Signature("Chief compliance officer"),
        Signature("For the board"),
    ]


def _backtest_row(found: Backtest) -> tuple[str, ...]:
    share = found.exceptions / found.sessions if found.sessions else float("nan")
    return (
        f"{found.sessions:,}",
        str(found.exceptions),
        percent(share, 2),
        signed(found.expected, 1),
        found.zone,
        _p(found.proportion),
        _p(found.independence),
        _p(found.joint),
    )


def _nport_row(item: NPortItem) -> tuple[str, ...]:
    return (
        item.period,
        str(item.sessions),
        _number(item.median_daily_var),
        item.reference_portfolio,
        _number(item.median_var_ratio),
        str(item.exceptions),
    )


def _p(test: CoverageTest) -> str:
    return signed(test.exact, 3)


def _spread(values: FloatArray, factor: float, unit: str) -> tuple[str, str]:
    if not len(values):
        return NONE, NONE
    return (
        f"{signed(factor * float(np.median(values)), 2)}{unit}",
        f"{signed(factor * float(values.max()), 2)}{unit}",
    )


def _array(values: Sequence[Number]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _known(values: Sequence[Number]) -> FloatArray:
    return np.array([value for value in values if value is not None], dtype=np.float64)


def _percent(value: Number, digits: int = 1) -> str:
    return NONE if value is None else percent(value, digits)


def _ratio(value: Number) -> str:
    return NONE if value is None else signed(value, 2)


def _number(value: Number) -> str:
    return NONE if value is None else f"{value:.4g}"


def _day(value: date | None) -> str:
    return NONE if value is None else value.isoformat()
