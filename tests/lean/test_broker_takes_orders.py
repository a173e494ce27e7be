"""LEAN's own model of Interactive Brokers takes every order type that we send, in every market."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from portfolio.conversion import IDEALPRO
from research.lean.runner import run_lean
from universe.master import MASTER

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.usefixtures("launcher")]

SHARED = Path(__file__).resolve().parents[2].parent / "shared/data"

ALGORITHM = """
import json
from datetime import datetime

from AlgorithmImports import *


class Main(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2014, 1, 6)
        self.set_end_date(2014, 1, 7)
        self.set_benchmark(lambda _: 0)
        self.told, model = {}, InteractiveBrokersBrokerageModel(AccountType.MARGIN)
        terms = InteractiveBrokersOrderProperties()
        terms.outside_regular_trading_hours, terms.account = True, "U1"
        for code, market, price in MARKETS:
            ends = [datetime(2014, month, 14) for month in (3, 6)]
            near, far = [Symbol.create_future(code, market, end) for end in ends]
            group = GroupOrderManager(1, 2, 3)
            security = self.add_future_contract(near, Resolution.DAILY)
            self.add_future_contract(far, Resolution.DAILY)
            now = self.utc_time
            orders = [
                MarketOrder(near, 3, now, "child 1.0.201403.0 twap", terms),
                MarketOrder(near, -3, now, "roll: trend", None),
                LimitOrder(near, 3, price, now, "child 1.0.201403.0 twap", terms),
                ComboMarketOrder(near, -1, now, group, "roll", terms),
                ComboMarketOrder(far, 1, now, group, "roll", None),
            ]
            self.ask(code, model, security, orders)
            tick = security.symbol_properties.minimum_price_variation
            self.told[code + " tick"] = float(tick)
        for pair, least, most in PAIRS:
            security = self.add_forex(pair, Resolution.DAILY, Market.OANDA)
            sizes = (least, -most)
            orders = [MarketOrder(security.symbol, n, self.utc_time, "", None) for n in sizes]
            self.ask(pair, model, security, orders)
        with open(TOLD, "w") as file:
            json.dump(self.told, file)
        self.quit()

    def ask(self, code, model, security, orders):
        for order in orders:
            taken, message = model.can_submit_order(security, order, None)
            if not taken:
                self.told.setdefault(code, []).append(f"{order.type}: {message}")
"""


def test_every_order_type_in_every_market(lean_data, tmp_path):
    markets = [one for one in MASTER if one.lean_listed]
    assert len(markets) > 60
    told = tmp_path / "told.json"
    main = tmp_path / "project/main.py"
    main.parent.mkdir()
    names = {
        "TOLD": str(told),
        "MARKETS": [(one.code, one.market, 100 * one.tick) for one in markets],
        "PAIRS": [("USDJPY" if c == "USD" else f"{c}USD", *IDEALPRO[c]) for c in IDEALPRO],
    }
    head = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    main.write_text(head + ALGORITHM)
    run_lean(main, lean_data, tmp_path / "results", {}, timeout=300)
    answers = json.loads(told.read_text())
    refused = {code: said for code, said in answers.items() if not code.endswith(" tick")}
    assert refused == {}
    rates = {one.code: one.tick for one in markets if one.asset_class in ("bond", "stir")}
    assert {code: answers[f"{code} tick"] for code in rates} == rates
