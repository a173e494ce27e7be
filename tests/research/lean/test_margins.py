import numpy as np
import pytest

from research.data.errors import DataError
from research.lean.margins import read_margins
from universe.arrays import from_epoch_day
from universe.master import MASTER

BOOK = [MASTER["ES"], MASTER["CL"], MASTER["FESX"]]


def folder(root, **files):
    for code, text in files.items():
        path = root / "future" / MASTER[code].market / "margins" / f"{code}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "future").mkdir(exist_ok=True)
    return root


def test_rows_comments_and_headers(tmp_path):
    text = "# a note\ndate,initial,maintenance\n20120924,3850,3500\n20120326,4375,3500\n"
    dates, notes = read_margins(folder(tmp_path, ES=text), BOOK)
    found = dates["ES"]
    assert [str(from_epoch_day(d)) for d in found.day] == ["2012-03-26", "2012-09-24"]
    assert found.initial.tolist() == [4375, 3850]
    assert found.maintenance.tolist() == [3500, 3500]
    assert notes == [
        "CL has no margin file: its margin follows the model",
        "FESX has no margin file: its margin follows the model",
    ]


def test_a_single_date_is_a_stand_in(tmp_path):
    dates, notes = read_margins(folder(tmp_path, FESX="20000101,3000,3000"), BOOK)
    assert dates == {}
    assert "FESX: one margin without a history is a stand-in and not used" in notes


def test_margins_that_are_not_positive_are_left_out(tmp_path):
    text = "20120101,0,0\n20130101,10,9\n"
    dates, notes = read_margins(folder(tmp_path, CL=text), BOOK)
    assert dates["CL"].initial.tolist() == [10]
    assert "CL 2012-01-01: margins 0 and 0 are not plausible, left out" in notes


def test_slips_of_a_digit_are_left_out_and_a_lasting_rise_is_not(tmp_path):
    rows = [(2500, 2500), (13000, 12500), (3300, 3000), (20350, 1850), (3300, 3000), (22000, 20000)]
    text = "".join(f"201{k}0101,{a},{b}\n" for k, (a, b) in enumerate(rows))
    dates, notes = read_margins(folder(tmp_path, CL=text), BOOK)
    assert dates["CL"].maintenance.tolist() == [2500, 3000, 3000, 20000]
    assert sum("not plausible" in note for note in notes) == 2


@pytest.mark.parametrize("row", ["2012-13-01,1,1", "20120101,1", "20120101,x,1"])
def test_a_row_that_cannot_be_read_is_named(tmp_path, row):
    with pytest.raises(DataError, match=r"CL\.csv, line 2"):
        read_margins(folder(tmp_path, CL=f"20110101,1,1\n{row}\n"), BOOK)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="must be LEAN's data folder"):
        read_margins(tmp_path, BOOK)


@pytest.mark.realdata
def test_leans_own_files(futures_data):
    lean = futures_data.parent / "lean"
    if not lean.is_dir():
        pytest.skip("no LEAN data beside the futures data")
    dates, notes = read_margins(lean, MASTER)
    assert len(dates) > 30
    assert any("FESX" in note for note in notes)
    assert sum("not plausible" in note for note in notes) == 2  # silver in 2011, wheat in 2010
    for found in dates.values():
        ratio = found.initial / found.maintenance
        assert np.all((ratio >= 1.0 - 1e-9) & (ratio < 2.0))
