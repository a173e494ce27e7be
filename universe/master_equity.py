"""Equity index and volatility futures.

Sources are named in :mod:`universe.master`.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import CASH, MONTHLY, QUARTERLY, row

_E = AssetClass.EQUITY
_V = AssetClass.VOLATILITY

_NEW_YORK = "09:30-17:00 America/New_York"
_CHICAGO = "08:30-16:00 America/Chicago"
_VIX = "08:30-15:00 America/Chicago"
_ICE_US = "20:00-18:00 America/New_York"
_EUREX = "01:10-22:00 Europe/Berlin"
_PARIS = "08:00-22:00 Europe/Paris"
_LONDON = "01:00-21:00 Europe/London"
_TOKYO = "08:45-15:15 Asia/Tokyo"
_HONG_KONG = "09:15-16:30 Asia/Hong_Kong"
_SEOUL = "08:45-15:45 Asia/Seoul"
_SINGAPORE = "08:30-17:20 Asia/Singapore"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
EQUITY: tuple[Instrument, ...] = (
    row(_E, "ES", "E-mini S&P 500", "cme", "us equity", "USD", 50.0, 0.25, "SP500", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.13, 2.15, 1.5e6, _NEW_YORK),
    row(_E, "NQ", "E-mini Nasdaq-100", "cme", "us equity", "USD", 20.0, 0.25, "NASDAQ", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.24, 2.15, 6e5, _NEW_YORK),
    row(_E, "YM", "E-mini Dow", "cbot", "us equity", "USD", 5.0, 1.0, "", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.8, 2.15, 1.5e5, _NEW_YORK),
    row(_E, "MYM", "Micro E-mini Dow", "cbot", "us equity", "USD", 0.5, 1.0, "DOW", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.82, 0.57, 1e5, _NEW_YORK, full_size="YM"),
    row(_E, "RTY", "E-mini Russell 2000", "cme", "us equity", "USD", 50.0, 0.1, "", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.1, 2.15, 1.7e5, _NEW_YORK),
    row(_E, "M2K", "Micro E-mini Russell 2000", "cme", "us equity", "USD", 5.0, 0.1, "RUSSELL", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.11, 0.57, 8e4, _NEW_YORK, full_size="RTY"),
    # LEAN does not move this one's expiry when the third Friday is a holiday.
    row(_E, "EMD", "E-mini S&P MidCap 400", "cme", "us equity", "USD", 100.0, 0.1, "SP400", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday_unadjusted",
        0.25, 2.15, 1.5e4, _CHICAGO),
    row(_E, "FESX", "Euro Stoxx 50", "eurex", "europe equity", "EUR", 10.0, 1.0, "EUROSTX", 1.0,
        QUARTERLY, QUARTERLY, 11, +1, CASH, "third_friday",
        0.48, 1.02, 7e5, _EUREX),
    row(_E, "FDAX", "DAX", "eurex", "europe equity", "EUR", 25.0, 1.0, "", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.7, 1.02, 5e4, _EUREX),
    # The exchange's tick is 1 point; LEAN lists 25 and rounds order prices to it, so it stays here.
    row(_E, "FDXS", "Micro DAX", "eurex", "europe equity", "EUR", 1.0, 25.0, "DAX", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.87, 1.02, 4e4, _EUREX, full_size="FDAX"),
    row(_E, "NKD", "Nikkei 225 in dollars", "cme", "asia equity", "USD", 5.0, 5.0, "", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "second_friday_minus_1bd",
        3.0, 2.47, 8e3, _NEW_YORK),
    row(_E, "HSI", "Hang Seng", "hkfe", "asia equity", "HKD", 50.0, 1.0, "", 1.0,
        MONTHLY, MONTHLY, 8, +1, CASH, "second_last_bd",
        1.0, 40.0, 1e5, _HONG_KONG),
    row(_E, "MXEF", "MSCI Emerging Markets", "nyseliffe", "world equity", "USD", 50.0, 0.1, "", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.1, 2.47, 1e5, _ICE_US),
    row(_E, "MXEA", "MSCI EAFE", "nyseliffe", "world equity", "USD", 50.0, 0.1, "", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.15, 2.47, 6e4, _ICE_US),
    # Not listed in LEAN.
    row(_E, "FSMI", "SMI", "eurex", "europe equity", "CHF", 10.0, 1.0, "SMI", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.77, 4.0, 3e4, _EUREX, lean_listed=False),
    row(_E, "FCE", "CAC 40", "euronext", "europe equity", "EUR", 10.0, 0.5, "CAC", 1.0,
        MONTHLY, MONTHLY, 6, +1, CASH, "third_friday",
        0.44, 2.0, 6e4, _PARIS, lean_listed=False),
    row(_E, "FTI", "AEX", "euronext", "europe equity", "EUR", 200.0, 0.05, "AEX", 1.0,
        MONTHLY, MONTHLY, 7, +1, CASH, "third_friday",
        0.063, 2.8, 2e4, _PARIS, lean_listed=False),
    row(_E, "Z", "FTSE 100", "iceeu", "europe equity", "GBP", 10.0, 0.5, "FTSE100", 1.0,
        QUARTERLY, QUARTERLY, 35, +1, CASH, "third_friday",
        0.21, 1.7, 1e5, _LONDON, lean_listed=False),
    # The roll configuration holds quarters, the prices hold every month until December 2021.
    row(_E, "NK225M", "Nikkei 225 mini", "ose", "asia equity", "JPY", 100.0, 5.0, "NIKKEI", 1.0,
        MONTHLY, MONTHLY, 6, +1, CASH, "second_friday_minus_1bd",
        2.5, 40.0, 3e5, _TOKYO, lean_listed=False),
    # In LEAN's symbol-properties database, but its local data cannot convert KRW. The fee is LEAN's
    # 0.004 % of notional at an index of 310.
    row(_E, "KM", "KOSPI 200", "krx", "asia equity", "KRW", 250000.0, 0.05, "KOSPI", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, CASH, "second_thursday",
        0.026, 3100.0, 2e5, _SEOUL, lean_listed=False),
    # The half spread is the source's: the contract hardly trades.
    row(_E, "ST", "Straits Times", "sgx", "asia equity", "SGD", 10.0, 1.0, "SGX", 1.0,
        MONTHLY, MONTHLY, 27, +1, CASH, "second_last_bd",
        11.0, 4.0, 50.0, _SINGAPORE, lean_listed=False),
)

VOLATILITY: tuple[Instrument, ...] = (
    row(_V, "VX", "VIX", "cfe", "us volatility", "USD", 1000.0, 0.05, "VIX", 1.0,
        MONTHLY, MONTHLY, 40, -1, CASH, "third_friday_plus_1m_minus_30d",
        0.025, 2.47, 4e4, _VIX),
    row(_V, "FVS", "VSTOXX", "eurex", "europe volatility", "EUR", 100.0, 0.05, "V2X", 1.0,
        MONTHLY, MONTHLY, 40, -1, CASH, "third_friday_plus_1m_minus_30d",
        0.026, 2.0, 1.5e4, _EUREX, lean_listed=False),
)
