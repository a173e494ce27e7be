"""The study of the rules against loops, closed forms and hand-made books."""

import csv
import functools
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from algorithm.settings import Settings
from alpha.class_carry import bond_carry
from alpha.columns import volatility_columns
from alpha.rules.tsmom import tsmom_columns
from research.data.dataset import FxHistory
from research.data.errors import DataError
from research.data.macro_series import MacroSeries
from research.measures.bootstrap import interval, resample_counts, sharpe_ratios
from research.measures.performance import sharpe
from research.pages.doc_figures import read_figures
from research.pages.rule_study import print_rules, render_rules, rules_csv, write_rules
from research.panels.forecasts import vectorised_forecasts
from research.panels.markets import MarketPanel, market_panel
from research.studies.bond_comparison import bond_carry_comparison
from research.studies.rule_books import Books, cost_per_unit, trade_books
from research.studies.rule_flips import FLIPS, NO_FLIPS, flip_table
from research.studies.rules import (
    ANCHOR_DATA,
    ANCHORS,
    CALENDAR,
    OVERLAYS,
    RULES,
    RuleStudy,
    anchors_of,
    book_table,
    forecast_sizes,
    rule_study,
)
from tests.helpers import instrument, made_up_dataset, made_up_instruments
from tests.research.page_text import without_scripts
from universe.arrays import sessions_a_year, to_epoch_day
from universe.curves import YieldCurve

ROOT = Path(__file__).resolve().parents[3]
CHOSEN = Settings(vol_long_sessions=150, buffer=0.1, start="2016-06-01", end="2029-12-31")
START, END = date(2010, 1, 1), date(2030, 1, 1)


@functools.cache
def dataset():
    more = [instrument("EQ3")]
    return made_up_dataset(640, 4, [*made_up_instruments(), *more], closed=0.04)


@functools.cache
def panel() -> MarketPanel:
    return market_panel(dataset(), CHOSEN, START, END)


@functools.cache
def inputs():
    """Forecasts of two rules, volatility and costs."""
    every = vectorised_forecasts(panel(), CHOSEN)
    forecasts = {"tsmom": every["tsmom"], "carry": every["carry"]}
    return forecasts, volatility_columns(panel(), CHOSEN), cost_per_unit(dataset())


@functools.cache
def books() -> Books:
    forecasts, sigma, cost = inputs()
    overlay = {"both": {"tsmom": 0.5, "carry": 0.5}}
    return trade_books(panel(), forecasts, sigma, CHOSEN, cost, overlay)


@functools.cache
def study() -> RuleStudy:
    return rule_study(dataset(), CHOSEN, samples=200)


def close_to(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13)


