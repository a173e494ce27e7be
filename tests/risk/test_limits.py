from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.account import EventKind, Remedy, RiskAccount, RiskEvent
from risk.caps import cap_targets
from risk.limit_measures import HISTORY, LEAST_FILLS, Gross, Measure
from risk.limits import TABLE, Limit, LimitBook, LimitRow, Status, changed, make_limits
from risk.var import VarModel

N = 6
CODES = ["ES", "NQ", "ZN", "ZB", "CL", "GC"]
SECTORS = ["us equity", "us equity", "us bond", "us bond", "crude", "precious metal"]
CLASSES = ["equity", "equity", "bond", "bond", "energy", "metal"]
FACTOR = np.array([1.0, 1.0, 1.0, 0.5, 1.0, 1.0])
CLOSE = RiskEvent(EventKind.CLOSE, 100)
ALL = np.ones(N, dtype=bool)
contracts = arrays(np.int64, N, elements=st.integers(-300, 300))
seeds = st.integers(0, 10**6)


def model(seed=0, rows=300):
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((N, 2))
    moment = loading @ loading.T + 0.1 * np.eye(N)
    scale = np.sqrt(np.diagonal(moment))
    sigma = rng.uniform(0.003, 0.02, N)
    z = rng.standard_normal((rows, 2)) @ loading.T / scale + 0.2 * rng.standard_normal((rows, N))
    return VarModel(moment / np.outer(scale, scale) * np.outer(sigma, sigma), sigma, z)


def account(held=None, seed=0, **changes):
    rng = np.random.default_rng(seed)
    values = {
        "day": 100,
        "nav": 1e7,
        "contracts": np.zeros(N, dtype=np.int64) if held is None else np.array(held),
        "unit_exposure": rng.uniform(0.001, 0.05, N),
        "model": model(seed),
        "reference": np.array([0.6, 0, 0.4, 0, 0, 0]),
        "unit_margin": rng.uniform(1e-4, 3e-3, N),
        "last_nav": 1e7,
        "drawdown": 0.0,
        "turnover": 0.1,
        "price_age": np.zeros(N, dtype=np.int64),
    }
    return RiskAccount(**{**values, **changes})


def book(rows=TABLE):
    return make_limits(CODES, SECTORS, CLASSES, FACTOR, horizon=20, beta_market="ES", rows=rows)


def one(name, **changes):
    row = next(row for row in TABLE if row.name == name)
    return book([replace(row, **changes)])


def paid(**beyond):
    """What fills of some markets cost beyond their expectation, of no roll."""
    return np.array([beyond.get(code, np.nan) for code in CODES] + [np.nan] * N)


def only(limits, event=CLOSE, **changes):
    return {r.bucket: r for r in limits.read(event, account(**changes))}


