"""Never twice, never the wrong way, whatever comes back in whatever order."""

import json
import random

import pytest

from execution.blotter import Blotter, Child, Event, Parent


def bought(quantity=10):
    blotter = Blotter()
    return blotter, blotter.add(20_000, 3, 202003, quantity)


def test_ids_are_the_same_every_time():
    blotter, parent = bought()
    assert parent == "20000.3.202003"
    assert blotter.add(20_000, 3, 202003, 10) == parent
    assert blotter.send(parent, 4) == (f"{parent}.0", 4)
    assert blotter.send(parent, 40) == (f"{parent}.1", 6)
    assert blotter.send(parent, 1) == ("", 0)
    assert blotter.send(parent, -1) == ("", 0)
    with pytest.raises(ValueError, match="has 10 contracts already"):
        blotter.add(20_000, 3, 202003, 11)
    with pytest.raises(ValueError, match=r"2\.5 contracts"):
        blotter.add(20_000, 3, 202006, 2.5)
    with pytest.raises(ValueError, match="'filed'"):
        blotter.apply(Event("filed", "x"))


def test_a_fill_that_arrives_twice_counts_once():
    blotter, parent = bought(-10)
    child, _ = blotter.send(parent, -4)
    for _ in range(2):
        blotter.apply(Event("fill", child, "a", 3))
    assert blotter.parents[parent].filled == -3
    assert blotter.parents[parent].committed == -4


def test_a_cancel_that_overtakes_a_fill_keeps_its_room():
    """Cancelled with 3 filled, of which one has not been heard of yet: no more than 7 are free."""
    blotter, parent = bought()
    child, _ = blotter.send(parent, 10)
    blotter.apply(Event("fill", child, "a", 2))
    blotter.apply(Event("cancelled", child, quantity=3))
    assert blotter.send(parent, 10)[1] == 7
    blotter.apply(Event("fill", child, "b", 1))
    assert blotter.parents[parent].committed == 10


def test_a_rejection_freezes_the_market_but_for_what_an_expiry_forces():
    blotter, parent = bought()
    other = blotter.add(20_000, 4, 202003, 5)
    child, _ = blotter.send(parent, 4)
    blotter.apply(Event("rejected", child, reason="no permission"))
    assert blotter.frozen == {3: f"{child} was rejected: no permission"}
    assert blotter.send(parent, 10) == ("", 0)
    assert blotter.send(parent, 10, forced=True)[1] == 10
    assert blotter.send(other, 5)[1] == 5


def test_an_event_of_an_unknown_order_changes_nothing():
    blotter, _ = bought()
    before = blotter.to_state()
    for name in ("7", "20000.3.202003.5", "1.2.3.4"):
        blotter.apply(Event("fill", name, "a", 3))
    assert blotter.to_state() == before
    assert len(blotter.unknown) == 3


def test_a_broker_that_holds_something_else_freezes_that_market():
    blotter, _ = bought()
    blotter.compare({(3, 202003): 4, (5, 202003): 1}, {(3, 202003): 5, (5, 202003): 1})
    assert blotter.frozen == {3: "the broker holds 4 of 202003, not 5"}


class Broker:
    """Fills, refuses and cancels as it likes, and is heard of late, twice and out of order."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.quantity = self.dice.choice([-1, 1]) * self.dice.randint(1, 30)
        self.blotter = Blotter()
        self.parent = self.blotter.add(1, 0, 202003, self.quantity)
        self.there: dict[str, list[int]] = {}  # contracts asked for, filled
        self.gone: set[str] = set()
        self.waiting: list[Event] = []
        self.heard: list[Event] = []
        self.fills = 0

    @property
    def held(self) -> int:
        return sum(done for _, done in self.there.values())

    def send(self) -> None:
        side = 1 if self.quantity > 0 else -1
        child, size = self.blotter.send(self.parent, side * self.dice.randint(-3, 9))
        if child and self.dice.random() < 0.9:  # else it is lost on its way
            self.there[child] = [abs(size), 0]
            self.waiting.append(Event("ack", child))

    def fill(self) -> None:
        for child in self.chosen():
            asked, done = self.there[child]
            if done < asked:
                size = self.dice.randint(1, asked - done)
                self.there[child][1] += size
                self.fills += 1
                self.waiting.append(Event("fill", child, str(self.fills), size))

    def end(self) -> None:
        for child in self.chosen():
            self.gone.add(child)
            done = self.there[child][1]
            kind = "rejected" if not done and self.dice.random() < 0.1 else "cancelled"
            self.waiting.append(Event(kind, child, quantity=done))

    def chosen(self) -> list[str]:
        living = sorted(self.there.keys() - self.gone)
        return [self.dice.choice(living)] if living else []

    def restart(self) -> None:
        self.blotter = Blotter.from_state(json.loads(json.dumps(self.blotter.to_state())))
        self.blotter.settle([*self.there])

    def stray(self) -> None:
        self.blotter.apply(Event("fill", f"9.9.9.{self.dice.randint(0, 9)}", "x", 5))

    def tell(self) -> None:
        while self.waiting and self.dice.random() < 0.6:
            event = self.waiting.pop(self.dice.randrange(len(self.waiting)))
            self.heard += [event] * self.dice.choice([1, 1, 2])
            for _ in range(self.heard.count(event)):
                self.blotter.apply(event)


def interleaved(seed: int) -> None:
    broker = Broker(seed)
    acts = (broker.send, broker.fill, broker.end, broker.restart, broker.stray)
    for _ in range(broker.dice.randint(5, 40)):
        broker.dice.choices(acts, [35, 35, 10, 10, 10])[0]()
        broker.tell()
        whole = broker.blotter.parents[broker.parent]
        assert broker.held <= abs(broker.quantity)  # what the broker did
        assert abs(whole.committed) <= abs(broker.quantity)
        assert 0 <= whole.sign * whole.filled <= broker.held <= abs(whole.committed)
    for event in broker.waiting:
        broker.blotter.apply(event)
    whole = broker.blotter.parents[broker.parent]
    assert whole.sign * whole.filled == broker.held
    again = told_otherwise(broker, whole)
    for name in broker.there:
        assert again.parents[broker.parent].children[name] == whole.children[name]
    assert again.frozen == broker.blotter.frozen


def told_otherwise(broker: Broker, whole: Parent) -> Blotter:
    """The same events in another order, some twice."""
    again = Blotter()
    again.add(1, 0, 202003, broker.quantity)
    again.parents[broker.parent].children = {
        name: Child(child.quantity) for name, child in whole.children.items()
    }
    events = [*broker.heard, *broker.waiting, *broker.heard[:3]]
    broker.dice.shuffle(events)
    for event in events:
        again.apply(event)
    return again


def test_some_interleavings():
    for seed in range(300):
        interleaved(seed)


@pytest.mark.slow
def test_many_interleavings():
    for seed in range(1_000, 11_000):
        interleaved(seed)
