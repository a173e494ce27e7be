"""Staging the project for QuantConnect's cloud: the core and main.py only."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from research.data.errors import DataError
from research.lean import project_config
from research.lean.project_config import ROOT, default_config
from universe.counts import count_text

CORE = ("algorithm", "alpha", "execution", "portfolio", "risk", "universe")
"""Packages that the algorithm imports; research, tests and benchmarks stay at home."""

LIMIT = 32_000
"""Bytes a file may have on QuantConnect's free tier."""

RECORD = ".staged.json"
"""Names what an earlier staging wrote; its first character keeps LEAN's CLI from sending it."""

_IDENTITY = ("local-id", "cloud-id", "organization-id", "encrypted", "encryption-key-path")
_CONFIG_NAME = "config.json"


@dataclass(frozen=True, slots=True)
class Staging:
    """What a staged project holds.

    Attributes
    ----------
    folder : Path
    sizes : dict of str to int
        Bytes by source file.
    removed : tuple of str
        Files of an earlier staging that are not part of the project any more.
    cloud_id : str
        Project in the cloud that the folder is tied to, empty before the first push.
    """

    folder: Path
    sizes: dict[str, int]
    removed: tuple[str, ...]
    cloud_id: str

    def lines(self) -> list[str]:
        """The staging in sentences, with the next step and its risk."""
        biggest = max(self.sizes, key=lambda name: self.sizes[name])
        size = self.sizes[biggest]
        total = f"{count_text(len(self.sizes), 'file')}, {sum(self.sizes.values()):,} bytes"
        out = [
            f"{self.folder.absolute()}: {total}; the biggest is {biggest} with {size:,} bytes, the"
            f" cloud's free tier takes {LIMIT:,}"
        ]
        if self.removed:
            out.append(f"removed: {', '.join(self.removed)}")
        out.append(
            f"next, in the folder with lean.json: lean cloud push --project {self.folder.name}"
        )
        where = f"project {self.cloud_id}" if self.cloud_id else "the project of that name"
        out.append(
            f"a push deletes every file that only the cloud has: pull or copy what was written in"
            f" {where} there before"
        )
        return out


def stage_project(folder: Path, root: Path = ROOT) -> Staging:
    """Write the project's core as a LEAN project.

    ``config.json`` is the repository's, with the identity that LEAN's CLI gave an earlier staging
    in the same folder; results that the CLI left there stay.

    Parameters
    ----------
    folder : Path
        New, empty or an earlier staging.
    root : Path
        The repository.

    Returns
    -------
    Staging

    Raises
    ------
    DataError
        If the folder holds anything else, or a source file is too big for the cloud.
    """
    earlier = _earlier(folder)
    sources = {"main.py": root / "main.py"}
    for package in CORE:
        for path in sorted((root / package).rglob("*.py")):
            sources[path.relative_to(root).as_posix()] = path
    sizes = {name: path.stat().st_size for name, path in sources.items()}
    big = [f"{name} ({size:,} bytes)" for name, size in sizes.items() if size > LIMIT]
    if big:
        raise DataError(f"too big for the cloud's free tier ({LIMIT:,} bytes): {', '.join(big)}")
    config = _config(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / RECORD, {"files": sorted({*earlier, *sources})})  # a cut-off staging knows all
    for name, path in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    removed = tuple(name for name in earlier if name not in sources)
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    _write(folder / _CONFIG_NAME, config)
    _write(folder / RECORD, {"files": sorted(sources)})
    return Staging(folder, sizes, removed, str(config.get("cloud-id", "")))


def _earlier(folder: Path) -> list[str]:
    """Files that an earlier staging wrote.

    Raises
    ------
    DataError
        If the folder is in use and no staging is known of it.
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise DataError(f"{folder}: is a file; expected a folder to stage the project in")
    if not any(folder.iterdir()):
        return []
    try:
        return [str(name) for name in json.loads((folder / RECORD).read_text("utf-8"))["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{folder}: is not empty and no earlier staging (no {RECORD} of ours); choose a new"
            " folder"
        ) from None


def _config(folder: Path) -> dict[str, object]:
    """The repository's config.json with the identity of the one in the folder."""
    own = project_config.CONFIG
    config = _read(own) if own.is_file() else default_config()
    known = _read(folder / _CONFIG_NAME) if (folder / _CONFIG_NAME).is_file() else {}
    kept = {key: known[key] for key in _IDENTITY if key in known}
    return {**{key: value for key, value in config.items() if key not in _IDENTITY}, **kept}


def _read(path: Path) -> dict[str, object]:
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}); it must be JSON") from None
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no object; it must be JSON with names and values")
    return values


def _write(path: Path, values: dict[str, object]) -> None:
    path.write_text(json.dumps(values, indent=4) + "\n", encoding="utf-8")
