import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from research.data.array_file import Cache, CacheWarning

ROOT = Path(__file__).resolve().parents[3]
LAYOUT = {"a": (np.float64, (5, 3)), "b": (np.bool_, (7,)), "none": (np.int64, (0, 2))}


def write(cache, key="one", fill=1.5):
    writer = cache.writer(key, LAYOUT)
    writer.arrays["a"][...] = fill
    writer.arrays["b"][::2] = True
    return writer.commit({"days": [1, 2], "nan": float("nan")})


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "kept")


def test_an_entry_comes_back_to_the_last_bit_and_cannot_be_changed(cache):
    writer = cache.writer("one", LAYOUT)
    values = np.random.default_rng(1).standard_normal((5, 3))
    writer.arrays["a"][...] = values
    assert cache.read("one") is None
    entry = writer.commit({"days": [1, 2]})
    assert entry is not None
    np.testing.assert_array_equal(cache.read("one").arrays["a"], values)
    assert cache.read("one").arrays["none"].shape == (0, 2)
    assert cache.read("one").about == {"days": [1, 2]}
    with pytest.raises(ValueError, match="read-only"):
        entry.arrays["a"][0, 0] = 1.0


def test_what_is_given_up_leaves_nothing(cache):
    writer = cache.writer("one", LAYOUT)
    writer.discard()
    assert cache.read("one") is None
    assert list(cache.folder.iterdir()) == []


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def empty(path):
    path.write_bytes(b"")


def flipped(path):
    content = bytearray(path.read_bytes())
    content[70] ^= 1
    path.write_bytes(bytes(content))


def unfinished(path):
    content = path.read_bytes()
    path.write_bytes(bytes(24) + content[24:])


def foreign(path):
    path.write_bytes(b"day,close\n" * 50)


@pytest.mark.parametrize("damage", [cut, empty, flipped, unfinished, foreign])
def test_a_damaged_entry_is_named_left_out_and_written_anew(cache, damage):
    write(cache)
    damage(cache.path("one"))
    with pytest.warns(CacheWarning, match="one.arrays: is damaged"):
        assert cache.read("one") is None
    write(cache, fill=2.5)
    assert cache.read("one").arrays["a"][0, 0] == 2.5


def test_what_was_mapped_before_stays_when_it_is_written_anew(cache):
    old = write(cache)
    write(cache, fill=2.5)
    assert old.arrays["a"][0, 0] == 1.5
    assert cache.read("one").arrays["a"][0, 0] == 2.5


def test_a_folder_that_takes_nothing_is_told(tmp_path):
    (tmp_path / "kept").write_text("a file")
    with pytest.warns(CacheWarning, match="nothing can be kept there"):
        assert Cache(tmp_path / "kept").writer("one", LAYOUT) is None


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    size = write(Cache(tmp_path)) and Cache(tmp_path).path("one").stat().st_size
    cache = Cache(tmp_path, limit=2 * size)
    write(cache, "two")
    for k, name in enumerate(("one", "two")):
        os.utime(cache.path(name), ns=(k, k))
    cache.read("one")
    write(cache, "three")
    assert cache.read("two") is None
    assert cache.read("one") is not None
    assert cache.read("three") is not None


def test_another_process_reads_the_same(cache):
    entry = write(cache)
    code = (
        "import sys; from pathlib import Path; from research.data.array_file import Cache;"
        "print(float(Cache(Path(sys.argv[1])).read('one').arrays['a'].sum()))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, cache.folder], cwd=ROOT, capture_output=True, check=True
    )
    assert float(out.stdout) == entry.arrays["a"].sum()


def test_reading_says_nothing_of_a_sound_entry(cache):
    write(cache)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache.read("one") is not None
        assert cache.read("another") is None
