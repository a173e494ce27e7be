"""Metal, energy and agricultural futures.

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
    TEN_DAYS_BEFORE,
    row,
)

_M = AssetClass.METAL
_E = AssetClass.ENERGY
_A = AssetClass.AGRICULTURE

_NYMEX = "09:30-17:00 America/New_York"
_ICE_ENERGY = "20:00-18:00 America/New_York"
_GRAINS = "08:30-13:20 America/Chicago"
_LIVESTOCK = "08:30-13:05 America/Chicago"
_COFFEE = "04:15-13:30 America/New_York"
_COCOA = "04:45-13:30 America/New_York"
_COTTON = "21:00-14:20 America/New_York"
_SUGAR = "03:30-13:00 America/New_York"
_JUICE = "08:00-14:00 America/New_York"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
METALS: tuple[Instrument, ...] = (
    row(_M, "GC", "Gold", "comex", "precious metal", "USD", 100.0, 0.1, "GOLD", 1.0,
        "GJMQVZ", "GJMQVZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.068, 2.47, 1.8e5, _NYMEX),
    row(_M, "SI", "Silver", "comex", "precious metal", "USD", 5000.0, 0.005, "", 1.0,
        "HKNUZ", "HKNUZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.0035, 2.47, 6e4, _NYMEX),
    # Adjusted prices only in the source: no carry.
    row(_M, "SIL", "Micro silver", "comex", "precious metal", "USD", 1000.0, 0.005, "SILVER", 1.0,
        "HKNUZ", MONTHLY, 40, -1, PRIOR_MONTH_END, "third_last_bd",
        0.004, 0.57, 1.5e4, _NYMEX, full_size="SI"),
    row(_M, "PL", "Platinum", "nymex", "precious metal", "USD", 50.0, 0.1, "", 1.0,
        "FJNV", "FJNV", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.3, 2.47, 2e4, _NYMEX),
    row(_M, "PA", "Palladium", "nymex", "precious metal", "USD", 100.0, 0.5, "PALLAD", 1.0,
        "HMUZ", "HMUZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        1.4, 2.47, 4e3, _NYMEX),
    row(_M, "HG", "Copper", "comex", "base metal", "USD", 25000.0, 0.0005, "COPPER", 1.0,
        "HNUZ", "FHJMNUVZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.00043, 2.47, 7e4, _NYMEX),
)

ENERGY: tuple[Instrument, ...] = (
    row(_E, "CL", "WTI crude oil", "nymex", "crude", "USD", 1000.0, 0.01, "CRUDE_W", 1.0,
        "Z", MONTHLY, 32, -1, AFTER_TRADE, "3bd_before_25th_of_prior_month",
        0.012, 2.47, 4e4, _NYMEX),
    # LEAN applies the rule of 2016 to all years; earlier contracts really traded two weeks longer.
    row(_E, "B", "Brent crude oil", "ice", "crude", "USD", 1000.0, 0.01, "BRENT_W", 1.0,
        MONTHLY, MONTHLY, 6, -1, CASH, "last_bd_two_months_prior",
        0.01, 2.47, 2e5, _ICE_ENERGY),
    # Holds the second contract (001): the front one's window, a month earlier.
    row(_E, "NG", "Natural gas", "nymex", "gas", "USD", 10000.0, 0.001, "GAS_US", 1.0,
        MONTHLY, MONTHLY, 5, -1, AFTER_TRADE, "third_last_bd_of_prior_month",
        0.0011, 2.47, 1e5, _NYMEX, depth=1),
    row(_E, "HO", "NY harbor ULSD", "nymex", "refined product", "USD", 42000.0, 1e-4, "", 1.0,
        MONTHLY, MONTHLY, 14, +1, AFTER_TRADE, "last_bd_of_prior_month",
        1.5e-4, 2.47, 5e4, _NYMEX),
    row(_E, "RB", "RBOB gasoline", "nymex", "refined product", "USD", 42000.0, 1e-4, "", 1.0,
        MONTHLY, MONTHLY, 14, +1, AFTER_TRADE, "last_bd_of_prior_month",
        2e-4, 2.47, 5e4, _NYMEX),
    row(_E, "G", "Low sulphur gasoil", "ice", "refined product", "USD", 100.0, 0.25, "", 1.0,
        MONTHLY, MONTHLY, 10, +1, AFTER_TRADE, "2bd_before_14th",
        0.25, 2.47, 8e4, _ICE_ENERGY),
    # Not listed in LEAN. Settles in cash on the day before CL ends.
    row(_E, "QM", "E-mini WTI crude oil", "nymex", "crude", "USD", 500.0, 0.025,
        "CRUDE_W_mini", 1.0,
        MONTHLY, MONTHLY, 32, -1, CASH, "4bd_before_25th_of_prior_month",
        0.03, 2.07, 2e3, _NYMEX, lean_listed=False, full_size="CL"),
)

AGRICULTURE: tuple[Instrument, ...] = (
    row(_A, "ZC", "Corn", "cbot", "grain", "USD", 5000.0, 0.0025, "CORN", 0.01,
        "Z", "HKNUZ", 50, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.0016, 2.47, 8e4, _GRAINS),
    row(_A, "ZW", "Chicago wheat", "cbot", "grain", "USD", 5000.0, 0.0025, "", 1.0,
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
    row(_A, "LE", "Live cattle", "cme", "livestock", "USD", 40000.0, 2.5e-4, "", 1.0,
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
    row(_A, "CC", "Cocoa", "ice", "softs", "USD", 10.0, 1.0, "", 1.0,
        "HKNUZ", "HKNUZ", 40, +1, TEN_DAYS_BEFORE, "twelfth_last_bd",
        1.0, 2.47, 1.5e4, _COCOA),
    row(_A, "SB", "Sugar no. 11", "ice", "softs", "USD", 112000.0, 1e-4, "", 1.0,
        "HKNV", "HKNV", 20, +1, AFTER_TRADE, "last_bd_of_prior_month",
        5e-5, 2.47, 6e4, _SUGAR),
    row(_A, "OJ", "Orange juice", "ice", "softs", "USD", 15000.0, 0.0005, "", 1.0,
        "FHKNUX", "FHKNUX", 22, +1, PRIOR_MONTH_END, "fifteenth_last_bd",
        0.002, 2.47, 500.0, _JUICE),
    # Not listed in LEAN; quoted in dollars per hundredweight by the exchange and the source alike.
    row(_A, "ZR", "Rough rice", "cbot", "grain", "USD", 2000.0, 0.005, "RICE", 1.0,
        "FHKNUX", "FHKNUX", 36, -1, PRIOR_MONTH_END, "bd_before_15th",
        0.022, 1.5, 500.0, _GRAINS, lean_listed=False),
)