class TestBooks:
    def test_one_market_by_a_loop(self):
        """A class of one market: its ex-ante volatility is its own, no matrix is needed."""
        forecasts, sigma, cost = inputs()
        market = panel().codes.index("FX1")
        held = wanted = 0.0
        roll = False
        for t in range(len(panel().day)):
            change = panel().adjusted[t, market] - panel().adjusted[t - 1, market] if t else 0.0
            gross = held * change if held else 0.0
            paid = 0.0
            if panel().seen[t, market]:
                paid = abs(wanted) + abs(held) if roll else abs(wanted - held)
                held, roll = wanted, False
            roll = roll or panel().rolled[t, market]
            place = (t, 0, books().classes.index("fx"))
            close_to(books().gross[place], gross)
            close_to(books().cost[place], paid * cost[market])
            forecast, vol = forecasts["tsmom"][t, market], sigma[t, market] * np.sqrt(252)
            average = 0.0
            if np.isfinite(forecast * vol) and panel().alive[t, market]:
                average = 0.10 / vol / panel().price[t, market]
                if forecast:
                    average /= max(abs(forecast), 0.25)
                target = forecast * average
            else:
                target = 0.0
            if panel().tradable[t, market]:
                wanted = min(max(held, target - 0.1 * average), target + 0.1 * average)
            elif not panel().alive[t, market]:
                wanted = 0.0
        assert abs(held) > 0

    def test_rolls_are_paid_for_twice(self):
        rolls = books().roll_cost[:, 0, books().classes.index("fx")] > 0
        market = panel().codes.index("FX1")
        after = np.flatnonzero(panel().rolled[:, market])
        seen = np.flatnonzero(panel().seen[:, market])
        fills = [seen[seen > t][0] for t in after if (seen > t).any()]
        trading = np.flatnonzero(books().held[:, 0, books().classes.index("fx")] > 0)[0]
        assert rolls.sum() > 4
        assert set(np.flatnonzero(rolls)) == {t for t in fills if t > trading}

    @pytest.mark.parametrize("row", [330, 431])
    def test_a_decision_earns_from_the_second_session_on(self, row):
        forecasts, sigma, cost = inputs()
        other = {name: one.copy() for name, one in forecasts.items()}
        other["carry"][row] *= -1
        changed = trade_books(panel(), other, sigma, CHOSEN, cost, {})
        gross, mine = books().gross[:, 1, -1], changed.gross[:, 1, -1]
        np.testing.assert_array_equal(mine[: row + 2], gross[: row + 2])
        assert mine[row + 2] != gross[row + 2]

    @pytest.mark.parametrize("rows", [200, 450])
    def test_prefix(self, rows):
        forecasts, sigma, cost = inputs()
        cut = {name: one[:rows] for name, one in forecasts.items()}
        prefix = trade_books(panel().until(rows), cut, sigma[:rows], CHOSEN, cost, {})
        for name in ("gross", "cost", "roll_cost", "traded", "held"):
            np.testing.assert_array_equal(getattr(prefix, name), getattr(books(), name)[:rows, :2])

    def test_a_class_is_what_its_markets_are_alone(self):
        codes = ["EQ1", "EQ2", "EQ3"]
        data = dataset().select(codes)
        alone = market_panel(data, CHOSEN, START, END)
        every = vectorised_forecasts(alone, CHOSEN)
        sigma = volatility_columns(alone, CHOSEN)
        only = {"carry": every["carry"]}
        mine = trade_books(alone, only, sigma, CHOSEN, cost_per_unit(data), {})
        rows = np.isin(panel().day, alone.day)
        equity = books().classes.index("equity")
        close_to(mine.net[:, 0, -1], books().net[rows, 1, equity])
        assert not books().gross[~rows, 1, equity].any()

    def test_volatility_is_near_the_target(self):
        late = books().gross[420:, :, -1]
        vol = late.std(axis=0) * np.sqrt(252)
        assert ((vol > 0.07) & (vol < 0.14)).all()

    def test_costs(self):
        data = dataset()
        euro = replace(data.markets["EQ1"].instrument, fee_currency="EUR")
        markets = {**data.markets, "EQ1": replace(data.markets["EQ1"], instrument=euro)}
        fx = {"EUR": FxHistory("EUR", data.fx["EUR"].day, np.full(640, 1.5))}
        cost = cost_per_unit(replace(data, markets=markets, fx=fx))
        assert cost[0] == pytest.approx(0.01 + 2.0 * 1.5 / 500)
        assert cost[1] == pytest.approx(0.01 + 2.0 / 600)  # both in euros


class TestBootstrap:
    def test_no_resampling_is_the_plain_ratio(self):
        rng = np.random.default_rng(1)
        returns = rng.normal(0.0004, 0.006, (900, 3))
        live = np.ones_like(returns, dtype=bool)
        live[:300, 1] = False
        ours = sharpe_ratios(np.ones((1, 900)), returns, live, 252.0)[0]
        expected = [sharpe(returns[k:, j], 252.0) for k, j in ((0, 0), (300, 1), (0, 2))]
        np.testing.assert_allclose(ours, expected, rtol=1e-10)

    def test_a_resample_is_the_ratio_of_the_drawn_days(self):
        returns = np.random.default_rng(2).normal(0.001, 0.01, (50, 1))
        counts = np.random.default_rng(3).integers(0, 4, (5, 50)).astype(float)
        ours = sharpe_ratios(counts, returns, np.ones((50, 1), dtype=bool), 252.0)[:, 0]
        theirs = [sharpe(np.repeat(returns[:, 0], row.astype(int)), 252.0) for row in counts]
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)

    def test_counts(self):
        counts = resample_counts(500, 40)
        assert counts.shape == (40, 500)
        assert (counts.sum(axis=1) == 500).all()
        np.testing.assert_array_equal(counts, resample_counts(500, 40))
        assert counts.mean(axis=0).std() < 0.3

    def test_interval_of_independent_days_is_lo_2002(self):
        n, ratio = 5000, 0.8
        rng = np.random.default_rng(5)
        returns = rng.standard_normal((n, 1))
        returns = (returns - returns.mean()) / returns.std() + ratio / np.sqrt(252)
        drawn = sharpe_ratios(resample_counts(n, 1500), returns, np.ones((n, 1), dtype=bool), 252.0)
        low, high = interval(drawn, 0.90)
        width = 2 * 1.6449 * np.sqrt(252 / n)
        assert low[0] < ratio < high[0]
        assert high[0] - low[0] == pytest.approx(width, rel=0.2)

    def test_a_series_that_never_moves_has_no_ratio(self):
        counts = resample_counts(200, 20)
        drawn = sharpe_ratios(counts, np.zeros((200, 1)), np.zeros((200, 1), dtype=bool), 252.0)
        assert np.isnan(drawn).all()
        low, high = interval(drawn, 0.9)
        assert np.isnan(low).all()
        assert np.isnan(high).all()


