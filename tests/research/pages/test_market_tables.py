"""docs/markets.md and docs/instruments.md are what their command writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from research.pages.market_tables import columns_text, markets_command, markets_text
from universe.expiry import KNOWN_RULES
from universe.instrument_columns import COLUMNS
from universe.instrument_table import own_instruments
from universe.master import MASTER

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize(
    ("name", "form", "text"),
    [
        ("markets.md", "markdown", markets_text(MASTER)),
        ("instruments.md", "columns", columns_text()),
    ],
)
def test_docs_are_current(name: str, form: str, text: str) -> None:
    assert (DOCS / name).read_text() == text, (
        f"python -m research.pages.market_tables --format {form}"
    )
    assert CliRunner().invoke(markets_command, ["--format", form]).output == text


def test_every_market_column_and_rule_is_there() -> None:
    lines = markets_text(MASTER).splitlines()
    assert sum(line.startswith(f"| {i.code} |") for i in MASTER for line in lines) == len(MASTER)
    text = columns_text()
    assert all(f"| `{name}` |" in text for name in [*(c.name for c in COLUMNS), *KNOWN_RULES])


def test_examples_of_the_page_are_tables() -> None:
    examples = columns_text().split("```")[1::2]
    assert len(examples) == 2
    assert [i.code for text in examples for i in own_instruments(text.strip(), MASTER)] == [
        "ESN",
        "ZC",
        "KE",
    ]


def test_the_master_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("code,like\nESN,ES\n")
    done = CliRunner().invoke(markets_command, ["--format", "csv", "--instruments", str(path)])
    assert [i.code for i in own_instruments(done.output, MASTER)] == [
        *(i.code for i in MASTER),
        "ESN",
    ]
