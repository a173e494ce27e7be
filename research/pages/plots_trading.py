"""Figure of trading: turnover and cost by calendar year (O1)."""

from __future__ import annotations

import numpy as np

from research.engine.result import RunResult
from research.measures.tables import by_year, costs, turnover
from research.pages.charts import INK, Axis, Dots, Panel, Plot, Unit, stacked
from research.pages.text import percent


def trading_panel(result: RunResult) -> Panel:
    """Turnover and cost by calendar year."""
    traded, paid = turnover(result).parts, costs(result)
    fees = by_year(result, paid["fees"])
    total = float(paid["trades"].sum() + paid["rolls"].sum())
    marks = stacked({name: by_year(result, paid[name]) for name in ("trades", "rolls")})
    of_fees = Dots(
        "fees in it",
        np.array(list(fees), dtype=np.float64),
        np.array(list(fees.values())),
        INK,
        size=6.0,
    )
    return Panel(
        "trading",
        f"Turnover and cost per calendar year: {percent(total)} of NAV paid over the run",
        "Notional of all fills over the NAV before, a roll counting both legs; costs likewise, the "
        "dots being the fees among them. First and last year may be parts of a year.",
        (
            Plot(
                "Turnover over NAV, buys and sells",
                Axis("x NAV", low=0.0),
                stacked({name: by_year(result, part) for name, part in traded.items()}),
                x=Axis(""),
                height=1.8,
            ),
            Plot(
                "Slippage and fees over NAV",
                Axis("of NAV", Unit.PERCENT, low=0.0),
                (*marks, of_fees),
                x=Axis(""),
                height=1.6,
            ),
        ),
    )
