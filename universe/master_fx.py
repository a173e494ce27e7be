"""Currency futures, all quoted in US dollars.

Sources are named in :mod:`universe.master`.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import AFTER_TRADE, CASH, MONTHLY, QUARTERLY, row

_F = AssetClass.FX

_CHICAGO = "08:30-16:00 America/Chicago"
_ICE = "20:00-17:00 America/New_York"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
FX: tuple[Instrument, ...] = (
    row(_F, "6A", "Australian dollar", "cme", "developed fx", "USD", 1e5, 5e-5, "AUD", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3.3e-5, 2.47, 9e4, _CHICAGO),
    row(_F, "6B", "British pound", "cme", "developed fx", "USD", 62500.0, 1e-4, "", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        6e-5, 2.47, 9e4, _CHICAGO),
    # CAD and CHF have adjusted prices only in the source: no carry.
    row(_F, "6C", "Canadian dollar", "cme", "developed fx", "USD", 1e5, 5e-5, "CAD", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_1bd",
        3e-5, 2.47, 7e4, _CHICAGO),
    row(_F, "6E", "Euro", "cme", "developed fx", "USD", 125000.0, 5e-5, "EUR", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        2.9e-5, 2.47, 1.8e5, _CHICAGO),
    row(_F, "6J", "Japanese yen", "cme", "developed fx", "USD", 1.25e7, 5e-7, "JPY", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        2.7e-7, 2.47, 1.3e5, _CHICAGO),
    row(_F, "6N", "New Zealand dollar", "cme", "developed fx", "USD", 1e5, 5e-5, "NZD", 1.0,
        QUARTERLY, QUARTERLY, 11, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        4.2e-5, 2.47, 3e4, _CHICAGO),
    row(_F, "6S", "Swiss franc", "cme", "developed fx", "USD", 125000.0, 5e-5, "CHF", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        5.8e-5, 2.47, 2.5e4, _CHICAGO),
    row(_F, "6M", "Mexican peso", "cme", "emerging fx", "USD", 500000.0, 1e-5, "MXP", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        5.5e-6, 2.47, 5e4, _CHICAGO),
    row(_F, "6L", "Brazilian real", "cme", "emerging fx", "USD", 1e5, 5e-5, "BRE", 1.0,
        MONTHLY, MONTHLY, 7, +1, CASH, "last_bd_of_prior_month",
        3.5e-5, 2.47, 5e3, _CHICAGO),
    row(_F, "DX", "US dollar index", "ice", "developed fx", "USD", 1000.0, 0.005, "", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2d",
        0.005, 2.47, 2e4, _ICE),
    # Not listed in LEAN.
    row(_F, "NOK", "Norwegian krone", "cme", "developed fx", "USD", 2e6, 1e-5, "NOK", 1.0,
        QUARTERLY, QUARTERLY, 9, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3.6e-5, 1.5, 100.0, _CHICAGO, lean_listed=False),
    row(_F, "SEK", "Swedish krona", "cme", "developed fx", "USD", 2e6, 1e-5, "SEK", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3e-5, 1.5, 100.0, _CHICAGO, lean_listed=False),
)