class TestTables:
    def test_a_book_made_by_hand(self):
        shape = (6, 1, 1)
        net = np.array([0.0, 0.10, -0.20, 0.05, 0.10, 0.05]).reshape(shape)
        cost = np.array([0.0, 0.01, 0.0, 0.02, 0.0, 0.0]).reshape(shape)
        book = Books(
            ["carry"],
            ["all"],
            np.arange(6) + 100,
            net + cost,
            cost,
            cost / 4,
            np.array([0.0, 0.1, 0.0, 0.2, 0.0, 0.0]).reshape(shape),
            np.array([0.0, 0.1, 0.1, 0.2, 0.2, 0.2]).reshape(shape),
        )
        sizes = {("carry", "all"): (0.9, 0.1, 7)}
        row = book_table(book, sizes, np.ones((3, 6)), 0.9, ANCHORS).iloc[0]
        returns = np.array([0.10, -0.20, 0.05, 0.10, 0.05])
        year = sessions_a_year(book.day)
        assert row["first"] == 101
        assert row["net_sharpe"] == pytest.approx(sharpe(returns, year))
        assert row["low"] == row["high"] == pytest.approx(row["net_sharpe"])
        assert row["gross_sharpe"] == pytest.approx(
            sharpe(returns + np.array([0.01, 0, 0.02, 0, 0]), year)
        )
        assert row["net_return"] == pytest.approx(0.02 * year)
        assert row["drawdown"] == pytest.approx(0.20)
        assert row["cost"] == pytest.approx(0.006 * year)
        assert row["roll_cost"] == pytest.approx(0.0015 * year)
        assert row["turnover"] == pytest.approx(0.3 / (5 / year) / (2 * 0.16))
        assert row["anchor"] == 1.02
        assert (row["mean_abs_forecast"], row["at_cap"], row["markets"]) == (0.9, 0.1, 7)

    def test_sizes_by_a_loop(self):
        forecast = inputs()[0]["carry"]
        sizes = forecast_sizes(panel(), {"carry": forecast}, 2.0)
        for name in ("equity", "all"):
            values = [
                abs(forecast[t, k])
                for k, one in enumerate(panel().instruments)
                for t in range(len(forecast))
                if panel().seen[t, k] and np.isfinite(forecast[t, k])
                if name in ("all", str(one.asset_class))
            ]
            mean, at_cap, markets = sizes["carry", name]
            assert mean == pytest.approx(np.mean(values))
            assert at_cap == pytest.approx(np.mean(np.array(values) >= 2.0))
            assert markets == (7 if name == "all" else 3)

    def test_flips_by_a_loop(self):
        chosen = replace(CHOSEN, tsmom_flip_threshold=0.1)
        sigma = volatility_columns(panel(), chosen)
        held, _, flipped = tsmom_columns(panel(), chosen, sigma)
        monthly = tsmom_columns(panel(), chosen, sigma, flips=False)[0]
        pair = {FLIPS: held, NO_FLIPS: monthly}
        both = trade_books(panel(), pair, sigma, chosen, inputs()[2], {}).since(300)
        counts = resample_counts(len(both.day), 100)
        table = flip_table(panel(), chosen, both, counts, 0.9).set_index("class")
        before, after, wait, stood = [], [], [], []
        for k in range(len(panel().codes)):
            rows = np.flatnonzero(panel().seen[:, k])
            since, previous = 0, np.nan
            for i, t in enumerate(rows):
                month = panel().month[t]
                since = 0 if i and month != panel().month[rows[i - 1]] else since + 1
                if flipped[t, k] and t >= 300:
                    before.append(abs(previous))
                    after.append(abs(held[t, k]))
                    wait.append(since)
                    next_month = [u for u in rows if panel().month[u] > month]
                    if next_month:
                        stood.append(monthly[next_month[0], k] * held[t, k] > 0)
                previous = held[t, k]
        row = table.loc["all"]
        assert row["flips"] == len(before) > 10
        assert row["before"] == pytest.approx(np.mean(before))
        assert row["after"] == pytest.approx(np.mean(after))
        assert row["wait"] == pytest.approx(np.mean(wait))
        assert row["stood"] == pytest.approx(np.mean(stood))
        assert table["flips"][:-1].sum() == row["flips"]
        year = sessions_a_year(both.day)
        days = (panel().seen & np.isfinite(held))[300:].sum()
        assert row["a_market_year"] == pytest.approx(len(before) * year / days)
        assert row["sharpe"] == pytest.approx(sharpe(both.net[:, 0, -1], year))
        assert row["difference"] == pytest.approx(row["sharpe"] - sharpe(both.net[:, 1, -1], year))
        assert row["low"] < row["difference"] < row["high"]
        gain = (both.net[:, 0, -1] - both.net[:, 1, -1]).mean() * year
        assert row["earned"] == pytest.approx(gain)


