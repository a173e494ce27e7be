"""LEAN is killed while a decision's orders go out, on the stand-in."""

from datetime import date

import pytest

from algorithm.state import sent_keys
from algorithm.state_document import opened
from tests.algorithm.test_lean_algorithm import SESSIONS, chosen, start
from tests.helpers import made_up_dataset
from universe.arrays import to_epoch_day


def test_a_kill_amid_the_sending_costs_no_order():
    """Noted before they are sent: what went out is taken up, what did not is ordered."""
    data = made_up_dataset(SESSIONS, seed=4)
    today, set_up = date(2015, 12, 10), chosen()
    day = to_epoch_day(today)
    killed = start(data, set_up, live=True).run(day - 1)
    before, send = len(killed.tickets), killed.market_order

    def dying(*order):
        if len(killed.tickets) > before:
            raise KeyboardInterrupt
        return send(*order)

    killed.market_order = dying
    with pytest.raises(KeyboardInterrupt):
        killed.step(day)
    written = [opened(killed.object_store[key], frozenset()) for key in sent_keys("trend-carry")]
    noted = max(written, key=lambda body: body["turn"])["sent"]["orders"]
    assert len(killed.tickets) == before + 1 < before + len(noted)
    again = start(data, chosen(), live=True, store=killed.object_store, today=date(2015, 12, 10))
    again.run(day - 1)  # the state knows them
    assert again.tickets == []
    again.tickets, again.cash = killed.tickets[before:], killed.cash
    again.portfolio.update(killed.portfolio)
    first = again.tickets[0]
    again._fill = lambda bars: None
    again.step(day)
    assert "1 order of before the start: taken up" in again.lines
    assert all(ticket.status.name == "SUBMITTED" for ticket in again.tickets)
    told = {(t.symbol.id.symbol, t.symbol.month): t.quantity for t in again.tickets}
    index = {code: at for at, code in enumerate(data.markets)}
    wanted = {tuple(legs[0][:3]) for legs in noted.values()}
    assert {(index[code], month, q) for (code, month), q in told.items()} == wanted
    assert not any("frozen" in line for line in again.lines)
    assert first.tag.startswith(f"order {day}.")
