"""Equity sector futures.

Sources are named in :mod:`universe.master`.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import CASH, QUARTERLY, row

_E = AssetClass.EQUITY

_CHICAGO = "08:30-16:00 America/Chicago"
_NEW_YORK = "09:30-17:00 America/New_York"
_EUREX = "01:10-22:00 Europe/Berlin"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
SECTORS: tuple[Instrument, ...] = (
    row(_E, "RX", "Dow Jones US Real Estate", "cme", "us sector", "USD", 100.0, 0.1,
        "US-REALESTATE", 1.0,
        QUARTERLY, QUARTERLY, 10, +1, CASH, "third_friday",
        0.1, 2.47, None, _NEW_YORK),
    row(_E, "XAE", "US energy", "cme", "us sector", "USD", 100.0, 0.1, "US-ENERGY", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.3, 1.5, 5e3, _CHICAGO, lean_listed=False),
    row(_E, "XAF", "US financials", "cme", "us sector", "USD", 250.0, 0.05, "US-FINANCE", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.12, 1.5, 5e3, _CHICAGO, lean_listed=False),
    row(_E, "XAV", "US health care", "cme", "us sector", "USD", 100.0, 0.1, "US-HEALTH", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.3, 1.5, 3e3, _CHICAGO, lean_listed=False),
    row(_E, "XAP", "US consumer staples", "cme", "us sector", "USD", 100.0, 0.1, "US-STAPLES", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.17, 1.5, 5e3, _CHICAGO, lean_listed=False),
    row(_E, "XAU", "US utilities", "cme", "us sector", "USD", 100.0, 0.1, "US-UTILS", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.25, 1.5, 4e3, _CHICAGO, lean_listed=False),
    row(_E, "XAK", "US technology", "cme", "us sector", "USD", 100.0, 0.1, "US-TECH", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.35, 1.5, 3e3, _CHICAGO, lean_listed=False),
    row(_E, "XAY", "US consumer discretionary", "cme", "us sector", "USD", 100.0, 0.1,
        "US-DISCRETE", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.48, 1.5, 1e3, _CHICAGO, lean_listed=False),
    row(_E, "XAI", "US industrials", "cme", "us sector", "USD", 100.0, 0.1, "US-INDUSTRY", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.3, 1.5, 2e3, _CHICAGO, lean_listed=False),
    row(_E, "XAB", "US materials", "cme", "us sector", "USD", 100.0, 0.1, "US-MATERIAL", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.3, 1.5, 1e3, _CHICAGO, lean_listed=False),
    row(_E, "XAR", "US real estate, select sector", "cme", "us sector", "USD", 250.0, 0.05,
        "US-PROPERTY", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.094, 1.5, 3e3, _CHICAGO, lean_listed=False),
    row(_E, "FSTH", "Stoxx 600 Health Care", "eurex", "europe sector", "EUR", 50.0, 0.1,
        "EU-HEALTH", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.32, 2.0, 2e3, _EUREX, lean_listed=False),
    row(_E, "FSTE", "Stoxx 600 Oil & Gas", "eurex", "europe sector", "EUR", 50.0, 0.1,
        "EU-OIL", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.14, 2.0, 3e3, _EUREX, lean_listed=False),
    row(_E, "FSTL", "Stoxx 600 Real Estate", "eurex", "europe sector", "EUR", 50.0, 0.1,
        "EU-REALESTATE", 1.0,
        QUARTERLY, QUARTERLY, 13, +1, CASH, "third_friday",
        0.1, 2.0, 2e3, _EUREX, lean_listed=False),
    row(_E, "FSTY", "Stoxx 600 Technology", "eurex", "europe sector", "EUR", 50.0, 0.1,
        "EU-TECH", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.27, 2.0, 1e3, _EUREX, lean_listed=False),
    row(_E, "FSTU", "Stoxx 600 Utilities", "eurex", "europe sector", "EUR", 50.0, 0.1,
        "EU-UTILS", 1.0,
        QUARTERLY, QUARTERLY, 13, +1, CASH, "third_friday",
        0.16, 2.0, 2e3, _EUREX, lean_listed=False),
    row(_E, "FSTA", "Stoxx 600 Automobiles", "eurex", "europe sector", "EUR", 50.0, 0.1,
        "EU-AUTO", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.22, 2.0, 2e3, _EUREX, lean_listed=False),
    row(_E, "FESB", "Euro Stoxx Banks", "eurex", "europe sector", "EUR", 50.0, 0.05,
        "EU-BANKS", 1.0,
        QUARTERLY, QUARTERLY, 16, +1, CASH, "third_friday",
        0.029, 2.0, 2e5, _EUREX, lean_listed=False),
)
