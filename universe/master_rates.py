"""Government bond and short-term interest rate futures.

Sources are named in :mod:`universe.master`. A contract's DV01 is duration x price x multiplier /
10000. The duration of a bond is that of the deliverable (the cheapest to deliver where a basket is,
for yields of the last decade); that of sector "stir" belongs to the quote, see ``_STIR_DURATION``.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import (
    AFTER_TRADE,
    CASH,
    MONTHLY,
    PRIOR_MONTH_END,
    QUARTERLY,
    row,
)

_B = AssetClass.BOND

_CHICAGO = "08:30-16:00 America/Chicago"
_EUREX = "01:10-22:00 Europe/Berlin"
_LONDON = "01:00-21:00 Europe/London"
_TORONTO = "06:00-16:30 America/Toronto"
_SINGAPORE = "07:30-17:10 Asia/Singapore"
_SEOUL = "09:00-15:45 Asia/Seoul"
_TOKYO = "08:45-15:02 Asia/Tokyo"

_STIR_DURATION = 1.03
"""Duration of a quote of 100 minus the rate: 100 / price, here at 97.

A basis point moves such a quote by 0.01 whatever the term of the deposit, which the multiplier
carries, so the exchange's DV01 is multiplier / 100 (25 dollars for SR3). This constant gives it
within 4 % at prices from 93.5 to 100.7; it is too low by 7 % at 90.
"""

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session, duration
RATES: tuple[Instrument, ...] = (
    row(_B, "ZT", "US 2-year note", "cbot", "us bond", "USD", 2000.0, 0.00390625, "US2", 1.0,
        QUARTERLY, QUARTERLY, 39, +1, PRIOR_MONTH_END, "last_bd",
        0.002, 2.47, 6e5, _CHICAGO, duration=1.9),
    row(_B, "ZF", "US 5-year note", "cbot", "us bond", "USD", 1000.0, 0.0078125, "US5", 1.0,
        QUARTERLY, QUARTERLY, 39, +1, PRIOR_MONTH_END, "last_bd",
        0.0039, 2.47, 1e6, _CHICAGO, duration=4.2),
    row(_B, "ZN", "US 10-year note", "cbot", "us bond", "USD", 1000.0, 0.015625, "US10", 1.0,
        QUARTERLY, QUARTERLY, 29, +1, PRIOR_MONTH_END, "eighth_last_bd",
        0.008, 2.47, 1.5e6, _CHICAGO, duration=6.2),
    row(_B, "TN", "US ultra 10-year note", "cbot", "us bond", "USD", 1000.0, 0.015625, "US10U", 1.0,
        QUARTERLY, QUARTERLY, 29, +1, PRIOR_MONTH_END, "eighth_last_bd",
        0.0081, 2.47, 4e5, _CHICAGO, duration=8.0),
    row(_B, "ZB", "US bond", "cbot", "us bond", "USD", 1000.0, 0.03125, "US20", 1.0,
        QUARTERLY, QUARTERLY, 29, +1, PRIOR_MONTH_END, "eighth_last_bd",
        0.016, 2.47, 3.5e5, _CHICAGO, duration=12.0),
    row(_B, "UB", "US ultra bond", "cbot", "us bond", "USD", 1000.0, 0.03125, "US30", 1.0,
        QUARTERLY, QUARTERLY, 29, +1, PRIOR_MONTH_END, "eighth_last_bd",
        0.016, 2.47, 2.5e5, _CHICAGO, duration=16.0),
    # Not listed in LEAN.
    row(_B, "FGBS", "German 2-year Schatz", "eurex", "europe bond", "EUR", 1000.0, 0.005,
        "SHATZ", 1.0,
        QUARTERLY, QUARTERLY, 9, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.0025, 2.0, 3.5e5, _EUREX, duration=1.9, lean_listed=False),
    row(_B, "FGBM", "German 5-year Bobl", "eurex", "europe bond", "EUR", 1000.0, 0.01, "BOBL", 1.0,
        QUARTERLY, QUARTERLY, 10, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.0051, 2.0, 5e5, _EUREX, duration=4.6, lean_listed=False),
    row(_B, "FGBL", "German 10-year Bund", "eurex", "europe bond", "EUR", 1000.0, 0.01, "BUND", 1.0,
        QUARTERLY, QUARTERLY, 10, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.0052, 2.0, 8e5, _EUREX, duration=8.5, lean_listed=False),
    row(_B, "FGBX", "German 30-year Buxl", "eurex", "europe bond", "EUR", 1000.0, 0.02, "BUXL", 1.0,
        QUARTERLY, QUARTERLY, 12, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.015, 2.0, 6e4, _EUREX, duration=18.0, lean_listed=False),
    row(_B, "FBTS", "Italian 3-year BTP", "eurex", "europe bond", "EUR", 1000.0, 0.01, "BTP3", 1.0,
        QUARTERLY, QUARTERLY, 9, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.0051, 2.0, 6e4, _EUREX, duration=2.5, lean_listed=False),
    row(_B, "FBTP", "Italian 10-year BTP", "eurex", "europe bond", "EUR", 1000.0, 0.01, "BTP", 1.0,
        QUARTERLY, QUARTERLY, 10, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.0063, 2.0, 1.2e5, _EUREX, duration=7.8, lean_listed=False),
    row(_B, "FOAT", "French 10-year OAT", "eurex", "europe bond", "EUR", 1000.0, 0.01, "OAT", 1.0,
        QUARTERLY, QUARTERLY, 9, +1, AFTER_TRADE, "delivery_10th_minus_2bd",
        0.0072, 2.0, 1.5e5, _EUREX, duration=8.2, lean_listed=False),
    # Notice begins a business day before the rule's; two are kept in hand.
    row(_B, "R", "UK long gilt", "iceeu", "uk bond", "GBP", 1000.0, 0.01, "GILT", 1.0,
        QUARTERLY, QUARTERLY, 38, +1, PRIOR_MONTH_END, "third_last_bd",
        0.005, 0.65, 2e5, _LONDON, duration=8.5, lean_listed=False),
    row(_B, "Z3N", "US 3-year note", "cbot", "us bond", "USD", 2000.0, 0.00390625, "US3", 1.0,
        QUARTERLY, QUARTERLY, 42, +1, PRIOR_MONTH_END, "last_bd",
        0.0033, 1.5, 5e3, _CHICAGO, duration=2.8, lean_listed=False),
    row(_B, "CGF", "Canadian 5-year bond", "mx", "canada bond", "CAD", 1000.0, 0.01, "CAD5", 1.0,
        QUARTERLY, QUARTERLY, 30, +1, PRIOR_MONTH_END, "eighth_last_bd",
        0.0054, 2.0, 4e4, _TORONTO, duration=4.2, lean_listed=False),
    # First notice is a business day before the rule's; the roll window opens well ahead of both.
    row(_B, "CGB", "Canadian 10-year bond", "mx", "canada bond", "CAD", 1000.0, 0.01, "CAD10", 1.0,
        QUARTERLY, QUARTERLY, 30, +1, PRIOR_MONTH_END, "eighth_last_bd",
        0.0056, 2.0, 8e4, _TORONTO, duration=7.5, lean_listed=False),
    row(_B, "JGBL", "Japanese 10-year bond", "ose", "asia bond", "JPY", 1e6, 0.01, "JGB", 1.0,
        QUARTERLY, QUARTERLY, 17, +1, AFTER_TRADE, "delivery_20th_minus_5bd",
        0.005, 500.0, 3e4, _TOKYO, duration=6.7, lean_listed=False),
    row(_B, "JB", "Japanese 10-year bond, mini", "sgx", "asia bond", "JPY", 100000.0, 0.01,
        "JGB-SGX-mini", 1.0,
        QUARTERLY, QUARTERLY, 20, +1, CASH, "delivery_20th_minus_6bd",
        0.01, 85.0, 1e3, _SINGAPORE, duration=6.7, lean_listed=False, full_size="JGBL"),
    # KRX numbers its products; these are IB's names. Fees are 0.004 % of notional at 104 and 112.
    row(_B, "3KTB", "Korean 3-year bond", "krx", "asia bond", "KRW", 1e6, 0.01, "KR3", 1.0,
        QUARTERLY, QUARTERLY, 6, +1, CASH, "third_tuesday",
        0.005, 4200.0, 1e5, _SEOUL, duration=2.8, lean_listed=False),
    row(_B, "FLKTB", "Korean 10-year bond", "krx", "asia bond", "KRW", 1e6, 0.01, "KR10", 1.0,
        QUARTERLY, QUARTERLY, 6, +1, CASH, "third_tuesday",
        0.0065, 4500.0, 5e4, _SEOUL, duration=8.3, lean_listed=False),
    # The prices before 2022 are Eurodollar's, which ended three months earlier than this rule says.
    row(_B, "SR3", "3-month SOFR", "cme", "stir", "USD", 2500.0, 0.005, "SOFR", 1.0,
        QUARTERLY, QUARTERLY, 720, -1, CASH, "third_wednesday_plus_3m_minus_1bd",
        0.003, 1.5, 1e5, _CHICAGO, duration=_STIR_DURATION, lean_listed=False),
    row(_B, "SO3", "3-month SONIA", "iceeu", "stir", "GBP", 2500.0, 0.005, "SONIA3", 1.0,
        QUARTERLY, QUARTERLY, 1095, -1, CASH, "third_wednesday_plus_3m_minus_1bd",
        0.0025, 0.65, 1e4, _LONDON, duration=_STIR_DURATION, lean_listed=False),
    row(_B, "ZQ", "30-day Fed funds", "cbot", "stir", "USD", 4167.0, 0.005, "FED", 1.0,
        MONTHLY, MONTHLY, 175, -1, CASH, "last_bd",
        0.003, 0.85, 5e4, _CHICAGO, duration=_STIR_DURATION, lean_listed=False),
    # The source's half spread of 12.0 is no price difference; half a tick instead.
    row(_B, "I", "3-month Euribor", "iceeu", "stir", "EUR", 2500.0, 0.005, "EURIBOR", 1.0,
        QUARTERLY, QUARTERLY, 350, -1, CASH, "third_wednesday_minus_2bd",
        0.0025, 2.0, 1e5, _LONDON, duration=_STIR_DURATION, lean_listed=False),
)
