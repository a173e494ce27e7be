"""What a page says, without the library and the data of its interactive plots."""

from __future__ import annotations

import re

SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)


def without_scripts(page: str) -> str:
    """The page as a reader without scripts has it."""
    return SCRIPT.sub("", page)


def table_rows(page: str, caption: str) -> list[list[str]]:
    """Texts of the cells of the table with that caption."""
    part = page[page.index(f'<caption><span class="cap">{caption}') :]
    rows = re.findall(r"<tr.*?</tr>", part[: part.index("</table>")], re.DOTALL)
    cells = [re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL) for row in rows]
    return [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells]
