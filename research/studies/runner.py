"""Many configurations on one machine's processes or on a Dask cluster, to the same last digit.

One worker is this process. More are a local Dask cluster, an address is a Dask scheduler elsewhere,
whose workers run the same code. Every row is on disk as soon as it is known and in the register of
trials; a study that is started again takes up what is there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from research.data.dataset import Dataset
from research.studies.study_row import (
    StudyError,
    StudyRequest,
    StudyRow,
    code_fingerprint,
    read_row,
    row_file,
    run_one,
    write_row,
)
from research.studies.trials import TrialRegister
from universe.counts import count_text

ROWS = "rows"
"""Folder beside a study's page with a file per configuration."""

ATTEMPTS = 2
"""Times that a configuration is handed out although its worker, or its result, was lost."""

PATIENCE = "20s"
"""How long a scheduler may take to answer."""

OWN_CLUSTER: Mapping[str, Any] = MappingProxyType(
    {
        # many times a second: a twentieth of a core for every worker, and of this process
        "distributed.admin.system-monitor.gil.enabled": False,
        "distributed.admin.system-monitor.interval": "60s",
        "distributed.admin.tick.cycle": "60s",
        "distributed.admin.tick.interval": "1s",
        "distributed.scheduler.active-memory-manager.start": False,
        "distributed.worker.memory.monitor-interval": "5s",
        "distributed.worker.profile.enabled": False,
        # else a worker that dies and is not back after 15 s, or has died again by then, never comes
        "distributed.deploy.lost-worker-timeout": "1000h",
        "distributed.scheduler.no-workers-timeout": "10m",
    }
)
"""How Dask runs a cluster of this machine's own: it takes no figures about itself, which nobody
sees here, and does not give up a worker that starts anew."""

Progress = Callable[[int, int, str], None]
"""Called with (configurations done, in all, what is left to wait)."""

Work = Callable[[StudyRequest, Dataset], StudyRow]
_Failure = tuple[str, BaseException]


@dataclass(frozen=True, slots=True)
class Workers:
    """Where a study runs.

    Attributes
    ----------
    count : int
        Processes on this machine, at least 1; not used with ``cluster``.
    cluster : str, optional
        Address of a Dask scheduler, like tcp://host:8786.

    Raises
    ------
    StudyError
        If there is no worker.
    """

    count: int = 1
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise StudyError(f"workers is {self.count}; it must be at least 1")


def run_study(
    command: str,
    requests: Sequence[StudyRequest],
    dataset: Dataset,
    out: Path,
    *,
    register: TrialRegister,
    workers: Workers | None = None,
    progress: Progress | None = None,
    work: Work = run_one,
) -> list[StudyRow]:
    """Run every configuration that is not on disk yet.

    Parameters
    ----------
    command : str
        For the register.
    requests : sequence of StudyRequest
        With names of their own; two of the same settings are run once.
    dataset : Dataset
    out : path
        Rows go to its folder ``rows``.
    register : TrialRegister
        Takes in every row.
    workers : Workers, optional
        This process unless given.
    progress : callable, optional
    work : callable
        Makes a row; a module's own function, so that other processes find it.

    Returns
    -------
    list of StudyRow
        In the order of the requests.

    Raises
    ------
    StudyError
        If a configuration fails, its worker dies again and again, or the cluster cannot be used.
        What the others gave is kept.
    """
    names = [request.name for request in requests]
    if len(set(names)) < len(names):
        raise StudyError(f"names of configurations are not all different: {', '.join(names)}")
    data = dataset.fingerprint()
    files = {request.name: row_file(out / ROWS, request, data) for request in requests}
    rows: dict[Path, StudyRow] = {}
    for request in requests:
        kept = read_row(files[request.name], request.name)
        if kept is not None:
            rows[files[request.name]] = kept
    register.record(row.trial(command) for row in rows.values())
    missing = {path: request for request in requests if (path := files[request.name]) not in rows}
    clock = _Clock(len(missing), progress)

    def take(row: StudyRow) -> None:
        path = files[row.name]
        write_row(row, path)
        register.record([row.trial(command)])
        rows[path] = row
        clock.tick()

    failures = _run_all(list(missing.values()), dataset, workers or Workers(), take, work)
    if failures:
        told = "; ".join(f"{name}: {_sentence(error)}" for name, error in failures)
        raise StudyError(
            f"{len(failures)} of {count_text(len(requests), 'configuration')} failed: {told}"
        ) from failures[0][1]
    return [rows[files[request.name]].renamed(request.name) for request in requests]


class _Clock:
    """Tells how many configurations are done and how long the rest will take."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._done, self._start = 0, time.monotonic()
        if total:
            self._report("")

    def tick(self) -> None:
        self._done += 1
        left = self._total - self._done
        seconds = (time.monotonic() - self._start) / self._done * left
        self._report(f"{remaining(seconds)} left" if left else "")

    def _report(self, text: str) -> None:
        if self._progress is not None:
            self._progress(self._done, self._total, text)


def remaining(seconds: float) -> str:
    """A duration as people say it: 40 s, 5 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _run_all(
    requests: Sequence[StudyRequest],
    dataset: Dataset,
    workers: Workers,
    take: Callable[[StudyRow], None],
    work: Work,
) -> list[_Failure]:
    """Run the requests, hand every row to ``take``; returns those that failed."""
    if not requests:
        return []
    if workers.cluster is None and workers.count == 1:
        return _run_here(requests, dataset, take, work)
    with _client(workers, len(requests)) as client:
        return _run_on(client, requests, dataset, take, work)


