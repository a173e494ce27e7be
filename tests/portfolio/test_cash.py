"""Interest and sweeps against accounts kept by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import AlgorithmImports as Lean
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.lean_cash import LeanCash
from portfolio.cash import CashSettings, Interest, Settlement, Sweep, Treasury
from portfolio.collateral import discount_rate
from portfolio.contract_sizes import Lines
from portfolio.conversion import IDEALPRO, conversion_orders
from risk.account import Remedy
from risk.kill_switch import Mode
from universe.setting import SettingsError

NAN = float("nan")
amounts = st.floats(-1e7, 1e7)


def treasury(**changes: Any) -> Treasury:
    return Treasury(CashSettings(**changes))


class TestInterest:
    def test_days_between_sessions_earn_the_rate_known_at_the_first(self) -> None:
        """1 m at 5 % over a weekend: 1,000,000 x 0.05 x 3 / 365 = 410.96."""
        made = treasury()
        first = made.settle(100, 197004, {"USD": 1e6}, {"USD": 1.0}, 0.05)
        assert first.interest == 0.0
        second = made.settle(103, 197004, {"USD": 1e6}, {"USD": 1.0}, 0.99)
        assert second.interest == pytest.approx(410.96, abs=0.005)
        assert second.balances == {"USD": pytest.approx(1e6 + 410.96, abs=0.005)}

    def test_a_year_of_days_is_the_rate(self) -> None:
        made, balance = treasury(), 1e6
        for day in range(366):
            settled = made.settle(day + 1, 197001, {"USD": balance}, {}, 0.03)
            balance = settled.balances["USD"]
        assert balance == pytest.approx(1e6 * (1 + 0.03 / 365) ** 365)

    def test_an_unknown_rate_and_the_setting_none_earn_nothing(self) -> None:
        for made, bill in ((treasury(), NAN), (treasury(interest=Interest.NONE), 0.05)):
            made.settle(100, 197004, {"USD": 1e6}, {}, bill)
            assert made.settle(101, 197004, {"USD": 1e6}, {}, bill).interest == 0.0

    def test_foreign_debt_earns_nothing_and_foreign_cash_neither(self) -> None:
        made = treasury(sweep=Sweep.NEVER)
        made.settle(100, 197004, {"USD": 1.5e6, "EUR": -5e5}, {"EUR": 1.0}, 0.05)
        assert made.base == 1e6
        made.settle(101, 197004, {"USD": 4e5, "EUR": 6e5}, {"EUR": 1.0}, 0.05)
        assert made.base == pytest.approx(4e5 + 1e6 * 0.05 / 365)


class TestSweep:
    def test_a_balance_at_the_threshold_is_changed_at_its_cost(self) -> None:
        """20,000 EUR at 1.25 are 25,000 of 1,025,000; a basis point of them is 2.50."""
        made = treasury(interest=Interest.NONE, sweep_threshold=0.01, sweep_cost=1e-4)
        rates = {"EUR": 1.25, "GBP": 2.0}
        settled = made.settle(1, 1, {"USD": 1e6, "EUR": 2e4, "GBP": 500.0}, rates, NAN)
        assert settled.changed == {"EUR": 2e4}
        assert settled.cost == pytest.approx(2.5)
        assert settled.proceeds == pytest.approx(24_997.5)
        assert settled.balances == {"USD": pytest.approx(1_024_997.5), "EUR": 0.0, "GBP": 500.0}

    def test_debt_is_bought_back(self) -> None:
        made = treasury(sweep_cost=1e-4)
        settled = made.settle(1, 1, {"USD": 1e6, "EUR": -2e4}, {"EUR": 1.25}, NAN)
        assert settled.proceeds == pytest.approx(-25_002.5)
        assert settled.balances["USD"] == pytest.approx(974_997.5)

    def test_monthly_changes_all_in_the_first_session_of_a_month(self) -> None:
        made = treasury(sweep=Sweep.MONTHLY)
        account = {"USD": 1e6, "EUR": 10.0, "JPY": 3e8}
        rates = {"EUR": 1.25, "JPY": 0.01}
        assert not made.settle(1, 200001, account, rates, NAN).changed, "the run's first session"
        assert not made.settle(2, 200001, account, rates, NAN).changed
        assert made.settle(3, 200002, account, rates, NAN).changed == {"EUR": 10.0, "JPY": 3e8}
        assert not made.settle(4, 200002, account, rates, NAN).changed

    def test_without_a_rate_a_balance_stays(self) -> None:
        made = treasury(sweep_threshold=0.0)
        settled = made.settle(1, 1, {"USD": 1e6, "EUR": 5e5, "GBP": 1.0}, {"EUR": NAN}, NAN)
        assert settled.changed == {}
        assert settled.balances == {"USD": 1e6, "EUR": 5e5, "GBP": 1.0}

    @given(amounts, amounts, amounts, st.sampled_from(Sweep), st.floats(0, 0.5))
    def test_only_the_cost_leaves_the_account(
        self, usd: float, eur: float, gbp: float, sweep: Sweep, threshold: float
    ) -> None:
        made = treasury(sweep=sweep, sweep_threshold=threshold)
        rates = {"USD": 1.0, "EUR": 1.25, "GBP": 1.5}
        made.settle(1, 1, {"USD": usd}, rates, 0.02)
        before = {"USD": usd, "EUR": eur, "GBP": gbp}
        settled = made.settle(2, 2, before, rates, 0.02)
        worth, after = (
            sum(amount * rates[name] for name, amount in account.items())
            for account in (before, settled.balances)
        )
        assert after == pytest.approx(worth + settled.interest - settled.cost, abs=1e-6)
        left = [abs(settled.balances[name] * rates[name]) for name in ("EUR", "GBP")]
        if sweep == Sweep.THRESHOLD:
            total = abs(worth + settled.interest)
            assert max(left) <= threshold * total + 1e-6


class TestLadder:
    def test_two_terms_by_hand(self) -> None:
        """1 m at a yield of 4 %: 20,000 stay at hand, the rest is in two bills of one face."""
        made = treasury(interest=Interest.LADDER, ladder_terms="28 91", fund_cost=0.01)
        rate = discount_rate(0.04)
        first = made.settle(100, 1, {"USD": 1e6}, {}, 0.04).collateral
        assert first is not None
        price = [1 - rate * days / 360 for days in (28, 91)]
        face = 980_000 // sum(price) // 1000 * 1000
        assert first.bills == pytest.approx(face * sum(price))
        assert first.cash == pytest.approx(1e6 - first.bills)
        later = made.settle(107, 1, {"USD": 1e6}, {}, 0.04)
        gain = face * 2 * rate * 7 / 360 + first.cash * 0.03 * 7 / 365
        assert later.interest == pytest.approx(gain)
        assert later.balances["USD"] == pytest.approx(1e6 + gain)

    def test_a_year_earns_the_yield(self) -> None:
        made, balance = treasury(interest=Interest.LADDER, least_cash=0.0), 1e8
        for day in range(1, 367):
            balance = made.settle(day, 1, {"USD": balance}, {}, 0.05).balances["USD"]
        assert balance / 1e8 - 1 == pytest.approx(0.0508, abs=2e-4)

    def test_what_is_planned_for_is_kept_at_hand(self) -> None:
        """0.2 of margin, raised by half, is covered by bills; variation and a tenth are cash."""
        made = treasury(interest=Interest.LADDER)
        made.settle(100, 1, {"USD": 1e6}, {}, 0.04)
        made.plan(1e6, 0.2, 0.05)
        found = made.settle(101, 1, {"USD": 1e6}, {}, 0.04).collateral
        assert found is not None
        assert found.wanted == pytest.approx(1.1 * 2 * 0.05 * 1e6)
        assert 0 <= found.cash - found.wanted < 1_000
        assert found.sold > 0
        assert found.short == 0.0
        made.plan(1e6, NAN, NAN)
        assert (made.margin, made.variation) == (pytest.approx(3e5), pytest.approx(1e5))

    def test_a_loss_beyond_the_bills_leaves_debt_and_says_what_is_missing(self) -> None:
        made = treasury(interest=Interest.LADDER)
        made.settle(100, 1, {"USD": 1e6}, {}, 0.04)
        found = made.settle(101, 1, {"USD": -1e5}, {}, 0.04).collateral
        assert found is not None
        assert found.bills == 0.0
        assert found.short == pytest.approx(-found.cash)

    def test_without_a_rate_all_is_at_hand_and_earns_nothing(self) -> None:
        made = treasury(interest=Interest.LADDER)
        for day in (100, 101):
            settled = made.settle(day, 1, {"USD": 1e6}, {}, NAN)
            assert settled.collateral is not None
            assert (settled.collateral.bills, settled.interest) == (0.0, 0.0)

    def test_a_clock_that_steps_back_is_named(self) -> None:
        made = treasury(interest=Interest.LADDER)
        made.settle(100, 1, {"USD": 1e6}, {}, 0.04)
        with pytest.raises(ValueError, match="day is 99, before the ladder's last one, 100"):
            made.settle(99, 1, {"USD": 1e6}, {}, 0.04)

    @pytest.mark.parametrize("terms", ["", "28 x", "91 28", "0 28", "28 400", "28 28"])
    def test_terms_that_make_no_ladder(self, terms: str) -> None:
        with pytest.raises(SettingsError, match="ladder_terms is"):
            CashSettings(ladder_terms=terms)

    @given(st.lists(st.tuples(amounts, st.floats(0, 0.2)), min_size=2, max_size=12))
    def test_nothing_is_lost_and_bills_are_sold_before_cash_is_short(
        self, days: list[tuple[float, float]]
    ) -> None:
        made, balance = treasury(interest=Interest.LADDER), 1e6
        for k, (flow, rate) in enumerate(days):
            settled = made.settle(100 + k, 1, {"USD": balance + flow}, {}, rate)
            found = settled.collateral
            assert found is not None
            assert settled.balances["USD"] == pytest.approx(balance + flow + settled.interest)
            assert found.cash + found.bills == pytest.approx(settled.balances["USD"], abs=1e-3)
            assert found.bills == 0 or found.cash >= found.wanted - 1e-6
            balance = settled.balances["USD"]


class TestLeanCash:
    """LEAN's cash book, which open profit is not in."""

    def test_booked_as_the_account_is_worth(self) -> None:
        book = {"USD": Cash(1e6), "EUR": Cash(-3e3)}
        made = treasury(sweep_threshold=0.01, sweep_cost=0.0)
        seen: dict[str, float] = {}

        def settle(balances: dict[str, float]) -> Settlement:
            seen.update(balances)
            return made.settle(1, 1, balances, {"EUR": 1.25}, NAN)

        instrument = SimpleNamespace(currency="EUR", multiplier=10.0)
        context: Any = SimpleNamespace(
            strategy=SimpleNamespace(settle_cash=settle, lines=Lines([instrument])),
            holdings={(0, 202403): 20},
            symbols={(0, 202403): "FESX"},
            marks=SimpleNamespace(of=lambda key: 4_100.0),
        )
        portfolio = Portfolio(FESX=SimpleNamespace(average_price=4_000.0))
        portfolio.cash_book = book
        algorithm: Any = SimpleNamespace(portfolio=portfolio, live_mode=False)
        settled = LeanCash(algorithm, context).settle()
        assert seen == {"USD": 1e6, "EUR": 17_000.0}  # 20 x 100 x 10 less 3,000
        assert settled.changed == {"EUR": 17_000.0}
        assert book["EUR"].amount == -20_000.0, "what the open position will pay at its end"
        assert book["USD"].amount == pytest.approx(1e6 + 21_250.0)


