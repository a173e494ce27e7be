"""A run that fills its positions with full-size and small contracts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from algorithm.decision_line import DecisionLine
from algorithm.decision_text import Reader
from portfolio.contract_sizes import fill
from research.data.second_sizes import with_second_sizes
from research.engine.engine import EmbeddedEngine
from research.engine.from_decisions import result_from
from research.engine.redecide import read_lines, redecide
from tests.helpers import made_up_dataset, made_up_instruments, settings
from universe.master import MASTER

CASH = 400_000.0


@pytest.fixture(scope="module")
def market():
    """Markets of which one is called as a market of the master with a small contract."""
    first, *others = (one for one in made_up_instruments() if one.currency == "USD")
    named = replace(first, code="ES", multiplier=MASTER["ES"].multiplier)
    return made_up_dataset(260, markets=[named, *others])


@pytest.fixture(scope="module")
def run(market):
    """The engine after the run, its result, and the lines it wrote."""
    lines: list[str] = []
    chosen = settings(cash=CASH, contract_sizes=True, min_position=0.0)
    engine = EmbeddedEngine(market, chosen, lines.append)
    return engine, engine.run(), lines


def decisions(lines):
    reader = Reader()
    return [line for line in map(reader.read, lines) if isinstance(line, DecisionLine)]


def test_lines_are_the_markets_and_their_small_contracts(run):
    engine, result, lines = run
    header = json.loads(lines[0])
    assert [second[3] for second in header["seconds"]] == ["MES"]
    assert engine.ledger._instruments[-1] is MASTER["MES"]
    assert result.markets == [instrument.code for instrument in engine.strategy.instruments]


def test_the_record_tells_the_same_result(run):
    _, own, lines = run
    read = result_from(lines)
    for name in ("nav", "contracts", "pnl", "cost", "roll_cost", "closing_fees"):
        np.testing.assert_allclose(getattr(read, name), getattr(own, name), rtol=1e-9, atol=1e-6)
    for name, part in own.sleeve_pnl.items():
        np.testing.assert_allclose(read.sleeve_pnl[name], part, rtol=1e-9, atol=1e-4)


def test_money_adds_up(run):
    _, result, _ = run
    change = (result.pnl - result.cost).sum(axis=1)[1:] - np.diff(result.closing_fees)
    if result.sweep_cost is not None:
        change = change - result.sweep_cost[1:]
    np.testing.assert_allclose(np.diff(result.nav), change, rtol=0, atol=1e-6 * CASH)


def test_both_sizes_are_ordered_and_add_up_to_the_position(run):
    engine, result, lines = run
    ratio, seen = engine.strategy.lines.units[0], set()
    second = engine.strategy.lines.seconds[0]
    for line in decisions(lines):
        wanted = {(code, month): n for code, month, n in line.targets}
        full = sum(n for (code, _), n in wanted.items() if code == "ES")
        small = sum(n for (code, _), n in wanted.items() if code == "MES")
        assert full * ratio + small == line.contracts[0]
        months = {month for code, month in wanted if code in ("ES", "MES")}
        if len(months) == 1:
            month = months.pop()
            at = engine.strategy.lines.index["MES"]
            held = [line.holdings.get((of, month), 0) for of in (0, at)]
            assert (full, small) == fill(int(line.contracts[0]), *held, second.sizes)
        seen |= {code for code, *_ in line.orders}
    assert {"ES", "MES"} & seen
    assert "MES" in seen
    of_market = [fill for fill in result.fills if fill.market == "ES"]
    assert of_market
    assert not [fill for fill in result.fills if fill.market == "MES"]  # tables count one market


def test_deciding_again_from_the_record(run, market):
    _, _, lines = run
    header, recorded = read_lines(lines)
    again = redecide(header, recorded, market)
    assert again.sessions == len(recorded)
    assert again.mismatches == []


def test_the_data_of_both_sizes_make_one_position(run, market):
    engine, result, _ = run
    more = with_second_sizes(market)
    assert list(more.markets)[-1] == "MES"
    again = EmbeddedEngine(more, engine.settings)
    assert again.strategy.lines.codes == engine.strategy.lines.codes
    np.testing.assert_array_equal(again.run().nav, result.nav)
