"""Conversion rates of LEAN's cash book, each with the day on which it became known.

LEAN fills holes of a currency pair forward, so the rate alone never looks old.
"""

from __future__ import annotations

from datetime import time, timedelta

from AlgorithmImports import QCAlgorithm

from universe.arrays import to_epoch_day


class ConversionRates:
    """Account-currency value of one unit of a currency.

    Parameters
    ----------
    algorithm : QCAlgorithm
    decision : datetime.time
        Of the day's decision: a bar that ends later is of the next session.
    """

    def __init__(self, algorithm: QCAlgorithm, decision: time) -> None:
        self._algorithm = algorithm
        self._to_midnight = timedelta(days=1) - timedelta(
            hours=decision.hour, minutes=decision.minute
        )
        self._known_on: dict[str, int] = {}

    def of(self, currency: str) -> tuple[float, int]:
        """Rate, NaN while LEAN has none, and the day of its last bar that is no filled one."""
        today = to_epoch_day(self._algorithm.time.date())
        if currency == self._algorithm.account_currency:
            return 1.0, today
        cash = self._algorithm.portfolio.cash_book[currency]
        conversion = cash.currency_conversion
        for security in conversion.conversion_rate_securities if conversion is not None else ():
            last = security.get_last_data()
            if last is not None and not last.is_fill_forward:
                session = (last.end_time + self._to_midnight).date()
                self._known_on[currency] = to_epoch_day(session)
        rate = float(cash.conversion_rate)
        return (rate if rate > 0 else float("nan")), self._known_on.get(currency, today)