class TestSweepLive:
    """At a broker: an order in the pair that LEAN has the currency's rate from."""

    def test_what_is_due_is_ordered_after_the_decision(self) -> None:
        desk = Desk({"USD": 1e6, "EUR": 1e5, "JPY": -3e7}, {"EUR": 1.25, "JPY": 0.01})
        desk.evening()
        assert desk.orders == [("EURUSD", -100_000.0), ("USDJPY", -300_000.0)]
        assert desk.book["EUR"].amount == 1e5, "the broker's fill changes it, nothing is booked"

    def test_an_amount_beyond_the_largest_order_goes_in_equal_parts(self) -> None:
        desk = Desk({"USD": 1e9, "EUR": 15e6}, {"EUR": 1.25})
        desk.evening()
        assert desk.orders == [("EURUSD", -5e6)] * 3

    def test_below_the_smallest_order_it_stays_and_is_said_once(self) -> None:
        desk = Desk({"USD": 1e6, "EUR": 19_999.0}, {"EUR": 1.25})
        desk.evening()
        desk.evening()
        assert (desk.orders, len(desk.said)) == ([], 1)
        assert "19,999 EUR stay in it: too little for an order in EURUSD" in desk.said[0]

    def test_an_order_on_its_way_is_not_sent_twice(self) -> None:
        desk = Desk({"USD": 1e6, "EUR": 1e5}, {"EUR": 1.25})
        desk.open = [SimpleNamespace(symbol="EURUSD")]
        desk.evening()
        assert desk.orders == []

    def test_while_the_pair_is_closed_it_waits_for_an_evening(self) -> None:
        desk = Desk({"USD": 1e6, "EUR": 1e5}, {"EUR": 1.25})
        desk.is_open = False
        desk.evening()
        assert desk.orders == []
        desk.is_open = True
        desk.evening()
        assert desk.orders == [("EURUSD", -100_000.0)]

    def test_what_the_broker_refuses_is_not_asked_again(self) -> None:
        desk = Desk({"USD": 1e6, "KRW": 1e9}, {"KRW": 0.001})
        desk.status = Lean.OrderStatus.INVALID
        for _ in range(3):
            desk.evening()
        assert desk.orders == [("USDKRW", 1_000_000.0)]
        assert (
            desk.said[-1] == "cash: 1,000,000,000 KRW stay in it: the broker has refused the order"
        )
        assert len(desk.said) == 2

    def test_a_currency_without_one_pair_stays(self) -> None:
        desk = Desk({"USD": 1e6, "HUF": 1e8}, {"HUF": 0.003})
        desk.pairs["HUF"] = ["EURHUF", "EURUSD"]
        desk.evening()
        assert desk.orders == []
        assert "LEAN has no pair of it with USD" in desk.said[0]

    @pytest.mark.parametrize(
        "change",
        [
            {"is_blind": True},
            {"verdicts": (SimpleNamespace(remedy=Remedy.FREEZE),)},
            {"mode": Mode.FREEZE},
        ],
    )
    def test_nothing_is_ordered_while_nothing_may_be(self, change: dict[str, Any]) -> None:
        desk = Desk({"USD": 1e6, "EUR": 1e5}, {"EUR": 1.25})
        desk.evening(**change)
        assert desk.orders == []

    def test_sizes_are_leans(self) -> None:
        """First currencies of LEAN's pairs with the dollar; others have no size."""
        for first, (least, most) in IDEALPRO.items():
            pair = first + ("JPY" if first == "USD" else "USD")
            other = "JPY" if first == "USD" else first
            rate = 0.01 if first == "USD" else 1.25
            unit = rate if first == "USD" else 1.0
            assert conversion_orders(pair, other, (least - 2) / unit, rate) == []
            orders = conversion_orders(pair, other, (2.5 * most) / unit, rate)
            assert len(orders) == 3
            assert all(least <= abs(order) <= most for order in orders)
        assert conversion_orders("XAUUSD", "XAU", 1e6, 2000.0) == []

    @given(amounts, st.floats(1e-4, 10.0), st.sampled_from(["EURUSD", "USDJPY"]))
    def test_orders_bring_a_balance_to_less_than_the_least(
        self, balance: float, rate: float, pair: str
    ) -> None:
        currency = pair.replace("USD", "")
        orders = conversion_orders(pair, currency, balance, rate)
        asked = -balance if pair.startswith(currency) else balance * rate
        if abs(asked) >= IDEALPRO[pair[:3]][0] + 1:
            assert abs(asked - sum(orders)) <= len(orders)
        elif not orders:
            assert abs(asked) <= IDEALPRO[pair[:3]][0] + 1


