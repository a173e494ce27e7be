"""The commands, a line each; what one does is in the module of its name beside this file.

``python -m research`` lists and runs them, ``tasks.py`` and make call them with ``DATA=...`` for
``--data ...``. Nothing is imported here that Python does not bring along, because ``tasks.py``
reads it before anything is installed.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A command in the list.

    Attributes
    ----------
    summary : str
    variables : str
        Names in ``VARIABLES``, parted by blanks, which ``tasks.py`` hands on as options.
    environment : str
        Variables that the command reads from the environment.
    """

    summary: str
    variables: str = ""
    environment: str = ""


CALLER = "TREND_CARRY_CALLER"
"""Environment variable by which ``tasks.py`` says how it was called itself."""

LAUNCHER = "LEAN_LAUNCHER LEAN_PYTHONPATH PYTHONNET_PYDLL"

STUDY = "DATA START END MARKETS SET EXPIRIES MACRO INSTRUMENTS SEED CACHE WORKERS CLUSTER TRIALS"

COMMANDS: dict[str, Entry] = {
    "backtest": Entry(
        "run the full strategy on DATA and write a report",
        "DATA START END MARKETS SET EXPIRIES MACRO INSTRUMENTS SEED CACHE TRIALS OUT",
    ),
    "check": Entry(
        "look at the configuration, DATA and LEAN, say what to do next", "DATA MACRO INSTRUMENTS"
    ),
    "settings": Entry("every setting with its default; NAME=vol_target tells all of one", "NAME"),
    "markets": Entry("every market of the master and of an instruments file", "INSTRUMENTS"),
    "rules": Entry(
        "measure every rule by itself on DATA, by asset class",
        "DATA START END MARKETS SET EXPIRIES MACRO INSTRUMENTS SEED TRIALS OUT",
    ),
    "signals": Entry(
        "write every intermediate of the rules, prices and rolls as tables by name",
        "DATA START END MARKETS SET EXPIRIES MACRO INSTRUMENTS SEED OUT",
    ),
    "ablation": Entry(
        "what every part of the strategy adds, alone and on top",
        f"{STUDY} OUT",
    ),
    "choices": Entry(
        "the strategy with one choice of the portfolio changed at a time",
        f"{STUDY} OUT",
    ),
    "peers": Entry(
        "the strategy beside others on DATA; PEER=NAME=FILE adds one of yours",
        f"{STUDY} PEER OUT",
    ),
    "sizes": Entry(
        "the strategy by fund size from 250 k to 5 bn, with tracking error and impact",
        f"{STUDY} OUT",
    ),
    "capacity": Entry(
        "the strategy from USD 50 m to 5 bn, with large trades whole and cut over days",
        f"{STUDY} OUT",
    ),
    "walkforward": Entry(
        "settings chosen by past returns alone, window after window",
        f"{STUDY} GRID TRAIN TEST OUT",
    ),
    "regime": Entry(
        "the regime model trained quarter by quarter (needs MACRO)",
        f"{STUDY} OUT",
    ),
    "direction": Entry(
        "market direction of the EURO STOXX 50 by itself (needs MACRO)",
        f"{STUDY} OUT",
    ),
    "leverage": Entry(
        "variable leverage of the S&P 500 by itself, beside its own statements",
        f"{STUDY} OUT",
    ),
    "optimize": Entry("command lines of LEAN's optimizer; NAME=buffer=0.05:0.3:0.05", "NAME"),
    "export": Entry(
        "write DATA as a data folder for a local LEAN",
        "DATA START END MARKETS EXPIRIES MACRO INSTRUMENTS SEED LEAN_DATA BOTH_SIZES OUT",
    ),
    "lean": Entry(
        "run main.py on a native LEAN (needs LEAN_LAUNCHER and an exported DATA)",
        "DATA START END MARKETS SET INSTRUMENTS TRIALS OUT",
        LAUNCHER,
    ),
    "parity": Entry(
        "compare both engines day by day (needs LEAN_LAUNCHER)",
        "DATA START END MARKETS SET INSTRUMENTS OUT",
        LAUNCHER,
    ),
    "rehearse": Entry(
        "LEAN live on a replayed clock, killed at random moments and started again",
        "DATA START END MARKETS SET KILLS SEED OUT",
        LAUNCHER,
    ),
    "replay": Entry(
        "decide again on the sessions of RUN and name the first stage that differs",
        "RUN DATA STORE EXPIRIES MACRO INSTRUMENTS SEED",
    ),
    "schedules": Entry(
        "work an order of CONTRACTS through recorded minutes with every algorithm",
        "DATA MARKETS CONTRACTS OUT",
    ),
    "tca": Entry(
        "what the fills of RUN paid against open, close and VWAP; impact and outliers",
        "RUN DATA MINUTES EXPIRIES INSTRUMENTS SEED",
    ),
    "report": Entry("write report and tables of RUN from its record", "RUN TRIALS OUT"),
    "docs": Entry(
        "run the defaults on DATA, or take STUDY, and write the figures of the documents",
        "DATA START END MARKETS EXPIRIES STUDY",
    ),
    "risk": Entry(
        "write the risk desk's page of a session of RUN", "RUN DATE MACRO MARGINS DATA CACHE"
    ),
    "stress": Entry("print the stress tests of a session of RUN", "RUN DATE DATA CACHE"),
    "compliance": Entry(
        "write archive and 18f-4 pack of RUN; --verify checks the archive's chain",
        "RUN MACRO MARGINS DATA CACHE",
    ),
    "cloud": Entry("write what QuantConnect's cloud needs to OUT, for 'lean cloud push'", "OUT"),
}

