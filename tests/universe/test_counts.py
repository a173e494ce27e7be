"""Counts read as people say them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from universe.counts import count_text

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("algorithm", "alpha", "execution", "portfolio", "research", "risk", "universe")


@pytest.mark.parametrize(
    ("count", "nouns", "text"),
    [
        (0, ("market",), "0 markets"),
        (1, ("market",), "1 market"),
        (1_234, ("market",), "1,234 markets"),
        (1, ("breach", "breaches"), "1 breach"),
        (2, ("breach", "breaches"), "2 breaches"),
    ],
)
def test_a_count_has_its_noun(count: int, nouns: tuple[str, ...], text: str) -> None:
    assert count_text(count, *nouns) == text


def test_no_message_puts_a_plural_behind_a_length() -> None:
    plural = re.compile(
        r"\{len\([^}]*\)(?::,)?\} (?:markets|doubts|sessions|rows|files|lines|events|contracts)\b"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for match in plural.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found
