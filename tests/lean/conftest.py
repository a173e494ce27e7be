"""What the tests of the real engine need, and skip without."""

import os
from pathlib import Path

import pytest

from research.lean.runner import Launcher, LeanNotFoundError, find_launcher

LEAN_DATABASES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "lean"


@pytest.fixture(scope="session")
def launcher() -> Launcher:
    """The engine that LEAN_LAUNCHER names."""
    try:
        return find_launcher()
    except LeanNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def lean_data() -> Path:
    """LEAN's databases, without which it does not start."""
    named = os.environ.get("LEAN_DATA")
    folder = Path(named) if named else LEAN_DATABASES
    if not (folder / "market-hours").is_dir():
        pytest.skip("no LEAN databases: set LEAN_DATA to LEAN's Data folder")
    return folder