class TestStudy:
    def test_every_rule_and_class_has_a_row(self):
        table = study().table
        names = ["bond", "energy", "equity", "fx", "metal", "all"]
        rules = [*RULES, *OVERLAYS, CALENDAR]
        assert table[["rule", "class"]].to_numpy().tolist() == [
            [r, c] for r in rules for c in names
        ]
        assert study().books.day[0] >= to_epoch_day(CHOSEN.first_day)
        known = table.dropna(subset=["net_sharpe"])
        assert (known["low"] < known["net_sharpe"]).all()
        assert (known["net_sharpe"] < known["high"]).all()
        assert (known["net_sharpe"] < known["gross_sharpe"]).all()

    def test_anchors_stand_beside_their_own_data_and_years_only(self):
        assert study().table["anchor"].isna().all()
        day = np.array([to_epoch_day(date(2000, 1, 3)), to_epoch_day(date(2022, 6, 30))])
        assert anchors_of(ANCHOR_DATA, day) == ANCHORS
        assert anchors_of(study().data_hash, day) == {}
        assert anchors_of(ANCHOR_DATA, day + 31) == {}

    def test_the_anchors_data_are_those_of_the_documents(self):
        """Another importer gives the same files another fingerprint: make docs, then mend both."""
        assert read_figures(ROOT)["data_hash"] == ANCHOR_DATA

    def test_anchors_stand_beside_all_classes_only(self):
        books, counts = study().books, np.ones((2, len(study().books.day)))
        anchored = book_table(books, {}, counts, 0.9, ANCHORS).dropna(subset=["anchor"])
        assert (anchored["class"] == "all").all()
        assert dict(zip(anchored["rule"], anchored["anchor"], strict=True)) == ANCHORS

    def test_one_market_has_nothing_to_be_compared_with(self):
        table = study().table.set_index(["rule", "class"])
        assert np.isnan(table.loc[("relative value", "fx"), "net_sharpe"])
        assert table.loc[("relative value", "fx"), "first"] == -1
        assert np.isfinite(table.loc[("relative value", "equity"), "net_sharpe"])

    def test_sizes_hold_every_span(self):
        sizes = study().sizes.set_index("rule")
        assert {"ewmac 2", "breakout 320", "carry 5", "directional"} <= set(sizes.index)
        assert (sizes["mean_abs_forecast"] <= 2.0).all()

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"samples": 0}, "samples is 0; it must be 1 or more"),
            ({"coverage": 1.0}, "coverage is 1.0; it must be above 0 and below 1"),
            ({"coverage": 0.0}, "coverage is 0.0; it must be above 0 and below 1"),
        ],
    )
    def test_bad_parameters(self, changes, sentence):
        with pytest.raises(ValueError, match=sentence):
            rule_study(dataset(), CHOSEN, **changes)

    def test_no_session_after_the_start(self):
        late = replace(CHOSEN, start="2025-01-01")
        with pytest.raises(DataError, match="no session between 2025-01-01 and 2029-12-31"):
            rule_study(dataset(), late)


@functools.cache
def bond_panel() -> MarketPanel:
    """A bond whose far contract is priced by the formula, to the basis point."""
    data = made_up_dataset(200, 4).select(["BD1"])
    return market_panel(data, CHOSEN, START, END)


def rates(short, five, ten):
    days = bond_panel().day
    return {
        name: MacroSeries(name, days, np.broadcast_to(value, days.shape).astype(float))
        for name, value in (("usd.3m", short), ("usd.5y", five), ("usd.10y", ten))
    }