class TestMeasures:
    def test_by_hand(self):
        """1 ES at 5 %, -2 NQ at 4 %, 3 ZB at 10 % of NAV each contract, half of it in ten-years."""
        unit = np.array([0.05, 0.04, 0.0, 0.10, 0.0, 0.0])
        held = np.array([1, -2, 0, 3, 0, 0])
        cov = np.diag([1e-4, 4e-4, 1e-5, 4e-5, 1e-3, 1e-4])
        cov[0, 1] = cov[1, 0] = 1e-4
        made = VarModel(cov, np.sqrt(np.diagonal(cov)), np.zeros((0, N)))
        now = account(held, unit_exposure=unit, model=made)
        found = {
            (limit.row.name, bucket): value
            for limit in book().limits
            for bucket, value in zip(
                limit.measure.buckets, limit.measure.values(held, now), strict=True
            )
        }
        assert found["gross", "fund"] == pytest.approx(0.05 + 0.08 + 0.15)
        assert found["net", "fund"] == pytest.approx(0.05 - 0.08 + 0.15)
        assert found["market_notional", "NQ"] == pytest.approx(0.08)
        assert found["sector_notional", "us equity"] == pytest.approx(0.13)
        assert found["class_notional", "bond"] == pytest.approx(0.15)
        assert found["net_beta", "fund"] == pytest.approx(abs(0.05 - 0.08))  # NQ's beta is 1
        assert found["market_risk", "ZB"] == pytest.approx(2.3263478740 * 0.3 * np.sqrt(4e-5))
        variance = 0.05**2 * 1e-4 + 0.08**2 * 4e-4 - 2 * 0.05 * 0.08 * 1e-4
        assert found["class_risk", "equity"] == pytest.approx(2.3263478740 * np.sqrt(variance))

    def test_margin_daily_loss_and_drawdown(self):
        held = np.array([2, -3, 0, 0, 0, 0])
        margin = np.array([0.01, 0.02, np.nan, np.nan, np.nan, np.nan])
        assert only(one("margin_use"), held=held, unit_margin=margin)["fund"].value == 0.08
        held[2] = 1
        unknown = only(one("margin_use"), held=held, unit_margin=margin)["fund"]
        assert unknown.status is Status.UNKNOWN
        loss = only(one("daily_loss"), nav=9.65e6)["fund"]
        assert loss.value == pytest.approx(0.035)
        assert loss.status is Status.WARN
        assert only(one("daily_loss"), nav=1.2e7)["fund"].value == 0.0
        assert only(one("drawdown"), drawdown=0.3)["fund"].status is Status.BREACH

    def test_stale_share(self):
        held, unit = np.array([1, 1, 0, 0, 0, 0]), np.full(N, 0.1)
        age = np.array([6, 5, 99, 0, 0, 0])
        found = only(one("stale_share"), held=held, unit_exposure=unit, price_age=age)["fund"]
        assert found.value == 0.5
        unit[0] = np.nan
        found = only(one("stale_share"), held=held, unit_exposure=unit, price_age=age)["fund"]
        assert found.value == 1.0

    def test_relative_var_is_over_the_references(self):
        reference = np.array([0.5, 0, 0, 0, 0, 0])
        held, unit = np.array([10, 0, 0, 0, 0, 0]), np.full(N, 0.1)
        found = only(one("var_relative"), held=held, unit_exposure=unit, reference=reference)
        assert found["fund"].value == pytest.approx(2.0)

    def test_a_figure_that_does_not_exist_is_neither_read_nor_acted_on(self):
        """Beta before its market has a volatility; margin where nobody says what margins are."""
        held = np.array([0, 30, 0, 0, 0, 0])
        flat = np.diag([0.0, 4e-4, 1e-5, 4e-5, 1e-3, 1e-4])
        young = VarModel(flat, np.sqrt(np.diagonal(flat)), np.zeros((0, N)))
        for limits, changes in (
            (one("net_beta"), {"model": young}),
            (one("margin_use"), {"unit_margin": None}),
        ):
            now = account(held, **changes)
            assert limits.read(CLOSE, now) == []
            capped = cap_targets(limits, 10 * held, now, ALL)
            assert np.array_equal(capped.contracts, 10 * held)
            assert capped.unmet == []

    def test_turnover_is_against_its_own_history(self):
        limits = one("turnover_spike")
        for _ in range(HISTORY):
            assert only(limits, turnover=0.1)["fund"].status is Status.UNKNOWN
        assert only(limits, turnover=1.05)["fund"].value == pytest.approx(10.5)
        assert only(limits, turnover=0.1)["fund"].value < 1  # the spike is history now

    def test_slippage_is_in_standard_deviations_of_a_market_s_own_history(self):
        limits, fill = one("slippage_outlier"), RiskEvent(EventKind.FILL, 101)
        usual = np.random.default_rng(0).standard_normal(HISTORY + 5)
        for value in usual:
            only(limits, slippage=paid(ES=value))
        past = usual[5:]
        found = only(limits, fill, slippage=paid(ES=5.0))["ES"]
        assert found.value == pytest.approx((5.0 - past.mean()) / past.std(ddof=1))
        assert found.status is Status.WARN
        assert only(limits, fill, slippage=paid(ES=9.0))["ES"].status is Status.BREACH
        assert only(limits, fill, slippage=paid(ES=-9.0))["ES"].value == 0.0

    def test_an_outlier_needs_fills_of_its_market_to_be_one(self):
        limits = one("slippage_outlier")
        for k in range(LEAST_FILLS):
            assert only(limits, slippage=paid(CL=0.1 * k))["CL"].status is Status.UNKNOWN
        assert only(limits, slippage=paid(CL=1.0))["CL"].status is Status.OK
        rolled = np.concatenate([paid(), paid(CL=1.0)])[N:]
        found = only(limits, slippage=rolled)
        assert found["CL rolls"].status is Status.UNKNOWN, "rolls have a history of their own"
        assert set(only(limits, slippage=paid())) == {"CL rolls", "ES"}
        assert not only(limits, slippage=None), "nobody says what was paid"

    def test_the_fullest_bucket_is_told_and_every_one_that_is_not_within_its_limit(self):
        held, unit = np.array([10, 20, 70, 90, -65, 0]), np.full(N, 0.01)
        found = only(one("market_notional"), held=held, unit_exposure=unit)
        assert {name: r.status.name for name, r in found.items()} == {
            "ZN": "WARN", "CL": "WARN",
        }  # fmt: skip
        calm = only(one("market_notional"), held=held // 10, unit_exposure=unit)
        assert list(calm) == ["ZN"] or list(calm) == ["CL"]

    def test_without_a_model_nothing_of_risk_is_known(self):
        for reading in book().read(CLOSE, account(np.ones(N, dtype=np.int64), model=None)):
            risky = reading.limit.endswith("risk") or reading.limit.startswith(("var", "short"))
            if risky or reading.limit == "net_beta":
                assert reading.status is Status.UNKNOWN, reading.limit


class TestStatus:
    def walk(self, values, **changes):
        limits = one("drawdown", **changes)
        return [
            only(limits, RiskEvent(EventKind.CLOSE, 100 + k), drawdown=v)["fund"]
            for k, v in enumerate(values)
        ]

    def test_hysteresis(self):
        """Levels 0.15 and 0.25; back only below 95 % of them."""
        found = self.walk([0.10, 0.16, 0.26, 0.24, 0.237, 0.145, 0.14, 0.145])
        assert [r.status.name for r in found] == [
            "OK", "WARN", "BREACH", "BREACH", "WARN", "WARN", "OK", "OK",
        ]  # fmt: skip
        assert [r.since for r in found] == [0, 101, 101, 101, 101, 101, 0, 0]
        assert [r.sessions for r in found] == [0, 0, 1, 2, 0, 0, 0, 0]
        assert [r.is_news for r in found] == [False, True, True, False, True, False, True, False]

    def test_days_to_cure_count_down_at_closes_only(self):
        found = self.walk([0.3] * 7, cure_days=5)
        assert [r.days_to_cure for r in found] == [4, 3, 2, 1, 0, -1, -2]
        limits = one("daily_loss")
        for _ in range(3):
            reading = only(limits, RiskEvent(EventKind.PRICE, 100), nav=9e6)["fund"]
        assert (reading.status, reading.sessions) == (Status.BREACH, 0)

    def test_a_value_at_the_level_is_within_it(self):
        assert self.walk([0.15, 0.25])[-1].status is Status.WARN

    def test_a_missing_value_neither_makes_nor_ends_a_breach(self):
        found = self.walk([np.nan, 0.3, np.nan, np.inf, 0.2])
        assert [r.status.name for r in found] == ["UNKNOWN", "BREACH", "BREACH", "BREACH", "WARN"]
        assert "cannot be measured, and was above" in found[2].sentence()

    @given(st.lists(st.floats(0, 0.5) | st.just(np.nan), max_size=30))
    def test_state_is_all_there_is(self, values):
        """A book restored from its state goes on as the one that was not interrupted."""
        limits = one("drawdown")
        for k, value in enumerate(values):
            other = LimitBook(limits.limits)
            for name in LimitBook.STATE:
                setattr(other, name, getattr(limits, name).copy())
            event = RiskEvent(EventKind.CLOSE, 100 + k)
            now = account(drawdown=value)
            expected, found = limits.read(event, now)[0], other.read(event, now)[0]
            assert repr(expected) == repr(found)


class TestWatch:
    FREEZES = changed(TABLE, daily_loss=(0.03, 0.04, Remedy.FREEZE))

    def test_the_highest_remedy_leads(self):
        limits = book(self.FREEZES)
        action = limits.watch(CLOSE, account(drawdown=0.9, nav=9e6))
        assert action.remedy is Remedy.FREEZE
        assert action.reasons[0].startswith("daily_loss is 0.1, above its limit of 0.04")
        assert len(action.reasons) == 2

    def test_between_decisions_only_what_is_always_measured(self):
        limits = book(self.FREEZES)
        event = RiskEvent(EventKind.PRICE, 100)
        assert limits.watch(event, account(drawdown=0.9)) is None
        assert limits.watch(event, account(nav=9e6)).remedy is Remedy.FREEZE

    def test_nothing_breached_asks_for_nothing(self):
        assert book().watch(CLOSE, account()) is None

    def test_nothing_known_asks_for_nothing(self):
        blind = account(
            np.ones(N, dtype=np.int64), unit_exposure=np.full(N, np.nan), model=None,
            reference=None, unit_margin=None, nav=np.nan, last_nav=np.nan, drawdown=np.nan,
            turnover=np.nan, slippage=np.full(2 * N, np.nan), price_age=None,
        )  # fmt: skip
        assert book().watch(CLOSE, blind) is None

    def test_a_breach_names_its_bucket(self):
        held = np.array([0, 0, 0, 0, 100, 0])
        reasons = book().watch(CLOSE, account(held, unit_exposure=np.full(N, 0.01))).reasons
        assert "market_notional of CL is 1, above its limit of 0.75" in reasons


class TestCaps:
    @settings(max_examples=1000)
    @given(contracts, seeds, st.floats(0, 0.5))
    def test_every_limit_holds_on_whole_contracts_and_no_position_grows(
        self, asked, seed, headroom
    ):
        limits, now = book(changed(TABLE, var_absolute=(0.1, 0.2, Remedy.CUT))), account(seed=seed)
        found = cap_targets(limits, asked, now, ALL, headroom)
        assert found.contracts.dtype == np.int64
        assert np.all(np.abs(found.contracts) <= np.abs(asked))
        assert np.all(found.contracts * asked >= 0)
        assert found.unmet == []
        for limit in limits.limits:
            if limit.row.remedy in (Remedy.CAP, Remedy.CUT):
                values = limit.measure.values(found.contracts, now)
                assert np.all(values <= limit.row.breach * (1 - headroom) * (1 + 1e-9))

    @settings(max_examples=300)
    @given(contracts, contracts, seeds, arrays(bool, N), st.sampled_from([r.name for r in TABLE]))
    def test_a_cap_never_raises_what_it_caps(self, asked, held, seed, tradable, name):
        limits, now = one(name), account(held, seed=seed)
        start = np.where(tradable, asked, held)
        found = cap_targets(limits, asked, now, tradable)
        (limit,) = limits.limits
        if not limit.measure.caps:
            assert np.array_equal(found.contracts, start)
            return
        before = limit.measure.values(start, now)
        after = limit.measure.values(found.contracts, now)
        assert np.all(after <= before * (1 + 1e-9))
        assert np.array_equal(found.contracts[~tradable], held[~tradable])
        for bucket, value in zip(limit.measure.buckets, after, strict=True):
            over = value > limit.row.breach * (1 + 1e-9) and limit.row.remedy > Remedy.SAY
            assert over == any(f" {bucket} stays" in text for text in found.unmet)

    @given(contracts, seeds)
    def test_targets_within_the_limits_are_left_alone(self, asked, seed):
        first = cap_targets(book(), asked, account(seed=seed), ALL)
        again = cap_targets(book(), first.contracts, account(seed=seed), ALL)
        assert np.array_equal(first.contracts, again.contracts)
        assert again.steps == []

    def test_net_caps_reduce_the_heavy_side_only(self):
        asked = np.array([100, -50, 0, 0, 0, 0])
        limits = one("net", warn=0.1, breach=0.2)
        found = cap_targets(limits, asked, account(unit_exposure=np.full(N, 0.01)), ALL)
        assert found.contracts.tolist() == [70, -50, 0, 0, 0, 0]

    def test_what_cannot_be_traded_is_fixed_and_said(self):
        held = np.array([0, 0, 0, 0, 90, 0])
        tradable = ALL.copy()
        tradable[4] = False
        found = cap_targets(
            one("market_notional"), np.zeros(N, dtype=np.int64),
            account(held, unit_exposure=np.full(N, 0.01)), tradable,
        )  # fmt: skip
        assert found.contracts.tolist() == held.tolist()
        assert found.unmet == ["market_notional of CL stays at 0.9, above 0.75"]

    def test_a_missing_model_lets_nothing_grow_and_closes_nothing(self):
        held, asked = np.array([5, -5, 0, 3, 2, 0]), np.array([9, -2, 4, -3, 2, 0])
        found = cap_targets(one("class_risk"), asked, account(held, model=None), ALL)
        assert found.contracts.tolist() == [5, -2, 0, 0, 2, 0]
        assert len(found.unmet) == 4
        broken = replace(model(), cov_daily=np.full((N, N), np.nan))
        cutting = one("var_absolute", remedy=Remedy.CUT)
        found = cap_targets(cutting, asked, account(held, model=broken), ALL)
        assert found.contracts.tolist() == [5, -2, 0, 0, 2, 0]

    def test_says_what_it_did(self):
        asked = np.array([0, 0, 0, 0, 90, 0])
        found = cap_targets(
            one("market_notional"), asked, account(unit_exposure=np.full(N, 0.01)), ALL, 0.2
        )
        assert found.steps == ["market_notional of CL 0.9 above 0.6: 0.6"]
        assert found.contracts[4] == 60

    def test_a_headroom_of_all_is_refused(self):
        with pytest.raises(ValueError, match="headroom is 1"):
            cap_targets(book(), np.zeros(N, dtype=np.int64), account(), ALL, 1.0)


class TestTable:
    def test_every_row_has_a_measure_and_a_meaning(self):
        limits = book().limits
        assert [limit.row.name for limit in limits] == [row.name for row in TABLE]
        assert all(row.meaning for row in TABLE)

    def test_beta_is_left_out_without_its_market(self):
        made = make_limits(
            CODES, SECTORS, CLASSES, FACTOR, horizon=20, beta_market="SPX", rows=TABLE
        )
        assert "net_beta" not in [limit.row.name for limit in made.limits]

    @pytest.mark.parametrize(
        ("warn", "breach"), [(0.3, 0.2), (0.0, 0.2), (np.nan, 0.2), (0.1, np.inf), (-1.0, 1.0)]
    )
    def test_levels_that_make_no_sense_are_refused(self, warn, breach):
        with pytest.raises(ValueError, match="limit gross: warn is"):
            changed(TABLE, gross=(warn, breach, Remedy.CAP))

    def test_unknown_and_double_names_are_refused(self):
        with pytest.raises(ValueError, match="no limit is called 'grosss'"):
            changed(TABLE, grosss=(1.0, 2.0, Remedy.SAY))
        row = LimitRow("grosss", 1.0, 2.0, Remedy.SAY, "", "")
        with pytest.raises(ValueError, match="no limit is called 'grosss'"):
            book([row])
        with pytest.raises(ValueError, match="gross is in the table twice"):
            book([r for r in TABLE if r.name == "gross"] * 2)

    def test_a_remedy_that_cannot_help_is_refused(self):
        with pytest.raises(ValueError, match="limit drawdown: remedy is cap"):
            book(changed(TABLE, drawdown=(0.1, 0.2, Remedy.CAP)))

    def test_state_is_of_every_bucket_of_every_limit(self):
        limits = book()
        buckets = sum(len(limit.measure.buckets) for limit in limits.limits)
        assert all(getattr(limits, name).shape == (buckets,) for name in LimitBook.STATE)
        recorded = [one.measure for one in limits.limits if hasattr(one.measure, "STATE")]
        assert len(recorded) == 2
        for part in recorded:
            assert all(hasattr(part, name) for name in part.STATE)

    def test_readings_are_a_sequence_made_once(self):
        held = np.array([0, 0, 0, 0, 100, 0])
        found = book().read(CLOSE, account(held, unit_exposure=np.full(N, 0.01)))
        assert found == list(found)
        assert found[0] is next(iter(found))
        assert [r for r in found if r.status is Status.BREACH] == list(found.breaches.values())
        assert [r.bucket for r in found.news if r.limit == "market_notional"] == ["CL"]
        assert found.use == max(r.value / r.breach for r in found if np.isfinite(r.value))

    def test_a_new_limit_is_one_small_object(self):
        class Longs(Measure):
            def values(self, contracts, account):
                return np.array([np.maximum(account.exposure(contracts), 0).sum()])

            def movers(self, contracts, account):
                return (contracts > 0)[None, :]

        row = LimitRow("longs", 0.1, 0.2, Remedy.CAP, "of NAV", "long exposures")
        limits = LimitBook([Limit(row, Longs())])
        now = account(unit_exposure=np.full(N, 0.01))
        found = cap_targets(limits, np.array([40, -40, 0, 0, 0, 0]), now, ALL)
        assert found.contracts.tolist() == [20, -40, 0, 0, 0, 0]
        assert isinstance(Gross(FACTOR), Measure)
