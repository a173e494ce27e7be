"""Documents in a store that a kill may leave half written, or not written at all."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.lean_store import TURN, InTurns, write
from algorithm.state_document import StateError

KEYS = ("fund/orders.json", "fund/orders-2.json")
WANTED = frozenset({"work"})


class KilledError(Exception):
    """Comes out of ``write`` as a reason."""


class Disk:
    """LEAN's local store: what is saved waits in memory until a path is asked for."""

    def __init__(self, files=None, dies_after=None):
        self.files = {} if files is None else files
        self.waiting, self.left = {}, dies_after
        self.kept: object = True

    def save(self, key, text):
        self.waiting[key] = text
        return self.kept

    save_bytes = save

    def get_file_path(self, key):
        for name, text in self.waiting.items():
            if self.left == 0:
                self.files[name] = text[: len(text) // 2]
                raise KilledError
            self.files[name] = text
            self.left = None if self.left is None else self.left - 1
        self.waiting = {}
        return key

    def contains_key(self, key):
        return key in self.files

    def read(self, key):
        return self.files[key]


def place(disk):
    return InTurns(SimpleNamespace(object_store=disk, live_mode=True), KEYS)


@given(before=st.integers(0, 5), lives=st.lists(st.integers(0, 4), max_size=4))
def test_after_any_kill_the_last_whole_document_is_read(before, lives):
    """The one that was written before the process died amid the next."""
    files: dict[str, str] = {}
    number = 0
    first = place(Disk(files))
    for _ in range(before):
        number += 1
        assert first.write({"work": number}) == ""
    for writes in lives:
        again = place(Disk(files, dies_after=writes))
        if number:
            assert again.read(WANTED)["work"] == number
        for _ in range(writes):
            number += 1
            assert again.write({"work": number}) == ""
        assert again.write({"work": number + 1}) == "KilledError"  # amid this one
        if number:
            assert place(Disk(files)).read(WANTED)["work"] == number


def test_live_a_text_is_on_the_disk_when_it_is_written():
    disk = Disk()
    assert write(SimpleNamespace(object_store=disk, live_mode=True), "a", "b") == ""
    assert disk.files == {"a": "b"}
    assert write(SimpleNamespace(object_store=disk, live_mode=False), "c", "d") == ""
    assert disk.files == {"a": "b"}


def test_a_store_that_refuses_is_told():
    disk = Disk()
    disk.kept = False
    assert write(SimpleNamespace(object_store=disk, live_mode=True), "a", "b") == (
        "the store refused it"
    )


def test_nothing_and_nothing_whole_are_told_apart():
    assert place(Disk()).read(WANTED) is None
    with pytest.raises(StateError):
        place(Disk({KEYS[0]: "{"})).read(WANTED)
    disk = Disk({KEYS[0]: "{"})
    place(disk).write({"work": 1, "other": 2})
    assert place(disk).read(WANTED) == {"work": 1, "other": 2, TURN: 0}
