"""Progress bars of a command, one per stage, on the terminal only."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_FEWEST = 20
"""Steps of a stage from which on the time of those done tells that of the others."""


class _Count(MofNCompleteColumn):
    """Steps done and in all, nothing where they cannot be counted."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total is not None or task.completed else Text("")


class _Eta(TimeRemainingColumn):
    """Time to the end of the stage, nothing for one that has ended or has too few steps to tell."""

    def render(self, task: Task) -> Text:
        if task.finished or task.total is None or task.total < _FEWEST:
            return Text("")
        return Text("ETA ").append_text(super().render(task))


class Bars:
    """Context manager of the bars; they go to standard error and leave no trace elsewhere.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to draw, by default standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=30),
            _Count(),
            TimeElapsedColumn(),
            _Eta(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console or Console(stderr=True),
        )
        self._progress.disable = not self._progress.console.is_terminal
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        self._progress.stop()

    def wait(self, name: str) -> None:
        """Show that something is under way whose parts cannot be counted."""
        self.finish()
        self._task = self._progress.add_task(name, total=None, detail="")

    def stage(self, name: str) -> Callable[[int, int], None]:
        """Begin a stage; returns its (done, total) callback."""
        report = self.market_stage(name)
        return lambda done, total: report(done, total, "")

    def market_stage(self, name: str) -> Callable[[int, int, str], None]:
        """Begin a stage; returns its (done, total, what) callback."""
        self.wait(name)
        task = self._task
        assert task is not None

        def report(done: int, total: int, what: str) -> None:
            self._progress.update(task, completed=done, total=total, detail=what)

        return report

    def log(self, name: str) -> Callable[[str], None]:
        """Begin a stage without a known end; returns a callback that shows a log's last line."""
        self.wait(name)
        task = self._task
        assert task is not None

        def report(line: str) -> None:
            if line.strip():
                self._progress.update(task, advance=1, detail=line.strip()[:60])

        return report

    def finish(self) -> None:
        """Fill the present stage's bar."""
        if self._task is not None:
            task = next(task for task in self._progress.tasks if task.id == self._task)
            total = task.total if task.total is not None else max(task.completed, 1)
            self._progress.update(self._task, completed=total, total=total, detail="")
            self._task = None
