import pytest
from click.testing import CliRunner

from research.cli import main
from tests.research.compliance.test_archive import written


def call(*words):
    return CliRunner().invoke(main, ["compliance", *map(str, words)])


def test_a_chain_that_holds(tmp_path):
    written(tmp_path / "archive.jsonl")
    found = call("--run", tmp_path, "--verify")
    assert found.exit_code == 0
    assert found.output.startswith("6 lines checked")


def test_the_first_line_that_does_not_fit_ends_with_one(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    path.write_text(path.read_text().replace("100000002", "100000003"))
    found = call("--run", tmp_path, "--verify")
    assert found.exit_code == 1
    assert "line 4: the record is not the one that was hashed" in found.output


def test_a_broken_chain_makes_no_pack(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    path.write_text(path.read_text().replace("100000002", "100000003"))
    found = call("--run", tmp_path)
    assert found.exit_code == 2
    assert "line 4" in found.output


def test_a_folder_without_an_archive(tmp_path):
    assert call("--run", tmp_path, "--verify").exit_code == 2


def test_all_files(tmp_path):
    pytest.importorskip("reportlab")
    written(tmp_path / "archive.jsonl")
    found = call("--run", tmp_path)
    assert found.exit_code == 0, found.output
    assert len(found.output.splitlines()) == 5


def test_a_shown_ladder_does_not_end_for_want_of_a_rate(tmp_path):
    written(tmp_path / "archive.jsonl")
    record = '{"line":"decision","day":20000}\n'
    (tmp_path / "decisions.jsonl").write_text(record, encoding="utf-8")
    found = call("--run", tmp_path)
    assert found.exit_code == 2
    assert "give --macro" in " ".join(found.output.split())
