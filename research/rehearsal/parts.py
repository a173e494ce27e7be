"""LEAN's live mode on a replayed clock: the parts in C#, compiled against the user's own LEAN."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from research.lean.project_config import ROOT
from research.lean.runner import ALGORITHM_ID, Launcher, engine_environment, run_config

SOURCES = ROOT / "tests/lean/rehearsal"
"""Clock, data queue and broker."""

NAME = "QuantConnect.Rehearsal"
"""LEAN looks for parts in assemblies whose name begins like this."""

CLOCK, BOOK, LOG = "clock.txt", "book.json", "engine.txt"
EVENTS = f"{BOOK}.log"
STORE = "store"

_PROJECT = """\
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>{framework}</TargetFramework>
    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
    <AppendTargetFrameworkToOutputPath>false</AppendTargetFrameworkToOutputPath>
    <NoWarn>CS1591;MSB3277</NoWarn>
  </PropertyGroup>
  <ItemGroup>
    <Compile Include="{sources}/*.cs" />
    {references}
  </ItemGroup>
</Project>
"""
_REFERENCES = ("QuantConnect.*", "NodaTime", "Newtonsoft.Json", "Python.Runtime",
               "System.ComponentModel.Composition")  # fmt: skip

_MAIN = """\
import sys

sys.path.insert(0, {root!r})

from algorithm.lean_algorithm import TrendCarryAlgorithm
from clr import AddReference

AddReference({name!r})

from Rehearsal import Clock


class Main(TrendCarryAlgorithm):
    def initialize(self):
        Clock.Start(self)
        super().initialize()
"""

GET_SDK = (
    "the rehearsal compiles two files against your LEAN and needs the .NET SDK for it, of LEAN's"
    " own version or later; the runtime alone is not enough (https://dotnet.microsoft.com/download)"
)


class RehearsalError(RuntimeError):
    """The rehearsal cannot go on; the sentence says why and where the log is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What every start of LEAN in a rehearsal has in common.

    Attributes
    ----------
    launcher : Launcher
    parts : Path
        Folder of the compiled parts.
    data : Path
        LEAN data folder.
    parameters : mapping of str to str
        Of the strategy.
    cash : float
        Of the account at the beginning, in USD.
    refused : str
        Market and day (UTC) on which its first order is refused, "ZN@2014-03-10"; "@" for none.
    cut : str
        From when on there is no line to the broker for a quarter of an hour, UTC; "" for never.
    """

    launcher: Launcher
    parts: Path
    data: Path
    parameters: Mapping[str, str]
    cash: float
    refused: str = "@"
    cut: str = ""

    def start(self, folder: Path, begin: str, end: str, kill: str) -> subprocess.Popen[bytes]:
        """Start LEAN in live mode; book, store and log in ``folder`` go on from a start before.

        Parameters
        ----------
        folder : Path
        begin, end : str
            Of the replayed clock, UTC like 2014-03-10T12:00:00.
        kill : str
            "placed:2@2014-03-11T14:00:00", the second order after that time; "" for none.
        """
        (folder / STORE).mkdir(parents=True, exist_ok=True)
        main, config = folder / "main.py", folder / "config.json"
        main.write_text(_MAIN.format(root=str(ROOT), name=NAME), encoding="utf-8")
        settings = self._config(folder, begin, end, kill)
        config.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        (folder / CLOCK).unlink(missing_ok=True)
        command = [
            *(self.launcher.dotnet, self.launcher.dll.name),
            *("--config", str(config)),
            *("--algorithm-language", "Python"),
            *("--algorithm-type-name", ALGORITHM_ID),
            *("--algorithm-id", ALGORITHM_ID),
            *("--algorithm-location", str(main)),
            *("--data-folder", str(self.data)),
            *("--results-destination-folder", str(folder)),
            *("--close-automatically", "true"),
        ]
        with (folder / LOG).open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.launcher.folder,
                env=engine_environment(self.launcher),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _config(self, folder: Path, begin: str, end: str, kill: str) -> dict[str, Any]:
        config = run_config(self.launcher, folder / STORE)
        engine = "QuantConnect.Lean.Engine"
        config.setdefault("environments", {})["rehearsal"] = {
            "live-mode": True,
            "live-mode-brokerage": "Broker",
            "setup-handler": f"{engine}.Setup.BrokerageSetupHandler",
            "result-handler": f"{engine}.Results.LiveTradingResultHandler",
            "history-provider": [f"{engine}.HistoricalData.SubscriptionDataReaderHistoryProvider"],
            "data-feed-handler": "Rehearsal.Feed",
            "data-queue-handler": ["Queue"],
            "real-time-handler": "Rehearsal.RealTime",
            "transaction-handler": "Rehearsal.Transactions",
        }
        return config | {
            "environment": "rehearsal",
            "object-store": "Rehearsal.Store",
            "plugin-directory": str(self.parts),
            "parameters": dict(self.parameters),
            "rehearsal-start": begin,
            "rehearsal-end": end,
            "rehearsal-clock": str(folder / CLOCK),
            "rehearsal-book": str(folder / BOOK),
            "rehearsal-cash": self.cash,
            "rehearsal-kill": kill,
            "rehearsal-refuse": self.refused,
            **({"rehearsal-cut": self.cut} if self.cut else {}),
        }


def compile_parts(launcher: Launcher, folder: Path) -> Path:
    """Compile clock, data queue and broker; the folder of their assembly.

    Parameters
    ----------
    launcher : Launcher
        LEAN to compile against.
    folder : Path
        Made if missing.

    Raises
    ------
    RehearsalError
        If there is no SDK, or LEAN's interfaces are others than the sources know.
    """
    sdks = subprocess.run(
        [launcher.dotnet, "--list-sdks"], capture_output=True, text=True, check=False
    )
    if not sdks.stdout.strip():
        raise RehearsalError(GET_SDK)
    folder.mkdir(parents=True, exist_ok=True)
    runtime = launcher.dll.with_suffix(".runtimeconfig.json")
    framework = json.loads(runtime.read_text(encoding="utf-8"))["runtimeOptions"]["tfm"]
    references = "\n    ".join(
        f'<Reference Include="{launcher.folder}/{name}.dll"'
        f' Exclude="{launcher.dll}"><Private>false</Private></Reference>'
        for name in _REFERENCES
    )
    project = folder / f"{NAME}.csproj"
    project.write_text(
        _PROJECT.format(framework=framework, sources=SOURCES, references=references),
        encoding="utf-8",
    )
    out = folder / "out"
    done = subprocess.run(
        [launcher.dotnet, "build", str(project), "-c", "Release", "-o", str(out), "--nologo"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line for line in done.stdout.splitlines() if ": error" in line]
        raise RehearsalError(
            f"the parts of the rehearsal do not compile against {launcher.folder}: "
            + (errors or done.stdout.splitlines() or [done.stderr])[0].strip()
        )
    return out
