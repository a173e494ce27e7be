"""The pack as one HTML file without anything from elsewhere (O2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html import escape

from research.compliance.blocks import Block, Figure, Heading, Paragraph, Signature, Table

_NUMBER = re.compile(r"[−-]?[\d,]+(\.\d+)?([eE][+-]?\d+)?( %| m)?( ± [\d,]+(\.\d+)?)?|–")

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:62rem}
body{margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;border-bottom:2px solid #0072b2;margin-top:2.5rem}h2{font-size:1.1rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;width:100%}
th,td{padding:.25rem .6rem;text-align:left;border-bottom:1px solid #d8dce2;vertical-align:top}
.number{text-align:right}td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
th{border-bottom:2px solid #6a737d}figure{margin:1rem 0}img{max-width:100%}
figcaption,.note{color:#6a737d;font-size:.85rem}
.sign{margin-top:3rem;border-top:1px solid #1b1f24;max-width:28rem}
@media print{h1{break-before:page}h1:first-of-type{break-before:auto}}
"""


def to_html(blocks: Sequence[Block], title: str) -> str:
    """A whole page.

    Parameters
    ----------
    blocks : sequence of Block
    title : str
    """
    body = "\n".join(_block(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n{body}\n"
        "</body></html>\n"
    )


def is_number(text: str) -> bool:
    """Whether a cell is set to the right: a number, or the dash for none, but no date or period."""
    return _NUMBER.fullmatch(text) is not None


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Figure(png, caption):
            data = base64.b64encode(png).decode()
            alt = escape(caption)
            return (
                f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">'
                f"<figcaption>{alt}</figcaption></figure>"
            )
        case Signature(role):
            return f'<p class="sign">{escape(role)} · name, date</p>'
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    if not table.rows:
        return f"<p>None.</p>{note}"
    right = [all(is_number(row[k]) for row in table.rows) for k in range(len(table.names))]
    head = "".join(
        f'<th class="number">{escape(name)}</th>' if to_right else f"<th>{escape(name)}</th>"
        for name, to_right in zip(table.names, right, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(cell, to_right) for cell, to_right in zip(row, right, strict=True))
        + "</tr>"
        for row in table.rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>{note}'


def _cell(text: str, to_right: bool) -> str:
    return f'<td class="number">{escape(text)}</td>' if to_right else f"<td>{escape(text)}</td>"
