"""Futures on crypto currencies.

Sources are named in :mod:`universe.master`. A future's carry is the basis: a coin pays nothing.
"""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument
from universe.master_columns import CASH, MONTHLY, row

_C = AssetClass.CRYPTO

_CHICAGO = "08:30-16:00 America/Chicago"

# fmt: off
# code, name, market, sector, currency, multiplier, tick, source name, source scale,
#   months held, months priced, roll days, carry offset, notice, expiry rule,
#   half spread, fee per side, average daily volume, session
CRYPTO: tuple[Instrument, ...] = (
    # The source has no spread of BTC: the micro contract's.
    row(_C, "BTC", "Bitcoin", "cme", "bitcoin", "USD", 5.0, 5.0, "BRR", 1.0,
        MONTHLY, MONTHLY, 12, +1, CASH, "last_friday",
        9.4, 11.02, 1e4, _CHICAGO, unknown=("half_spread",)),
    # The source rolled a month ahead until 2021, into contracts that hardly traded.
    row(_C, "MBT", "Micro bitcoin", "cme", "bitcoin", "USD", 0.1, 5.0, "BITCOIN", 1.0,
        MONTHLY, MONTHLY, 12, +1, CASH, "last_friday",
        9.4, 4.77, 1e4, _CHICAGO, full_size="BTC"),
    row(_C, "ETH", "Ether", "cme", "ether", "USD", 50.0, 0.5, "ETHEREUM", 1.0,
        MONTHLY, MONTHLY, 12, +1, CASH, "last_friday",
        0.68, 7.02, 5e3, _CHICAGO),
    row(_C, "MET", "Micro ether", "cme", "ether", "USD", 0.1, 0.5, "ETHER-micro", 1.0,
        MONTHLY, MONTHLY, 12, +1, CASH, "last_friday",
        1.8, 0.42, 2e4, _CHICAGO, full_size="ETH"),
)
