"""Equity index and volatility futures; sectors are in :mod:`universe.master_sectors`.

Sources are named in :mod:`universe.master`.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Basis, Instrument
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
_SGX_CHINA = "09:00-16:30 Asia/Singapore"
_SGX_TAIWAN = "08:45-13:45 Asia/Singapore"
_SYDNEY = "09:50-16:30 Australia/Sydney"
_MILAN = "08:00-22:00 Europe/Rome"

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
    row(_E, "MES", "Micro E-mini S&P 500", "cme", "us equity", "USD", 5.0, 0.25, "SP500_micro", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.19, 0.57, 1e6, _NEW_YORK, full_size="ES"),
    row(_E, "MNQ", "Micro E-mini Nasdaq-100", "cme", "us equity", "USD", 2.0, 0.25,
        "NASDAQ_micro", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.24, 0.57, 1e6, _NEW_YORK, full_size="NQ"),
    row(_E, "YM", "E-mini Dow", "cbot", "us equity", "USD", 5.0, 1.0, "DOW_mini", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.8, 2.15, 1.5e5, _NEW_YORK),
    row(_E, "MYM", "Micro E-mini Dow", "cbot", "us equity", "USD", 0.5, 1.0, "DOW", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.82, 0.57, 1e5, _NEW_YORK, full_size="YM"),
    row(_E, "RTY", "E-mini Russell 2000", "cme", "us equity", "USD", 50.0, 0.1,
        "RUSSELL_mini", 1.0,
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
    row(_E, "NKD", "Nikkei 225 in dollars", "cme", "asia equity", "USD", 5.0, 5.0,
        "NIKKEI-CME", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "second_friday_minus_1bd",
        3.0, 2.47, 8e3, _NEW_YORK),
    row(_E, "HSI", "Hang Seng", "hkfe", "asia equity", "HKD", 50.0, 1.0, "HANG", 1.0,
        MONTHLY, MONTHLY, 8, +1, CASH, "second_last_bd",
        1.0, 40.0, 1e5, _HONG_KONG),
    row(_E, "MXEF", "MSCI Emerging Markets", "nyseliffe", "world equity", "USD", 50.0, 0.1,
        "MSCIEM-LIFFE", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.1, 2.47, 1e5, _ICE_US),
    row(_E, "MXEA", "MSCI EAFE", "nyseliffe", "world equity", "USD", 50.0, 0.1, "MSCIEAFA", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        0.1, 2.47, 6e4, _ICE_US),
    row(_E, "IBV", "Ibovespa in dollars", "cme", "latin equity", "USD", 1.0, 5.0, "BOVESPA", 1.0,
        "GJMQVZ", "GJMQVZ", 8, +1, CASH, "wednesday_nearest_15th",
        190.0, 2.47, None, _CHICAGO),
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
        0.026, 3100.0, 2e5, _SEOUL, lean_listed=False, basis=Basis.LEAN),
    # The half spread is the source's: the contract hardly trades.
    row(_E, "ST", "Straits Times", "sgx", "asia equity", "SGD", 10.0, 1.0, "SGX", 1.0,
        MONTHLY, MONTHLY, 27, +1, CASH, "second_last_bd",
        11.0, 4.0, 50.0, _SINGAPORE, lean_listed=False),
    row(_E, "FXXP", "Stoxx Europe 600", "eurex", "europe equity", "EUR", 50.0, 0.1, "EURO600", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        0.057, 2.0, 5e4, _EUREX, lean_listed=False),
    row(_E, "FIB", "FTSE MIB", "euronext", "europe equity", "EUR", 5.0, 5.0, "MIB", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, CASH, "third_friday",
        5.0, 0.9, 2e4, _MILAN, lean_listed=False),
    row(_E, "FEDV", "Euro Stoxx Select Dividend 30", "eurex", "europe equity", "EUR", 10.0, 0.5,
        "EU-DIV30", 1.0,
        QUARTERLY, QUARTERLY, 13, +1, CASH, "third_friday",
        0.68, 2.0, None, _EUREX, lean_listed=False, basis=Basis.SOURCE),
    row(_E, "FSMM", "SMI Mid", "eurex", "europe equity", "CHF", 10.0, 1.0, "SMI-MID", 1.0,
        QUARTERLY, QUARTERLY, 14, +1, CASH, "third_friday",
        4.5, 1.0, None, _EUREX, lean_listed=False, basis=Basis.SOURCE),
    row(_E, "FFOX", "OMX Helsinki 25", "eurex", "europe equity", "EUR", 10.0, 0.1, "OMX", 1.0,
        QUARTERLY, QUARTERLY, 15, +1, CASH, "third_friday",
        25.0, 2.0, None, _EUREX, lean_listed=False, basis=Basis.SOURCE),
    row(_E, "FMEA", "MSCI Emerging Markets Asia", "eurex", "asia equity", "USD", 100.0, 0.1,
        "MSCIASIA", 1.0,
        QUARTERLY, QUARTERLY, 13, +1, CASH, "third_friday",
        0.34, 2.4, None, _EUREX, lean_listed=False, basis=Basis.SOURCE),
    row(_E, "JPNK400", "JPX-Nikkei 400", "ose", "asia equity", "JPY", 100.0, 5.0, "NIKKEI400", 1.0,
        QUARTERLY, QUARTERLY, 6, +1, CASH, "second_friday_minus_1bd",
        3.1, 50.0, 3e4, _TOKYO, lean_listed=False),
    row(_E, "TPXM", "TOPIX mini", "ose", "asia equity", "JPY", 1000.0, 0.25, "TOPIX", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, CASH, "second_friday_minus_1bd",
        0.18, 50.0, 2e4, _TOKYO, lean_listed=False),
    row(_E, "TSEMOTHR", "TSE Mothers", "ose", "asia equity", "JPY", 1000.0, 1.0, "MUMMY", 1.0,
        QUARTERLY, QUARTERLY, 8, +1, CASH, "second_friday_minus_1bd",
        0.5, 50.0, None, _TOKYO, lean_listed=False),
    row(_E, "KOSDQ150", "KOSDAQ 150", "krx", "asia equity", "KRW", 10000.0, 0.1, "KOSDAQ", 1.0,
        QUARTERLY, QUARTERLY, 6, +1, CASH, "second_thursday",
        0.15, 2000.0, 8e4, _SEOUL, lean_listed=False),
    row(_E, "CN", "FTSE China A50", "sgx", "asia equity", "USD", 1.0, 1.0, "FTSECHINAA", 1.0,
        MONTHLY, MONTHLY, 28, +1, CASH, "second_last_bd",
        1.0, 2.85, 3e5, _SGX_CHINA, lean_listed=False),
    row(_E, "TWN", "FTSE Taiwan", "sgx", "asia equity", "USD", 40.0, 0.25, "FTSETAIWAN", 1.0,
        MONTHLY, MONTHLY, 26, +1, CASH, "second_last_bd",
        0.14, 1.5, 1e5, _SGX_TAIWAN, lean_listed=False),
    row(_E, "SGP", "MSCI Singapore", "sgx", "asia equity", "SGD", 100.0, 0.05, "MSCISING", 1.0,
        MONTHLY, MONTHLY, 12, +1, CASH, "second_last_bd",
        0.036, 4.0, 2e4, _SINGAPORE, lean_listed=False),
    row(_E, "HHI", "Hang Seng China Enterprises", "hkfe", "asia equity", "HKD", 50.0, 1.0,
        "HANGENT", 1.0,
        MONTHLY, MONTHLY, 8, +1, CASH, "second_last_bd",
        1.0, 8.5, 1e5, _HONG_KONG, lean_listed=False),
    row(_E, "MHI", "Mini Hang Seng", "hkfe", "asia equity", "HKD", 10.0, 1.0, "HANG_mini", 1.0,
        MONTHLY, MONTHLY, 8, +1, CASH, "second_last_bd",
        2.0, 8.5, 1e5, _HONG_KONG, lean_listed=False, full_size="HSI"),
    row(_E, "AP", "SPI 200", "asx", "asia equity", "AUD", 25.0, 1.0, "SPI200", 1.0,
        QUARTERLY, MONTHLY, 36, +1, CASH, "third_thursday",
        0.57, 5.0, 4e4, _SYDNEY, lean_listed=False),
)

VOLATILITY: tuple[Instrument, ...] = (
    row(_V, "VX", "VIX", "cfe", "us volatility", "USD", 1000.0, 0.05, "VIX", 1.0,
        MONTHLY, MONTHLY, 40, -1, CASH, "third_friday_plus_1m_minus_30d",
        0.025, 2.47, 4e4, _VIX),
    row(_V, "VXM", "Mini VIX", "cfe", "us volatility", "USD", 100.0, 0.01, "VIX_mini", 1.0,
        MONTHLY, MONTHLY, 40, -1, CASH, "third_friday_plus_1m_minus_30d",
        0.032, 2.47, 2e4, _VIX, full_size="VX"),
    row(_V, "FVS", "VSTOXX", "eurex", "europe volatility", "EUR", 100.0, 0.05, "V2X", 1.0,
        MONTHLY, MONTHLY, 40, -1, CASH, "third_friday_plus_1m_minus_30d",
        0.026, 2.0, 1.5e4, _EUREX, lean_listed=False),
)
