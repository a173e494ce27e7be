"""From snapshots of the held, carry and forward contract to one bar per contract and session.

Pure arrays: the files are read and the findings worded in ``research.data.import_pysystemtrade``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.data.csv_tables import last_of_day
from universe.arrays import BoolArray, FloatArray, IntArray

EXTENSION_SESSIONS = 8
"""Sessions for which a contract the source rolled out of is carried on after its last quote."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Rows of a multiple-prices file, ascending in time, all with a held price.

    Attributes
    ----------
    day : int array of shape (n_rows,)
    price : float array of shape (3, n_rows)
        Of the held, carry and forward contract, NaN where not quoted; row 0 has no NaN.
    month : int array of shape (3, n_rows)
        Their contract months yyyymm, 0 where unknown; row 0 has no 0.
    """

    day: IntArray
    price: FloatArray
    month: IntArray


@dataclass(frozen=True, slots=True)
class ContractBars:
    """One close per contract and session.

    Attributes
    ----------
    sessions : int array of shape (n_sessions,)
        Epoch days on which the held contract has a price.
    months : int array of shape (n_contracts,)
        yyyymm, ascending.
    front : int array of shape (n_sessions,)
        The source's held contract as an index into ``months``.
    session, contract : int arrays of shape (n_bars,)
        Indices into ``sessions`` and ``months``; rows ascend in (session, contract).
    close : float array of shape (n_bars,)
    """

    sessions: IntArray
    months: IntArray
    front: IntArray
    session: IntArray
    contract: IntArray
    close: FloatArray

    def find(self, session: IntArray, contract: IntArray) -> IntArray:
        """Rows of the bars of the given sessions and contracts, -1 where there is none."""
        keys = self.session * len(self.months) + self.contract
        wanted = session * len(self.months) + contract
        row = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[row] == wanted, row, -1)

    def closes(self, session: IntArray, contract: IntArray) -> FloatArray:
        """Closes of the given sessions and contracts, NaN where there is no bar."""
        row = self.find(session, contract)
        return np.where(row >= 0, self.close[row], np.nan)


@dataclass(frozen=True, slots=True)
class QuoteFindings:
    """What had to be decided while making bars of snapshots.

    Attributes
    ----------
    unsynchronised : int array
        Days with a quote of an earlier snapshot that no common contract ties to the last one.
    conflicting : int array
        Days with one contract quoted differently in two columns of a snapshot.
    """

    unsynchronised: IntArray
    conflicting: IntArray


def bars_from_snapshots(rows: Snapshots) -> tuple[ContractBars, QuoteFindings]:
    """Daily bars of every quoted contract.

    The last snapshot of a day gives the held contract's close. A contract quoted only in an
    earlier snapshot is moved by what the held contract moved since that snapshot, so that spreads
    stay those of one moment. A contract in two columns of one snapshot gives one bar; the held
    column precedes carry, carry precedes forward.

    Parameters
    ----------
    rows : Snapshots

    Returns
    -------
    bars : ContractBars
    findings : QuoteFindings
    """
    last_row = np.flatnonzero(last_of_day(rows.day))
    sessions = rows.day[last_row]
    session = np.searchsorted(sessions, rows.day)
    shift = _move_to_last_snapshot(rows, last_row[session])

    column, row = np.nonzero(np.isfinite(rows.price) & (rows.month > 0))
    months, contract = np.unique(rows.month[column, row], return_inverse=True)
    key = session[row] * len(months) + contract
    order = np.lexsort((-column, row, key))
    column, row, key = column[order], row[order], key[order]
    price = rows.price[column, row]
    keep = last_of_day(key)
    twice = np.flatnonzero(~keep[:-1] & (row[1:] == row[:-1]) & (price[1:] != price[:-1]))
    conflicting = np.unique(rows.day[row[twice]])
    row, key, price = row[keep], key[keep], price[keep]
    untied = np.isnan(shift[row])
    bars = ContractBars(
        sessions=sessions,
        months=months.astype(np.int64),
        front=np.searchsorted(months, rows.month[0, last_row]).astype(np.int64),
        session=key // len(months),
        contract=key % len(months),
        close=price + np.where(untied, 0.0, shift[row]),
    )
    return bars, QuoteFindings(np.unique(rows.day[row[untied]]), conflicting)


def _move_to_last_snapshot(rows: Snapshots, last_row: IntArray) -> FloatArray:
    """What the day's held contract moves from each snapshot to the day's last one.

    NaN where the snapshot does not quote the contract held in the last one.
    """
    here = np.full(len(rows.day), np.nan)
    for column in (2, 1, 0):
        same = (rows.month[column] == rows.month[0, last_row]) & np.isfinite(rows.price[column])
        here[same] = rows.price[column, same]
    return np.asarray(rows.price[0, last_row] - here)


@dataclass(frozen=True, slots=True)
class Extension:
    """Bars added beyond the source's quotes.

    Attributes
    ----------
    bars : ContractBars
        With the added bars.
    added : bool array of shape (n_bars,)
        Which bars were added.
    rolls : int
        Number of contracts they belong to.
    between_quotes : int
        Added bars in a gap of a contract that the source quotes again later.
    """

    bars: ContractBars
    added: BoolArray
    rolls: int
    between_quotes: int


def extend_rolled(bars: ContractBars, adjusted: FloatArray, expiry: IntArray) -> Extension:
    """Carry contracts on after the source has rolled out of them.

    A strategy that rolls later than the source still needs the old contract's price. For up to
    ``EXTENSION_SESSIONS`` sessions after its last quote it is moved along the market::

        A(d) = A(R) + adjusted(d) - adjusted(R)      R: last session on which A was quoted

    or, without an adjusted series, by the move of the contract held on ``d`` if that was quoted at
    ``R``. Only sessions up to ``d`` enter, so a bar never changes when the data grows.

    Parameters
    ----------
    bars : ContractBars
    adjusted : float array of shape (n_sessions,)
        Additive back-adjusted series in the bars' units, NaN where missing.
    expiry : int array of shape (n_contracts,)
        No bar is added past it.

    Returns
    -------
    Extension
    """
    n_sessions, n_contracts = len(bars.sessions), len(bars.months)
    first_held = np.full(n_contracts, n_sessions, dtype=np.int64)
    np.minimum.at(first_held, bars.front, np.arange(n_sessions))

    by_contract = np.lexsort((bars.session, bars.contract))
    session, contract = bars.session[by_contract], bars.contract[by_contract]
    close = bars.close[by_contract]
    following = np.full(len(session), n_sessions, dtype=np.int64)
    again = contract[1:] == contract[:-1]
    following[:-1][again] = session[1:][again]
    count = np.minimum(following - session - 1, EXTENSION_SESSIONS)
    count[session < first_held[contract]] = 0

    source = np.repeat(np.arange(len(session)), count)
    step = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count) + 1
    target, start, old = session[source] + step, session[source], contract[source]
    move = adjusted[target] - adjusted[start]
    held = bars.front[target]
    own_move = bars.closes(target, held) - bars.closes(start, held)
    move = np.where(np.isnan(move), own_move, move)
    fine = np.isfinite(move) & (bars.sessions[target] <= expiry[old])
    target, old, source, move = target[fine], old[fine], source[fine], move[fine]

    all_session = np.concatenate([bars.session, target])
    all_contract = np.concatenate([bars.contract, old])
    all_close = np.concatenate([bars.close, close[source] + move])
    added = np.arange(len(all_session)) >= len(bars.session)
    order = np.argsort(all_session * n_contracts + all_contract)
    return Extension(
        bars=ContractBars(
            bars.sessions,
            bars.months,
            bars.front,
            all_session[order],
            all_contract[order],
            all_close[order],
        ),
        added=added[order],
        rolls=len(np.unique(old)),
        between_quotes=int(np.count_nonzero(following[source] < n_sessions)),
    )
