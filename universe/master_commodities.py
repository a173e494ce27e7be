"""Metal and energy futures.

Sources are named in :mod:`universe.master`.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import AFTER_TRADE, CASH, MONTHLY, PRIOR_MONTH_END, row

_M = AssetClass.METAL
_E = AssetClass.ENERGY

_NYMEX = "09:30-17:00 America/New_York"
_ICE_ENERGY = "20:00-18:00 America/New_York"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
METALS: tuple[Instrument, ...] = (
    row(_M, "GC", "Gold", "comex", "precious metal", "USD", 100.0, 0.1, "GOLD", 1.0,
        "GJMQVZ", "GJMQVZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.068, 2.47, 1.8e5, _NYMEX),
    row(_M, "MGC", "Micro gold", "comex", "precious metal", "USD", 10.0, 0.1, "GOLD_micro", 1.0,
        "GJMQVZ", "GJMQVZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.088, 0.57, 6e4, _NYMEX, full_size="GC"),
    row(_M, "SI", "Silver", "comex", "precious metal", "USD", 5000.0, 0.005, "", 1.0,
        "HKNUZ", "HKNUZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.0035, 2.47, 6e4, _NYMEX),
    # Adjusted prices only in the source: no carry.
    row(_M, "SIL", "Micro silver", "comex", "precious metal", "USD", 1000.0, 0.005, "SILVER", 1.0,
        "HKNUZ", MONTHLY, 40, -1, PRIOR_MONTH_END, "third_last_bd",
        0.004, 0.57, 1.5e4, _NYMEX, full_size="SI"),
    row(_M, "PL", "Platinum", "nymex", "precious metal", "USD", 50.0, 0.1, "PLAT", 1.0,
        "FJNV", "FJNV", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.3, 2.47, 2e4, _NYMEX),
    row(_M, "PA", "Palladium", "nymex", "precious metal", "USD", 100.0, 0.5, "PALLAD", 1.0,
        "HMUZ", "HMUZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        1.4, 2.47, 4e3, _NYMEX),
    row(_M, "HG", "Copper", "comex", "base metal", "USD", 25000.0, 0.0005, "COPPER", 1.0,
        "HNUZ", "FHJMNUVZ", 36, +1, PRIOR_MONTH_END, "third_last_bd",
        0.00043, 2.47, 7e4, _NYMEX),
    row(_M, "HRC", "Hot-rolled coil steel", "nymex", "base metal", "USD", 20.0, 1.0, "STEEL", 1.0,
        MONTHLY, MONTHLY, 96, -1, CASH, "last_wednesday_minus_1bd",
        5.4, 2.47, 300.0, _NYMEX),
    # Not listed in LEAN.
    row(_M, "ALI", "Aluminium", "comex", "base metal", "USD", 25.0, 0.25, "ALUMINIUM", 1.0,
        MONTHLY, MONTHLY, 68, +1, PRIOR_MONTH_END, "third_last_bd",
        1.8, 1.5, 2e3, _NYMEX, lean_listed=False),
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
    row(_E, "HO", "NY harbor ULSD", "nymex", "refined product", "USD", 42000.0, 1e-4,
        "HEATOIL", 1.0,
        MONTHLY, MONTHLY, 14, +1, AFTER_TRADE, "last_bd_of_prior_month",
        1.5e-4, 2.47, 5e4, _NYMEX),
    row(_E, "RB", "RBOB gasoline", "nymex", "refined product", "USD", 42000.0, 1e-4,
        "GASOILINE", 1.0,
        MONTHLY, MONTHLY, 14, +1, AFTER_TRADE, "last_bd_of_prior_month",
        2e-4, 2.47, 5e4, _NYMEX),
    row(_E, "G", "Low sulphur gasoil", "ice", "refined product", "USD", 100.0, 0.25, "GASOIL", 1.0,
        MONTHLY, MONTHLY, 10, +1, AFTER_TRADE, "2bd_before_14th",
        0.25, 2.47, 8e4, _ICE_ENERGY),
    # Settles in cash a day before NG ends, on NG's price.
    row(_E, "HP", "Natural gas, penultimate day", "nymex", "gas", "USD", 10000.0, 0.001,
        "GAS-PEN", 1.0,
        MONTHLY, MONTHLY, 32, -1, CASH, "fourth_last_bd_of_prior_month",
        0.002, 2.47, None, _NYMEX, full_size="NG"),
    row(_E, "MCL", "Micro WTI crude oil", "nymex", "crude", "USD", 100.0, 0.01,
        "CRUDE_W_micro", 1.0,
        MONTHLY, MONTHLY, 32, -1, CASH, "4bd_before_25th_of_prior_month",
        0.017, 0.57, 5e4, _NYMEX, full_size="CL"),
    # Not listed in LEAN. Settles in cash on the day before CL ends.
    row(_E, "QM", "E-mini WTI crude oil", "nymex", "crude", "USD", 500.0, 0.025,
        "CRUDE_W_mini", 1.0,
        MONTHLY, MONTHLY, 32, -1, CASH, "4bd_before_25th_of_prior_month",
        0.03, 2.07, 2e3, _NYMEX, lean_listed=False, full_size="CL"),
    row(_E, "QG", "E-mini natural gas", "nymex", "gas", "USD", 2500.0, 0.005, "GAS_US_mini", 1.0,
        MONTHLY, MONTHLY, 32, -1, CASH, "fourth_last_bd_of_prior_month",
        0.005, 1.37, 2e3, _NYMEX, lean_listed=False, full_size="NG"),
)