VARIABLES: dict[str, str] = {
    "DATA": "folder of market data; none: the embedded synthetic market (lean, parity: lean-data)",
    "START": "first session, like 2010-01-04",
    "END": "last session",
    "MARKETS": 'codes or file names in DATA, parted by blanks, like "ES ZN GC"',
    "SET": 'settings, like "vol_target=0.12 trend_budget=0.6"',
    "NAME": "setting to be told all about (optimize: settings with LOW:HIGH:STEP)",
    "RUN": "folder of a run, with decisions.jsonl",
    "STORE": "object store of a live deployment, whose record replay brings to RUN first",
    "DATE": "session of a run (the last one)",
    "MINUTES": "LEAN data folder with minute trades and quotes",
    "MARGINS": "LEAN data folder with the exchanges' margins (a model's)",
    "CONTRACTS": "size of an order (200)",
    "KILLS": "how often a rehearsal kills LEAN (20)",
    "EXPIRIES": "CSV of last trade dates",
    "MACRO": "folder of macro series (rates, VIX, dividend yields)",
    "INSTRUMENTS": "CSV of own markets (docs/instruments.md)",
    "SEED": "seed of the synthetic market (rehearse: of the moments)",
    "CACHE": "folder for what can be taken up by the next run (.cache); none: nothing is kept",
    "BOTH_SIZES": "yes: export writes every market's bars under its small contract's name too",
    "LEAN_DATA": "folder with LEAN's own databases",
    "WORKERS": "processes of a study on this machine (1)",
    "CLUSTER": "Dask scheduler of a study instead, like tcp://host:8786",
    "TRIALS": "folder of the register of trials (trials)",
    "PEER": "a result to stand beside, NAME=FILE of dates and returns or account values",
    "GRID": "values of a setting to choose from, like buffer=0.05,0.1",
    "TRAIN": "sessions of a training window (2520)",
    "TEST": "sessions for which its choice is locked (252)",
    "STUDY": "folder that a study wrote to, for docs",
    "OUT": "folder to write to (out; export: lean-data, lean: out/lean, studies: out/NAME, ...)",
}
