"""LEAN's log, kept."""


class Log:
    lines: list[str] = []  # noqa: RUF012 - one log for all, as in LEAN

    @classmethod
    def error(cls, text: str) -> None:
        cls.lines.append(text)