def _run_here(
    requests: Sequence[StudyRequest],
    dataset: Dataset,
    take: Callable[[StudyRow], None],
    work: Work,
) -> list[_Failure]:
    failures: list[_Failure] = []
    for request in requests:
        try:
            row = work(request, dataset)
        except Exception as error:
            failures.append((request.name, error))
        else:
            take(row)
    return failures


@contextlib.contextmanager
def _client(workers: Workers, tasks: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        if workers.cluster is None:
            stack.enter_context(dask.config.set(OWN_CLUSTER))
            address = stack.enter_context(
                LocalCluster(
                    n_workers=min(workers.count, tasks),
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"allowed_failures": 1, "dashboard": False},
                    silence_logs=50,
                )
            )
        else:
            address = workers.cluster
        try:
            client = stack.enter_context(Client(address, timeout=PATIENCE))
        except OSError as error:
            raise StudyError(f"no Dask scheduler answers at {workers.cluster}: {error}") from error
        except ValueError as error:  # no address at all
            raise StudyError(
                f"cluster is {workers.cluster!r}: {error}; it must be like tcp://host:8786"
            ) from error
        _check_code(client, workers)
        yield client


def _check_code(client: Any, workers: Workers) -> None:
    """Every worker must be there and run this very code: another gives other figures."""
    where = workers.cluster or "this machine"
    try:
        found = _asked(client)
    except OSError as error:
        raise StudyError(
            f"a worker of {where} goes away again and again ({_sentence(error)})"
        ) from error
    except Exception as error:
        raise StudyError(
            f"a worker of {where} cannot run this project ({_sentence(error)}); start it in a copy "
            "of the project, with PYTHONPATH naming that folder"
        ) from error
    if not found:
        raise StudyError(f"the Dask scheduler at {where} has no worker")
    others = [name for name, code in found.items() if code != code_fingerprint()]
    if others:
        raise StudyError(
            f"{', '.join(others)}: other code, Python or numpy than here; figures would differ"
        )


def _asked(client: Any) -> dict[str, str]:
    """The code of every worker; asked again where one died over the question."""
    for _ in range(ATTEMPTS - 1):
        try:
            return dict(client.run(code_fingerprint))
        except OSError:
            continue
    return dict(client.run(code_fingerprint))


def _run_on(
    client: Any,
    requests: Sequence[StudyRequest],
    dataset: Dataset,
    take: Callable[[StudyRow], None],
    work: Work,
) -> list[_Failure]:
    """Hand out the requests; again where a worker died with them, or with their result.

    Dask gives up on whatever ran, or waited, on several workers that died. What it gives up on runs
    alone after the others: then it is plain which one kills.
    """
    failures: list[_Failure] = []

    def round_of(some: Sequence[StudyRequest]) -> tuple[list[StudyRequest], list[StudyRequest]]:
        lost, killed, failed = _one_round(client, some, dataset, take, work)
        failures.extend(failed)
        return lost, killed

    waiting, suspects = list(requests), []
    for _ in range(ATTEMPTS):
        waiting, killed = round_of(waiting)
        suspects += killed
        if not waiting:
            break
    for request in [*suspects, *waiting]:
        for _ in range(ATTEMPTS):
            lost, killed = round_of([request])
            if not lost:
                break
        failures += [(one.name, StudyError("its worker dies")) for one in [*lost, *killed]]
    return failures


def _one_round(
    client: Any,
    requests: Sequence[StudyRequest],
    dataset: Dataset,
    take: Callable[[StudyRow], None],
    work: Work,
) -> tuple[list[StudyRequest], list[StudyRequest], list[_Failure]]:
    """Requests whose result was lost, those that Dask gave up on, and those that failed."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    lost: list[StudyRequest] = []
    killed: list[StudyRequest] = []
    failed: list[_Failure] = []
    futures = _hand_out(client, requests, dataset, work)
    for future in as_completed(futures):
        request = futures[future]
        try:
            row = future.result()
        except CancelledError:  # the worker that had the data or the result is gone
            lost.append(request)
        except KilledWorker:
            killed.append(request)
        except Exception as error:
            failed.append((request.name, error))
        else:
            take(row)
    return lost, killed, failed


def _hand_out(
    client: Any, requests: Sequence[StudyRequest], dataset: Dataset, work: Work
) -> dict[Any, StudyRequest]:
    try:
        data = client.scatter(dataset, broadcast=True, hash=False)
    except (OSError, TimeoutError) as error:
        raise StudyError(
            f"the Dask cluster is gone ({_sentence(error)}); start the study again, it goes on "
            "from what is on disk"
        ) from error
    return {client.submit(work, one, data, pure=False): one for one in requests}


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
