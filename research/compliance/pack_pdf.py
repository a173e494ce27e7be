"""The pack as PDF (O2), with page numbers and the archive's hash at the foot of every page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    Image,
    KeepTogether,
    PageBreak,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from research.compliance.blocks import Block, Figure, Heading, Paragraph, Signature, Table
from research.compliance.pack_html import is_number

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
PADDING = 8.0
LEAST = 32 * mm
"""Of room for a heading and what comes under it, or they begin the next page."""
_INK, _GRID, _MUTED = colors.HexColor("#1b1f24"), colors.HexColor("#d8dce2"), colors.grey


def to_pdf(blocks: Sequence[Block], title: str, foot: str) -> bytes:
    """A document on A4.

    Parameters
    ----------
    blocks : sequence of Block
    title : str
    foot : str
        At the foot of every page, beside its number.
    """
    styles = _styles()
    flow: list[Flowable] = []
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1 and flow:
            flow.append(PageBreak())
        flow += _flowables(block, styles)
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN,
        bottomMargin=MARGIN, title=title, invariant=1,
    )  # fmt: skip

    def footer(canvas: Any, _: Any) -> None:
        canvas.saveState()
        canvas.setFont(styles["text"].fontName, 7)
        canvas.setFillColor(_MUTED)
        canvas.drawString(MARGIN, 10 * mm, foot)
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, f"page {canvas.getPageNumber()}")
        canvas.restoreState()

    document.build(flow, onFirstPage=footer, onLaterPages=footer)
    return buffer.getvalue()


def _styles() -> dict[str, ParagraphStyle]:
    plain, bold = _fonts()
    text = ParagraphStyle("text", fontName=plain, fontSize=9, leading=12.5, textColor=_INK)
    return {
        "text": text,
        "1": ParagraphStyle("1", text, fontName=bold, fontSize=15, leading=19, spaceAfter=6),
        "2": ParagraphStyle("2", text, fontName=bold, fontSize=11, leading=14, spaceBefore=8),
        "cell": ParagraphStyle("cell", text, fontSize=7, leading=8.6),
        "name": ParagraphStyle("name", text, fontName=bold, fontSize=7, leading=8.6),
        "number": ParagraphStyle("number", text, fontSize=7, leading=8.6, alignment=TA_RIGHT),
        "name right": ParagraphStyle(
            "name right", text, fontName=bold, fontSize=7, leading=8.6, alignment=TA_RIGHT
        ),
        "note": ParagraphStyle("note", text, fontSize=7.5, leading=9.5, textColor=_MUTED),
    }


def _fonts() -> tuple[str, str]:
    """DejaVu, which matplotlib brings and which has every sign that the tables use."""
    from matplotlib import get_data_path

    for name in ("DejaVuSans", "DejaVuSans-Bold"):
        if name not in pdfmetrics.getRegisteredFontNames():
            path = f"{get_data_path()}/fonts/ttf/{name}.ttf"
            pdfmetrics.registerFont(TTFont(name, path))
    return "DejaVuSans", "DejaVuSans-Bold"


def _flowables(block: Block, styles: dict[str, ParagraphStyle]) -> list[Flowable]:
    match block:
        case Heading(text, level):
            return [CondPageBreak(LEAST), Text(escape(text), styles[str(level)])]
        case Paragraph(text):
            return [Text(escape(text), styles["text"]), Spacer(0, 4)]
        case Figure(png, caption):
            wide, high = ImageReader(io.BytesIO(png)).getSize()
            image = Image(io.BytesIO(png), WIDTH, WIDTH * high / wide)
            return [KeepTogether([image, Text(escape(caption), styles["note"]), Spacer(0, 6)])]
        case Signature(role):
            line = Grid(
                [[""]], [80 * mm], [18 * mm], style=[("LINEBELOW", (0, 0), (0, 0), 0.6, _INK)]
            )
            line.hAlign = "LEFT"
            return [line, Text(f"{escape(role)} · name, date", styles["note"])]
        case Table():
            return _table(block, styles)


def _table(table: Table, styles: dict[str, ParagraphStyle]) -> list[Flowable]:
    note = [Text(escape(table.note), styles["note"])] if table.note else []
    if not table.rows:
        return [Text("None.", styles["text"]), *note, Spacer(0, 6)]
    right = [all(is_number(row[k]) for row in table.rows) for k in range(len(table.names))]
    kinds = ["number" if to_right else "cell" for to_right in right]
    heads = ["name right" if to_right else "name" for to_right in right]
    cells = [
        [Text(escape(name), styles[kind]) for name, kind in zip(table.names, heads, strict=True)]
    ]
    for row in table.rows:
        cells.append(
            [Text(escape(cell), styles[kind]) for cell, kind in zip(row, kinds, strict=True)]
        )
    grid = Grid(
        cells,
        _widths(table, styles["name"]),
        repeatRows=1,
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, _MUTED),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, _GRID),
            ("LEFTPADDING", (0, 0), (-1, -1), PADDING / 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), PADDING / 2),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ],
    )
    return [Spacer(0, 3), grid, *note, Spacer(0, 6)]


def _widths(table: Table, style: ParagraphStyle) -> list[float]:
    """No column narrower than its longest word; what is left goes to those with longer texts."""
    least, wished = [], []
    for k in range(len(table.names)):
        texts = [row[k] for row in (table.names, *table.rows)]
        words = {word for text in texts for word in _unbroken(text).split(" ")}
        least.append(max(_width(word, style) for word in words))
        wished.append(max(_width(text, style) for text in set(texts)))
    spare = max(WIDTH - sum(least), 0.0)
    beyond = [wish - low for wish, low in zip(wished, least, strict=True)]
    asked = sum(beyond)
    share = min(spare / asked, 1.0) if asked > 0 else 0.0
    widths = [low + share * more for low, more in zip(least, beyond, strict=True)]
    return [width * WIDTH / sum(widths) for width in widths]


def _unbroken(text: str) -> str:
    """With the number and its per cent on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _width(text: str, style: ParagraphStyle) -> float:
    return float(pdfmetrics.stringWidth(text, style.fontName, style.fontSize)) + PADDING
