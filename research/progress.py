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
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Bars:
    """Context manager of the bars; they go to standard error and leave no trace elsewhere."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=Console(stderr=True),
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

    def stage(self, name: str) -> Callable[[int, int], None]:
        """Begin a stage; returns its (done, total) callback."""
        report = self.market_stage(name)
        return lambda done, total: report(done, total, "")

    def market_stage(self, name: str) -> Callable[[int, int, str], None]:
        """Begin a stage; returns its (done, total, what) callback."""
        task = self._task = self._progress.add_task(name, total=None, detail="")

        def report(done: int, total: int, what: str) -> None:
            self._progress.update(task, completed=done, total=total, detail=what)

        return report

    def log(self, name: str) -> Callable[[str], None]:
        """Begin a stage without a known end; returns a callback that shows a log's last line."""
        task = self._task = self._progress.add_task(name, total=None, detail="")

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
