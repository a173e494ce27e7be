"""The instrument master: every market the strategy knows, in eight asset classes.

Where the numbers come from:

* multiplier, tick, currency: see :class:`~universe.instruments.Basis`, which every record carries:
  LEAN's symbol-properties database for what it lists (dollars per pound or bushel where the
  exchange quotes cents), the exchange's specification otherwise, and pysystemtrade's configuration
  where neither is at hand. That configuration has errors, so a tick that rests on it is also a
  step that its prices keep;
* session: LEAN's market-hours database (regular session), the exchange's otherwise. An end before
  its start is on the next calendar day;
* months held, months priced, side of carry and half spread: pysystemtrade's ``rollconfig.csv`` and
  ``spreadcosts.csv`` (robcarver17/pysystemtrade) for markets with prices of that source at hand,
  common practice otherwise;
* expiry rule: ``universe.expiry``, equal to LEAN's expiry functions;
* roll days: chosen against the roll dates of that price history where there is one. Where carry
  is measured against the farther contract the window opens a few days before the source usually
  rolls, so that both contracts still have a price; where it is measured against the nearer one the
  source rolls early, and the window is the net below it. In all markets it opens before the last
  holding date;
* fee: LEAN's InteractiveBrokersFeeModel for what it lists, pysystemtrade's ``instrumentconfig.csv``
  otherwise;
* average daily volume and duration: orders of magnitude of recent years, for impact and DV01. A
  volume that is not known is marked so, with a cautious stand-in; see
  :func:`universe.instruments.volume_note`;
* calendar spreads listed: the markets of CME Group (Globex lists "SP", "EQ", "FX" and "RT" calendar
  spreads of its futures; the E-mini S&P 500's contract specification gives theirs a tick of 0.05),
  Eurex (T7 makes time spreads of all futures months), CFE (VX specification: spread trades have
  a tick of 0.01), ICE (its Strategy Code Reference Manual defines spreads of futures; Euribor's
  are quoted on it), Euronext (Trading Procedures, Annexe Two: recognised strategies of index
  futures), Osaka (contract specifications of Nikkei and JGB futures: calendar spread trading is
  available), Korea (futures spread trading since 2001), Hong Kong (HKEX, questions on HKATS:
  calendar spreads are standard combinations, of Hang Seng futures since June 2000; its CLICK
  guide names those of HSI, MHI and HHI) and ASX 24 (notice 1143.23.11: intra-commodity spreads
  between listed months are exchange-defined combinations). Of the other exchanges it is not
  known here, so that they roll leg by leg. Montreal lists spreads between its bond futures and
  writes of their quarterly rolls, and Singapore's Nikkei specification has a finer tick for
  strategy trades; of calendar spreads of CGB, JB or ST neither says anything.

A user's own facts come from an instruments file (:mod:`universe.instrument_table`) and make a
master of their own, see :meth:`universe.instruments.InstrumentMaster.with_changes`.
"""

from __future__ import annotations

from universe.instruments import InstrumentMaster
from universe.master_agriculture import AGRICULTURE
from universe.master_commodities import ENERGY, METALS
from universe.master_crypto import CRYPTO
from universe.master_equity import EQUITY, VOLATILITY
from universe.master_fx import FX
from universe.master_rates import RATES
from universe.master_sectors import SECTORS

MASTER = InstrumentMaster(
    (*EQUITY, *SECTORS, *VOLATILITY, *RATES, *FX, *METALS, *ENERGY, *AGRICULTURE, *CRYPTO)
)
"""All records; the order of the tables above is the order of iteration."""
