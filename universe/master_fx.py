"""Currency futures.

Sources are named in :mod:`universe.master`.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Basis, Instrument
from universe.master_columns import AFTER_TRADE, CASH, MONTHLY, QUARTERLY, row

_F = AssetClass.FX

_CHICAGO = "08:30-16:00 America/Chicago"
_ICE = "20:00-17:00 America/New_York"
_SINGAPORE = "07:25-17:55 Asia/Singapore"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
FX: tuple[Instrument, ...] = (
    row(_F, "6A", "Australian dollar", "cme", "developed fx", "USD", 1e5, 5e-5, "AUD", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3.3e-5, 2.47, 9e4, _CHICAGO),
    row(_F, "6B", "British pound", "cme", "developed fx", "USD", 62500.0, 1e-4, "GBP", 1.0,
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
    row(_F, "DX", "US dollar index", "ice", "developed fx", "USD", 1000.0, 0.005, "DX", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2d",
        0.005, 2.47, 2e4, _ICE),
    row(_F, "6Z", "South African rand", "cme", "emerging fx", "USD", 500000.0, 2.5e-5, "ZAR", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3.6e-5, 2.47, 1e3, _CHICAGO),
    row(_F, "M6A", "Micro Australian dollar", "cme", "developed fx", "USD", 10000.0, 0.0001,
        "AUD_micro", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        6e-5, 0.41, 1e4, _CHICAGO, full_size="6A"),
    row(_F, "M6B", "Micro British pound", "cme", "developed fx", "USD", 6250.0, 0.0001,
        "GBP_micro", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        9e-5, 0.41, 1e4, _CHICAGO, full_size="6B"),
    row(_F, "MCD", "Micro Canadian dollar", "cme", "developed fx", "USD", 10000.0, 0.0001,
        "CAD_micro", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_1bd",
        5.1e-5, 0.41, 1e4, _CHICAGO, full_size="6C"),
    row(_F, "M6E", "Micro euro", "cme", "developed fx", "USD", 12500.0, 0.0001, "EUR_micro", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        5.9e-5, 0.41, 3e4, _CHICAGO, full_size="6E"),
    row(_F, "MSF", "Micro Swiss franc", "cme", "developed fx", "USD", 12500.0, 0.0001,
        "CHF_micro", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        1.1e-4, 0.41, 1e3, _CHICAGO, full_size="6S"),
    row(_F, "E7", "E-mini euro", "cme", "developed fx", "USD", 62500.0, 0.0001, "EUR_mini", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        6.1e-5, 1.37, 3e3, _CHICAGO, full_size="6E"),
    row(_F, "J7", "E-mini Japanese yen", "cme", "developed fx", "USD", 6250000.0, 1e-06,
        "JPY_mini", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        1.2e-6, 1.37, 1e3, _CHICAGO, full_size="6J"),
    # Not listed in LEAN.
    row(_F, "NOK", "Norwegian krone", "cme", "developed fx", "USD", 2e6, 1e-5, "NOK", 1.0,
        QUARTERLY, QUARTERLY, 9, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3.6e-5, 1.5, 100.0, _CHICAGO, lean_listed=False),
    row(_F, "SEK", "Swedish krona", "cme", "developed fx", "USD", 2e6, 1e-5, "SEK", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        3e-5, 1.5, 100.0, _CHICAGO, lean_listed=False),
    row(_F, "RF", "Euro in Swiss francs", "cme", "developed fx", "CHF", 125000.0, 1e-4,
        "EURCHF", 1.0,
        QUARTERLY, QUARTERLY, 10, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        1.1e-4, 2.85, None, _CHICAGO, lean_listed=False),
    row(_F, "RP", "Euro in British pounds", "cme", "developed fx", "GBP", 125000.0, 5e-5,
        "GBPEUR", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        6.4e-5, 1.98, 2e3, _CHICAGO, lean_listed=False),
    row(_F, "RY", "Euro in Japanese yen", "cme", "developed fx", "JPY", 125000.0, 0.01,
        "YENEUR", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        0.011, 85.0, 2e3, _CHICAGO, lean_listed=False),
    row(_F, "CZK", "Czech koruna", "cme", "emerging fx", "USD", 4e6, 2e-6, "CZK", 1.0,
        QUARTERLY, QUARTERLY, 11, +1, AFTER_TRADE, "third_wednesday_minus_2bd",
        9.4e-5, 0.85, None, _CHICAGO, lean_listed=False),
    # Quoted in cents per 100 rupees.
    row(_F, "SIR", "Indian rupee", "cme", "emerging fx", "USD", 500.0, 0.01, "INR", 1.0,
        MONTHLY, MONTHLY, 27, +1, CASH, "third_last_bd",
        0.015, 2.47, None, _CHICAGO, lean_listed=False),
    row(_F, "KRW", "Korean won", "cme", "emerging fx", "USD", 1.25e8, 1e-7, "KRWUSD", 1.0,
        MONTHLY, MONTHLY, 19, +1, CASH, "third_wednesday_minus_2bd",
        1.6e-6, 0.85, None, _CHICAGO, lean_listed=False),
    row(_F, "US", "US dollar in Singapore dollars", "sgx", "emerging fx", "SGD", 1e5, 5e-5,
        "SGD", 1.0,
        MONTHLY, MONTHLY, 18, +1, CASH, "third_wednesday_minus_2bd",
        1.4e-4, 3.5, None, _SINGAPORE, lean_listed=False, basis=Basis.SOURCE),
)
