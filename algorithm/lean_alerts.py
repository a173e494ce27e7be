"""Alerts of limits and kill switch, each once: to LEAN's log and to its notify (R4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from algorithm.decision import Decision
from algorithm.settings import Settings
from risk.limits import Reading, Readings
from risk.switch_stage import SwitchStage
from universe.arrays import from_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm


class Alerts:
    """Tells of every change of a limit's status; what lasts is in the record of the run.

    Parameters
    ----------
    algorithm : QCAlgorithm
    settings : Settings
    """

    def __init__(self, algorithm: QCAlgorithm, settings: Settings) -> None:
        self._algorithm, self._settings = algorithm, settings

    def decided(self, decision: Decision) -> None:
        """Alerts of a decision."""
        said = [text for verdict in decision.verdicts for text in alerts_of(verdict.readings)]
        switch = [v for v in decision.verdicts if v.name == SwitchStage.NAME]
        said += [f"{v.name}: {step}" for v in switch for step in v.steps]
        self.tell(decision.day, said)

    def tell(self, day: int, said: Sequence[str]) -> None:
        """Say it in the log and, live, send it to whom the settings name."""
        if not said:
            return
        for sentence in said:
            self._algorithm.log(f"alert: {sentence}")
        if not self._algorithm.live_mode:
            return
        title = f"{self._settings.deployment} {from_epoch_day(day)}: {said[0]}"
        try:
            notify, text = self._algorithm.notify, "\n".join(said)
            if self._settings.alert_mail:
                notify.email(self._settings.alert_mail, title, text)
            if self._settings.alert_hook:
                notify.web(self._settings.alert_hook, text)
        except Exception as error:  # an alert that cannot be sent stops nothing
            self._algorithm.error(f"alert not sent: {error}")


def alerts_of(readings: Sequence[Reading]) -> list[str]:
    """Sentences on the limits whose status has changed since they were last measured."""
    changed = readings.news if isinstance(readings, Readings) else readings
    return [reading.sentence() for reading in changed if reading.is_news]