class TestBondCarry:
    def test_futures_priced_by_the_curve_agree_with_it(self):
        old = bond_panel()
        short = np.linspace(0.005, 0.03, len(old.day))
        carry = [bond_carry(YieldCurve((0.25, 5.0, 10.0), (s, 0.03, 0.035)), s, 6.5) for s in short]
        years = (old.far_expiry - old.near_expiry) / 365.25
        far = old.near_price - np.array(carry)[:, None] * old.price * years
        found = bond_carry_comparison(
            replace(old, far_price=far), rates(short, 0.03, 0.035), ["BD1"]
        )[0]
        paired = np.isfinite(old.near_price[:, 0])
        np.testing.assert_array_equal(found.day, old.day[paired])
        np.testing.assert_allclose(found.formula, np.array(carry)[paired] / 6.5e-4, rtol=1e-9)
        np.testing.assert_allclose(found.implied, found.formula, rtol=1e-8)
        assert found.correlation == pytest.approx(1.0)
        assert found.smoothed_correlation == pytest.approx(1.0)
        assert found.mean_difference == pytest.approx(0.0, abs=1e-6)
        assert found.median_difference == pytest.approx(0.0, abs=1e-6)

    def test_nothing_is_compared_before_the_rates_are_known(self):
        macro = {k: MacroSeries(k, s.day[90:], s.value[90:]) for k, s in rates(0, 0, 0).items()}
        found = bond_carry_comparison(bond_panel(), macro, ["BD1"])[0]
        assert found.day[0] >= bond_panel().day[90]
        assert np.isnan(found.correlation)  # a formula that never moves
        np.testing.assert_allclose(found.formula, 0.0, atol=1e-9)

    def test_stale_rates_and_unknown_markets_are_left_out(self):
        macro = {
            k: MacroSeries(k, s.day[:1], s.value[:1]) for k, s in rates(0.01, 0.02, 0.03).items()
        }
        found = bond_carry_comparison(bond_panel(), macro, ["ZN", "BD1"], max_age_days=5)
        assert len(found) == 1
        assert found[0].day[-1] <= bond_panel().day[0] + 5
        assert bond_carry_comparison(bond_panel(), {}, ["BD1"]) == []

    def test_only_bonds(self):
        with pytest.raises(ValueError, match="FX1 has duration 0; a bond's must be above 0"):
            bond_carry_comparison(panel(), {}, ["FX1"])


class TestReport:
    def test_csv_has_every_number(self):
        rows = list(csv.DictReader(io.StringIO(rules_csv(study()))))
        assert len(rows) == len(study().table)
        for row, expected in zip(rows, study().table.to_dict("records"), strict=True):
            assert (row["rule"], row["class"]) == (expected["rule"], expected["class"])
            assert row["data"] == "made up [synthetic market]"
            for name in ("net_sharpe", "low", "cost", "anchor"):
                if np.isfinite(expected[name]):
                    assert float(row[name]) == pytest.approx(expected[name], rel=1e-8)
                else:
                    assert row[name] == ""

    def test_page(self, tmp_path):
        macro = rates(0.01, np.linspace(0.02, 0.03, len(bond_panel().day)), 0.03)
        bonds = bond_carry_comparison(bond_panel(), macro, ["BD1"])
        page = without_scripts(write_rules(study(), tmp_path, bonds).read_text(encoding="utf-8"))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["rules.csv", "rules.html"]
        assert "the prices behind this page are simulated" in page
        assert page.count("<svg") == 1 + len(study().books.classes)
        assert ">Anchor</th>" not in page
        assert not re.findall(r"<th(?![^>]*scope)[ >]", page)
        assert "http" not in page.replace("http://www.w3.org", "")
        table = study().table.set_index(["rule", "class"])
        assert f"{table.loc[('carry', 'all'), 'net_sharpe']:.2f}".replace("-", "−") in page
        for rule in [*RULES, *OVERLAYS, CALENDAR]:
            assert page.count(f">{rule}<") >= len(study().books.classes) + 1
        assert "nan" not in page.lower().replace("finance", "")

    def test_page_without_rates_has_no_bonds(self):
        page = without_scripts(render_rules(study()))
        assert "Bond carry" not in page
        assert page.count("<svg") == len(study().books.classes)

    def test_anchors_are_told_where_they_stand(self):
        table = study().table.copy()
        table.loc[table["class"] == "all", "anchor"] = 0.96
        page = without_scripts(render_rules(replace(study(), table=table)))
        assert page.count(">Anchor</th>") == 1
        assert "nothing is fitted to it" in page
        assert "0.96" in page

    def test_real_data_carries_no_label(self):
        page = without_scripts(render_rules(replace(study(), synthetic=False)))
        assert "synthetic" not in page

    def test_terminal(self):
        console = Console(width=100, file=io.StringIO())
        print_rules(study(), console)
        text = console.file.getvalue()
        assert "made up [synthetic market]" in text
        assert "…" not in text
        for rule in [*RULES, *OVERLAYS, CALENDAR]:
            assert text.count(f" {rule} ") >= 2
        assert "flips a market and year" in text
