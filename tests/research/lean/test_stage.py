import json

import pytest

from research.data.errors import DataError
from research.lean import project_config
from research.lean.stage import CORE, LIMIT, RECORD, stage_project


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small project with a config.json of its own."""
    root = tmp_path / "project"
    for package in (*CORE, "research", "tests", "algorithm/__pycache__"):
        (root / package).mkdir(parents=True)
        (root / package / "one.py").write_text(f"# {package}\n")
    (root / "algorithm/__pycache__/one.py").unlink()
    (root / "main.py").write_text("# main\n")
    (root / "tasks.py").write_text("# tasks\n")
    config = root / "config.json"
    config.write_text('{"parameters": {"cash": "1000000"}, "local-id": 7}')
    monkeypatch.setattr(project_config, "CONFIG", config)
    return root


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_core_and_main_only(root, tmp_path):
    out = tmp_path / "work" / "trend-carry"
    staging = stage_project(out, root)
    sources = sorted(["main.py", *(f"{package}/one.py" for package in CORE)])
    assert files(out) == sorted([RECORD, "config.json", *sources])
    assert sorted(staging.sizes) == sources
    assert staging.sizes["main.py"] == len("# main\n")
    config = json.loads((out / "config.json").read_text())
    assert config == {"parameters": {"cash": "1000000"}}  # an identity is the folder's own
    first, *_, last = staging.lines()
    total = sum(staging.sizes.values())
    assert f"{len(sources)} files, {total:,} bytes; the biggest is " in first
    assert f"takes {LIMIT:,}" in first
    assert "a push deletes every file that only the cloud has" in last


def test_again_keeps_the_identity_and_results_and_drops_what_is_gone(root, tmp_path):
    out = tmp_path / "trend-carry"
    stage_project(out, root)
    config = json.loads((out / "config.json").read_text())
    config |= {"cloud-id": 42, "local-id": 9, "parameters": {"cash": "5"}}
    (out / "config.json").write_text(json.dumps(config))
    (out / "backtests").mkdir()
    (out / "backtests" / "result.json").touch()
    (root / "alpha" / "one.py").unlink()
    staging = stage_project(out, root)
    assert staging.removed == ("alpha/one.py",)
    assert staging.cloud_id == "42"
    assert "project 42" in staging.lines()[-1]
    kept = json.loads((out / "config.json").read_text())
    assert kept == {"parameters": {"cash": "1000000"}, "cloud-id": 42, "local-id": 9}
    assert "backtests/result.json" in files(out)
    assert "alpha/one.py" not in files(out)


def test_a_folder_in_use_is_left_alone(root, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "main.py").write_text("mine")
    with pytest.raises(DataError, match="is not empty and no earlier staging"):
        stage_project(tmp_path / "mine", root)
    with pytest.raises(DataError, match="is a file"):
        stage_project(tmp_path / "mine" / "main.py", root)
    assert (tmp_path / "mine" / "main.py").read_text() == "mine"


def test_a_file_that_is_too_big(root, tmp_path):
    (root / "risk" / "big.py").write_text("#" * (LIMIT + 1))
    with pytest.raises(DataError, match=r"too big for the cloud.*risk/big\.py \(32,001 bytes\)"):
        stage_project(tmp_path / "out", root)
    assert not (tmp_path / "out").exists()


def test_without_a_config_the_one_that_comes_along(root, tmp_path):
    (root / "config.json").unlink()
    stage_project(tmp_path / "out", root)
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written == project_config.default_config()


def test_a_damaged_config(root, tmp_path):
    (root / "config.json").write_text("{")
    with pytest.raises(DataError, match="must be JSON"):
        stage_project(tmp_path / "out", root)
    assert not (tmp_path / "out").exists()
