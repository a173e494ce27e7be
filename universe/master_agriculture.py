"""Agricultural futures.

Sources are named in :mod:`universe.master`. LEAN quotes grains, livestock, cotton, coffee, sugar
and orange juice in dollars where the exchange quotes cents: the source scale of 0.01 turns the one
into the other.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import (
    AFTER_TRADE,
    CASH,
    MONTHLY,
    PRIOR_MONTH_END,
    QUARTERLY,
    TEN_DAYS_BEFORE,
    row,
)

_A = AssetClass.AGRICULTURE

_GRAINS = "08:30-13:20 America/Chicago"
_LIVESTOCK = "08:30-13:05 America/Chicago"
_COFFEE = "04:15-13:30 America/New_York"
_COCOA = "04:45-13:30 America/New_York"
_COTTON = "21:00-14:20 America/New_York"
_SUGAR = "03:30-13:00 America/New_York"
_JUICE = "08:00-14:00 America/New_York"
_CHICAGO = "08:30-16:00 America/Chicago"
_LUMBER = "09:00-15:05 America/Chicago"
_INDEX = "08:15-13:30 America/Chicago"
_WINNIPEG = "19:00-13:20 America/Winnipeg"
_LONDON = "09:30-16:55 Europe/London"
_PARIS = "10:45-18:30 Europe/Paris"
_SINGAPORE = "07:55-18:00 Asia/Singapore"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
AGRICULTURE: tuple[Instrument, ...] = (
    row(_A, "ZC", "Corn", "cbot", "grain", "USD", 5000.0, 0.0025, "CORN", 0.01,
        "Z", "HKNUZ", 50, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.0016, 2.47, 8e4, _GRAINS),
    row(_A, "ZW", "Chicago wheat", "cbot", "grain", "USD", 5000.0, 0.0025, "WHEAT", 0.01,
        "HKNUZ", "HKNUZ", 28, +1, PRIOR_MONTH_END, "bd_before_15th",
        0.0016, 2.47, 6e4, _GRAINS),
    # A quarter of the source's rolls of KE and ZO come after first notice: out before it instead.
    row(_A, "KE", "Kansas City wheat", "cbot", "grain", "USD", 5000.0, 0.0025, "REDWHEAT", 0.01,
        "HKNUZ", "HKNUZ", 22, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.003, 2.47, 2e4, _GRAINS),
    row(_A, "ZO", "Oats", "cbot", "grain", "USD", 5000.0, 0.0025, "OATIES", 0.01,
        "HKNUZ", "HKNUZ", 22, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.0098, 2.47, 300.0, _GRAINS),
    row(_A, "ZS", "Soybeans", "cbot", "grain", "USD", 5000.0, 0.0025, "SOYBEAN", 0.01,
        "X", "FHKNQUX", 50, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.0025, 2.47, 8e4, _GRAINS),
    row(_A, "ZM", "Soybean meal", "cbot", "grain", "USD", 100.0, 0.1, "SOYMEAL", 1.0,
        "FHKNQUVZ", "FHKNQUVZ", 36, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.091, 2.47, 3e4, _GRAINS),
    row(_A, "ZL", "Soybean oil", "cbot", "grain", "USD", 60000.0, 1e-4, "SOYOIL", 0.01,
        "FHKNQUVZ", "FHKNQUVZ", 36, -1, PRIOR_MONTH_END, "bd_before_15th",
        1.5e-4, 2.47, 4e4, _GRAINS),
    row(_A, "LE", "Live cattle", "cme", "livestock", "USD", 40000.0, 2.5e-4, "LIVECOW", 0.01,
        "GJMQVZ", "GJMQVZ", 39, +1, PRIOR_MONTH_END, "last_bd",
        2.5e-4, 2.47, 2.5e4, _LIVESTOCK),
    row(_A, "GF", "Feeder cattle", "cme", "livestock", "USD", 50000.0, 2.5e-4, "FEEDCOW", 0.01,
        "FHJKQUVX", "FHJKQUVX", 20, -1, CASH, "last_clear_thursday",
        4e-4, 2.47, 4e3, _LIVESTOCK),
    row(_A, "HE", "Lean hogs", "cme", "livestock", "USD", 40000.0, 2.5e-4, "LEANHOG", 0.01,
        "GJMNQVZ", "GJKMNQVZ", 45, -1, CASH, "tenth_bd",
        2.6e-4, 2.47, 1.5e4, _LIVESTOCK),
    # Notice of KC comes seven, of CT five business days before the month: ten is on the safe side.
    row(_A, "KC", "Coffee C", "ice", "softs", "USD", 37500.0, 0.0005, "COFFEE", 0.01,
        "HKNUZ", "HKNUZ", 80, -1, TEN_DAYS_BEFORE, "ninth_last_bd",
        0.001, 2.47, 1.2e4, _COFFEE),
    row(_A, "CT", "Cotton no. 2", "ice", "softs", "USD", 50000.0, 1e-4, "COTTON2", 0.01,
        "HKNZ", "HKNVZ", 55, -1, TEN_DAYS_BEFORE, "seventeenth_last_bd",
        4.4e-4, 2.47, 1.2e4, _COTTON),
    row(_A, "CC", "Cocoa", "ice", "softs", "USD", 10.0, 1.0, "COCOA", 1.0,
        "HKNUZ", "HKNUZ", 40, +1, TEN_DAYS_BEFORE, "twelfth_last_bd",
        1.0, 2.47, 1.5e4, _COCOA),
    row(_A, "SB", "Sugar no. 11", "ice", "softs", "USD", 112000.0, 1e-4, "SUGAR11", 0.01,
        "HKNV", "HKNV", 20, +1, AFTER_TRADE, "last_bd_of_prior_month",
        5e-5, 2.47, 6e4, _SUGAR),
    row(_A, "OJ", "Orange juice", "ice", "softs", "USD", 15000.0, 0.0005, "OJ", 0.01,
        "FHKNUX", "FHKNUX", 22, +1, PRIOR_MONTH_END, "fifteenth_last_bd",
        0.002, 2.47, 500.0, _JUICE),
    row(_A, "LBR", "Lumber", "cme", "lumber", "USD", 27.5, 0.5, "LUMBER-new", 1.0,
        "FHKNUX", "FHKNUX", 56, +1, AFTER_TRADE, "bd_before_16th",
        2.8, 2.47, None, _LUMBER),
    # The index, of which the source says agriculture; a third of it is energy, a third metals.
    row(_A, "AW", "Bloomberg Commodity Index", "cbot", "commodity index", "USD", 100.0, 0.1,
        "BBCOMM", 1.0,
        QUARTERLY, QUARTERLY, 13, +1, CASH, "third_wednesday",
        0.1, 2.47, None, _INDEX),
    # Not listed in LEAN; quoted in dollars per hundredweight by the exchange and the source alike.
    row(_A, "ZR", "Rough rice", "cbot", "grain", "USD", 2000.0, 0.005, "RICE", 1.0,
        "FHKNUX", "FHKNUX", 36, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.022, 1.5, 500.0, _GRAINS, lean_listed=False),
    row(_A, "XC", "Mini corn", "cbot", "grain", "USD", 1000.0, 0.00125, "CORN_mini", 0.01,
        "HKNUZ", "HKNUZ", 36, +1, PRIOR_MONTH_END, "bd_before_15th",
        0.002, 2.9, 1e3, _GRAINS, lean_listed=False, full_size="ZC"),
    row(_A, "XW", "Mini wheat", "cbot", "grain", "USD", 1000.0, 0.00125, "WHEAT_mini", 0.01,
        "HKNUZ", "HKNUZ", 36, +1, PRIOR_MONTH_END, "bd_before_15th",
        0.0028, 2.9, 1e3, _GRAINS, lean_listed=False, full_size="ZW"),
    row(_A, "XK", "Mini soybeans", "cbot", "grain", "USD", 1000.0, 0.00125, "SOYBEAN_mini", 0.01,
        "FHKNQUX", "FHKNQUX", 51, +1, PRIOR_MONTH_END, "bd_before_15th",
        0.0035, 2.9, 1e3, _GRAINS, lean_listed=False, full_size="ZS"),
    row(_A, "RS", "Canola", "iceca", "oilseed", "CAD", 20.0, 0.1, "CANOLA", 1.0,
        "FHKNX", "FHKNX", 57, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.95, 2.0, 1.5e4, _WINNIPEG, lean_listed=False),
    row(_A, "ECO", "European rapeseed", "euronext", "oilseed", "EUR", 50.0, 0.25, "RAPESEED", 1.0,
        "GKQX", "GKQX", 28, -1, AFTER_TRADE, "last_bd_of_prior_month",
        0.27, 2.0, 1e4, _PARIS, lean_listed=False),
    # Contracts before September 2015 ran November, January, March, May, August.
    row(_A, "EBM", "Milling wheat", "euronext", "grain", "EUR", 50.0, 0.25, "MILLWHEAT", 1.0,
        "HKUZ", "HKUZ", 60, -1, AFTER_TRADE, "10th_or_next_bd",
        0.12, 2.0, 3e4, _PARIS, lean_listed=False),
    row(_A, "C", "London cocoa", "iceeu", "softs", "GBP", 10.0, 1.0, "COCOA_LDN", 1.0,
        "HKNUZ", "HKNUZ", 49, -1, AFTER_TRADE, "twelfth_last_bd",
        1.0, 1.0, 2e4, _LONDON, lean_listed=False),
    # The prices of a month settle it in the next; before 2012 two days later than the rule says.
    row(_A, "DC", "Class III milk", "cme", "dairy", "USD", 2000.0, 0.01, "MILK", 1.0,
        MONTHLY, MONTHLY, 72, -1, CASH, "bd_before_dairy_prices",
        0.025, 1.5, 1e3, _CHICAGO, lean_listed=False),
    row(_A, "CSC", "Cheese", "cme", "dairy", "USD", 20000.0, 0.001, "CHEESE", 1.0,
        MONTHLY, MONTHLY, 50, -1, CASH, "bd_before_dairy_prices",
        0.0031, 0.85, None, _CHICAGO, lean_listed=False),
    row(_A, "CB", "Butter", "cme", "dairy", "USD", 200.0, 0.025, "BUTTER", 1.0,
        MONTHLY, MONTHLY, 52, -1, CASH, "bd_before_dairy_prices",
        1.0, 0.85, None, _CHICAGO, lean_listed=False),
    # Quoted in cents per kilogram.
    row(_A, "TF", "TSR 20 rubber", "sgx", "rubber", "USD", 50.0, 0.1, "RUBBER", 1.0,
        MONTHLY, MONTHLY, 36, +1, AFTER_TRADE, "last_bd_of_prior_month",
        0.1, 3.0, 5e3, _SINGAPORE, lean_listed=False),
)
