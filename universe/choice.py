"""Which markets a run in LEAN trades."""

from __future__ import annotations

from universe.instruments import Instrument, InstrumentMaster, without_twins

ALL = "all"


def lean_markets(markets: str, master: InstrumentMaster) -> list[Instrument]:
    """The markets that the setting ``markets`` asks for.

    Parameters
    ----------
    markets : str
        Codes or source names parted by blanks, or "all": of every underlying that LEAN lists one
        contract, see :func:`universe.instruments.without_twins`.
    master : InstrumentMaster

    Returns
    -------
    list of Instrument
        Each once, in the order given.

    Raises
    ------
    UnknownInstrumentError
        If the master holds no market of a name.
    ValueError
        If LEAN does not list one of them.
    """
    if markets == ALL:
        return without_twins(i for i in master if i.lean_listed)
    chosen = list(dict.fromkeys(master.named(name) for name in markets.split()))
    unlisted = [instrument.code for instrument in chosen if not instrument.lean_listed]
    if unlisted:
        raise ValueError(
            f"markets names {' '.join(unlisted)}, which LEAN does not list; allowed are the "
            "LEAN-listed markets of the instrument master (docs/markets.md)"
        )
    return chosen
