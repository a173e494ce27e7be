"""A folder of results is one set: after an error, a full disk, a kill, and with two runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from research import output
from research.output import INCOMPLETE, SETS, OutputError, claimed, output_set

ROOT = Path(__file__).resolve().parents[2]
FILES = ("daily.csv", "report/index.html", "result.json")


def write(stage: Path, text: str, files: tuple[str, ...] = FILES) -> None:
    for name in files:
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text)


def publish(folder: Path, text: str, files: tuple[str, ...] = FILES, name: str = "run") -> None:
    with output_set(folder, name) as stage:
        write(stage, text, files)


def seen(folder: Path) -> dict[str, str]:
    """What a user finds: files by name, hidden ones left out."""
    paths = [p for p in folder.rglob("*") if not any(s[0] == "." for s in p.parts[-3:])]
    shown = [p for p in paths if p.is_file() and SETS not in p.relative_to(folder).parts]
    return {str(p.relative_to(folder)): p.read_text() for p in shown}


def test_a_set_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    publish(out, "old", (*FILES, "gone.csv"))
    (out / "lean").mkdir()
    (out / "lean" / "log.txt").write_text("mine")
    publish(out, "study", ("rules.html",), "rules")
    publish(out, "new")
    expected = dict.fromkeys(FILES, "new") | {"lean/log.txt": "mine", "rules.html": "study"}
    assert seen(out) == expected
    sets = [p.name for p in (out / SETS).iterdir() if p.is_dir() and not p.is_symlink()]
    assert len(sets) == 2


def test_plain_files_of_the_same_names_are_replaced(tmp_path: Path) -> None:
    write(tmp_path, "plain")
    publish(tmp_path, "new")
    assert seen(tmp_path) == dict.fromkeys(FILES, "new")


def test_a_folder_can_be_moved(tmp_path: Path) -> None:
    publish(tmp_path / "a", "x")
    (tmp_path / "a").rename(tmp_path / "b")
    assert seen(tmp_path / "b") == dict.fromkeys(FILES, "x")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_set(tmp_path: Path, error: type[BaseException]) -> None:
    publish(tmp_path, "old")

    def fail() -> None:
        with output_set(tmp_path, "run") as stage:
            write(stage, "new")
            raise error

    with pytest.raises(error):
        fail()
    assert seen(tmp_path) == dict.fromkeys(FILES, "old")
    assert len(list((tmp_path / SETS).glob("run-*"))) == 1


@pytest.mark.parametrize("before", ["nothing", "set", "plain"])
def test_a_kill_at_any_step_leaves_the_old_set_or_the_new_one(tmp_path: Path, before: str) -> None:
    """The process dies at the n-th call of any function that changes the folder, for every n."""
    for n in range(200):
        out = tmp_path / f"{n}"
        out.mkdir()
        if before == "set":
            publish(out, "old", (*FILES, "gone.csv"))
        elif before == "plain":
            write(out, "old")
        child = os.fork()
        if child == 0:
            _die_at(n)
            publish(out, "new")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        found = {k: v for k, v in seen(out).items() if k in FILES}
        assert found in (
            {} if before == "nothing" else dict.fromkeys(FILES, "old"),
            dict.fromkeys(FILES, "new"),
        ), f"mixed after step {n}: {found}"
        publish(out, "later")
        assert seen(out) == dict.fromkeys(FILES, "later")
        assert len([p for p in (out / SETS).glob("run-*") if p.is_dir()]) == 1
        if not os.WIFSIGNALED(status):
            assert n > 8
            return
    pytest.fail("the run never came to its end")


def _die_at(n: int) -> None:
    count = 0

    def hook(event: str, _: object) -> None:
        nonlocal count
        if event in ("os.rename", "os.remove", "os.symlink", "os.mkdir", "os.rmdir", "open"):
            count += 1
            if count > n:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def test_a_second_run_refuses_and_a_killed_one_does_not_hold_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from research.output import claimed\n"
        f"with claimed(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"held"
    with pytest.raises(OutputError, match=rf"{tmp_path}: a run is writing.*process {child.pid} "):
        publish(tmp_path, "x")
    assert seen(tmp_path) == {}
    child.kill()
    child.wait()
    child.stdout.close()
    publish(tmp_path, "x")
    assert seen(tmp_path) == dict.fromkeys(FILES, "x")


def test_what_cannot_be_written_is_found_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"file: cannot be written to \(Not a directory\)"):
        publish(tmp_path / "file", "x")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    ran = False
    with (
        pytest.raises(OutputError, match=r"cannot be written to \(Read-only file system\)"),
        output_set(tmp_path, "run"),
    ):
        ran = True
    assert not ran
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    publish(tmp_path, "old", ("result.json",))
    (tmp_path / "daily.csv").mkdir()
    with pytest.raises(OutputError, match=r"daily\.csv: is a folder"):
        publish(tmp_path, "new")
    assert (tmp_path / "result.json").read_text() == "old"


def test_a_full_disk_leaves_the_old_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, "old")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "_sync", full)
    with pytest.raises(OutputError, match=r"cannot be written to \(No space left on device\)"):
        publish(tmp_path, "new")
    assert seen(tmp_path) == dict.fromkeys(FILES, "old")


def test_without_links_files_are_replaced_under_a_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", no_links)
    publish(tmp_path, "old")
    publish(tmp_path, "new")
    assert seen(tmp_path) == dict.fromkeys(FILES, "new")
    assert not (tmp_path / "daily.csv").is_symlink()
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "result.json":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, "newer")
    assert "was ended" in (tmp_path / INCOMPLETE).read_text()


def test_the_claim_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with claimed(tmp_path) as sets:
            assert sets == tmp_path / SETS