class Desk:
    """A live account with pairs, a treasury and what was ordered and said."""

    def __init__(self, cash: dict[str, float], rates: dict[str, float]) -> None:
        self.orders: list[tuple[str, float]] = []
        self.said: list[str] = []
        self.open: list[Any] = []
        self.is_open, self.status = True, Lean.OrderStatus.SUBMITTED
        self.pairs = {
            name: [name + "USD" if name in ("EUR", "GBP") else "USD" + name] for name in rates
        }
        self.book: dict[str, Any] = {name: Cash(amount) for name, amount in cash.items()}
        for name, rate in rates.items():
            self.book[name].conversion_rate = rate
            self.book[name].currency_conversion = Conversion(self, name)
        self.switch = SimpleNamespace(mode=Mode.ARMED)
        made = treasury()
        context: Any = SimpleNamespace(
            strategy=SimpleNamespace(
                settle_cash=lambda balances: made.settle(1, 1, balances, rates, NAN),
                lines=Lines([SimpleNamespace(currency=name, multiplier=10.0) for name in rates]),
                switch=self.switch,
            ),
            holdings={(0, 202403): 20},  # its open profit is the broker's to settle
        )
        portfolio = Portfolio()
        portfolio.cash_book = self.book
        algorithm: Any = SimpleNamespace(
            portfolio=portfolio,
            live_mode=True,
            log=self.said.append,
            market_order=self._order,
            transactions=SimpleNamespace(get_open_order_tickets=lambda: self.open),
        )
        self._cash = LeanCash(algorithm, context)

    def _order(self, symbol: Any, quantity: float, asynchronous: bool, tag: str) -> Any:
        self.orders.append((symbol.value, quantity))
        return SimpleNamespace(symbol=symbol, status=self.status)

    def evening(self, mode: Mode = Mode.ARMED, **changes: Any) -> None:
        self.switch.mode = mode
        assert self._cash.settle() == Settlement()
        self._cash.send(
            cast(Any, SimpleNamespace(**({"is_blind": False, "verdicts": ()} | changes)))
        )


class Conversion:
    """LEAN's way from a currency to the account's."""

    def __init__(self, desk: Desk, currency: str) -> None:
        self._desk, self._currency = desk, currency

    @property
    def conversion_rate_securities(self) -> list[Any]:
        return [
            SimpleNamespace(
                symbol=Lean.Symbol.pair(name),
                type=Lean.SecurityType.FOREX,
                exchange=SimpleNamespace(exchange_open=self._desk.is_open),
                symbol_properties=SimpleNamespace(lot_size=1.0),
            )
            for name in self._desk.pairs[self._currency]
        ]


class Cash:
    def __init__(self, amount: float) -> None:
        self.amount = amount

    def add_amount(self, amount: float) -> None:
        self.amount += amount


class Portfolio(dict[str, Any]):
    cash_book: dict[str, Cash]
