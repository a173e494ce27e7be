import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.gate import VarGate
from risk.var import VarModel

N = 5
contracts = arrays(np.int64, N, elements=st.integers(-400, 400))
small = arrays(np.int64, N, elements=st.integers(-4, 4))
seeds = st.integers(0, 10**6)
limits = st.floats(0.005, 0.5)


def made(seed, rows=300):
    """A model with strongly correlated markets, so that hedges and rounding matter."""
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((N, 2))
    moment = loading @ loading.T + 0.05 * np.eye(N)
    scale = np.sqrt(np.diagonal(moment))
    sigma = rng.uniform(0.003, 0.02, N)
    z = rng.standard_normal((rows, 2)) @ loading.T / scale + 0.2 * rng.standard_normal((rows, N))
    cov = moment / np.outer(scale, scale) * np.outer(sigma, sigma)
    return VarModel(cov, sigma, z), rng.uniform(0.001, 0.2, N)


def gate(limit=0.2, relative=2.0, test="absolute"):
    return VarGate(limit, relative, test, 20)


def independent_var(model, exposure):
    """The larger of both figures, computed by another path."""
    parametric = 2.3263478740408408 * np.sqrt(20 * exposure @ model.cov_daily @ exposure)
    daily = (model.standardised * model.sigma_daily) @ exposure
    sums = np.sort(np.convolve(daily, np.ones(20), mode="valid"))
    historical = -sums[max(int(np.floor(0.01 * len(sums) + 1e-9)) - 1, 0)]
    return max(parametric, historical, 0.0)


def apply(asked, seed, *, held=None, limit=0.2, **options):
    model, unit = made(seed)
    held = np.zeros(N, dtype=np.int64) if held is None else held
    reference = options.pop("reference", None)
    return gate(limit, **options).apply(asked, held, unit, model, reference), model, unit


class TestProperties:
    @given(st.one_of(contracts, small), limits, seeds)
    def test_never_above_the_limit(self, asked, limit, seed):
        result, model, unit = apply(asked, seed, limit=limit)
        assert independent_var(model, result.contracts * unit) <= limit + 1e-9
        assert max(result.parametric, result.historical) <= limit

    @given(st.one_of(contracts, small), limits, seeds)
    def test_never_a_larger_position_nor_another_side(self, asked, limit, seed):
        result, _, _ = apply(asked, seed, limit=limit)
        assert np.all(np.abs(result.contracts) <= np.abs(asked))
        assert np.all(result.contracts * asked >= 0)
        assert result.contracts.dtype == np.int64

    @given(contracts, limits, seeds)
    def test_changes_nothing_below_the_limit(self, asked, limit, seed):
        model, unit = made(seed)
        calm = independent_var(model, asked * unit) <= limit * (1 - 1e-9)
        result, _, _ = apply(asked, seed, limit=limit)
        if calm:
            np.testing.assert_array_equal(result.contracts, asked)
            assert result.steps == []
            assert result.scale == 1.0
        else:
            assert len(result.steps) == 1
            assert result.scale < 1.0

    @given(contracts, limits, seeds)
    def test_is_idempotent(self, asked, limit, seed):
        once, _, _ = apply(asked, seed, limit=limit)
        twice, _, _ = apply(once.contracts, seed, limit=limit)
        np.testing.assert_array_equal(twice.contracts, once.contracts)

    @given(contracts, contracts, limits, seeds, st.lists(st.booleans(), min_size=N, max_size=N))
    def test_unknown_exposures_are_only_reduced(self, asked, held, limit, seed, unknown):
        model, unit = made(seed)
        unit[unknown] = np.nan
        result = gate(limit).apply(asked, held, unit, model, None)
        blind = np.array(unknown)
        assert np.all(np.abs(result.contracts) <= np.abs(asked))
        assert np.all(result.contracts * asked >= 0)
        assert np.all(np.abs(result.contracts[blind]) <= np.abs(held[blind]))
        assert np.all(result.contracts[blind] * held[blind] >= 0)
        known = np.where(blind, 0.0, np.nan_to_num(unit))
        assert independent_var(model, result.contracts * known) <= limit + 1e-9

    @given(contracts, seeds, st.sampled_from(["relative", "both"]))
    def test_relative_test_holds(self, asked, seed, test):
        model, unit = made(seed)
        reference = np.array([0.6, 0.0, 0.4, 0.0, 0.0])
        result = gate(0.05, 1.5, test).apply(asked, asked * 0, unit, model, reference)
        allowed = 1.5 * independent_var(model, reference)
        if test == "both":
            allowed = min(allowed, 0.05)
        found = independent_var(model, result.contracts * unit)
        assert found <= allowed + 1e-9
        assert result.limit == pytest.approx(allowed)
        expected = found / independent_var(model, reference)
        assert result.relative == pytest.approx(expected, abs=1e-9)


class TestRemediation:
    ASKED = np.array([300, -200, 100, 250, -400])

    def test_is_nearer_than_cutting_everything_pro_rata(self):
        result, model, unit = apply(self.ASKED, 1, limit=0.05)
        (step,) = result.steps
        assert "the nearest book is" in step
        assert result.asked > 0.05 >= max(result.parametric, result.historical)

        def distance(book):
            off = (book - self.ASKED) * unit
            return off @ model.cov_daily @ off

        shares = [np.trunc(self.ASKED * share) for share in np.linspace(1, 0, 401)]
        passing = [book for book in shares if independent_var(model, book * unit) <= 0.05]
        assert distance(result.contracts) <= distance(passing[0])

    def test_keeps_nearly_all_of_the_limit(self):
        model, unit = made(1)
        result = gate(0.2).apply(self.ASKED * 10, np.zeros(N, int), unit / 100, model, None)
        assert "the nearest book is" in result.steps[0]
        assert independent_var(model, result.contracts * unit / 100) > 0.2 * 0.95

    @pytest.mark.parametrize("seed", range(20))
    def test_a_book_of_single_contracts_a_little_above_the_limit_is_not_closed(self, seed):
        """Pro rata and truncated, every one of them went flat."""
        model, unit = made(seed)
        asked = np.array([1, -1, 1, 1, -1])
        limit = independent_var(model, asked * unit) * 0.999
        result = gate(limit).apply(asked, asked * 0, unit, model, None)
        choices = np.array(list(itertools.product(*([0, int(n)] for n in asked))))
        fits = [book for book in choices if independent_var(model, book * unit) <= limit]
        off = [(book - asked) * unit for book in fits]
        best = min(float(x @ model.cov_daily @ x) for x in off)
        found = (result.contracts - asked) * unit
        assert found @ model.cov_daily @ found == pytest.approx(best)
        assert result.contracts.any()

    def test_headroom_leaves_its_share_of_the_limit(self):
        model, unit = made(1)
        own = VarGate(0.05, 2.0, "absolute", 20, headroom=0.2)
        result = own.apply(self.ASKED, self.ASKED * 0, unit, model, None)
        assert result.limit == 0.05
        assert 0.035 < independent_var(model, result.contracts * unit) <= 0.04

    def test_what_cannot_trade_today_stays_and_the_others_make_room(self):
        model, unit = made(1)
        free = np.array([True, False, True, True, True])
        limit = 0.8 * independent_var(model, self.ASKED * unit)
        result = gate(limit).apply(self.ASKED, self.ASKED * 0, unit, model, None, free)
        assert result.contracts[1] == -200
        assert independent_var(model, result.contracts * unit) <= limit

    def test_to_zero_if_one_contract_is_too_much(self):
        model, unit = made(1)
        result = gate(0.005).apply(
            np.array([1, 0, 0, 0, 0]), np.zeros(N, int), unit * 50, model, None
        )
        assert not result.contracts.any()
        assert result.scale == 0.0

    def test_unknown_comes_before_the_cut(self):
        model, unit = made(1)
        unit[0] = np.nan
        result = gate(0.01).apply(self.ASKED, np.zeros(N, int), unit, model, None)
        assert result.contracts[0] == 0
        assert result.steps[0].index("unknown risk") < result.steps[0].index("above 0.01")

    def test_unknown_volatility_counts_as_unknown(self):
        model, unit = made(1)
        sigma = model.sigma_daily.copy()
        sigma[2] = 0.0
        blind = VarModel(model.cov_daily, sigma, model.standardised)
        held = np.array([0, 0, 30, 0, 0])
        result = gate(0.5).apply(np.array([0, 0, 100, 0, 0]), held, unit, blind, None)
        assert result.contracts.tolist() == [0, 0, 30, 0, 0]

    def test_an_unknown_market_is_never_turned(self):
        model, unit = made(1)
        unit[:] = np.nan
        asked, held = np.array([5, -5, 5, 0, 5]), np.array([-9, 9, 3, 4, 9])
        result = gate().apply(asked, held, unit, model, None)
        assert result.contracts.tolist() == [0, 0, 3, 0, 5]


class TestFailsClosed:
    ASKED = np.array([3, -2, 1, 2, -4])

    @pytest.mark.parametrize("held", [0, 1])
    @pytest.mark.parametrize("broken", ["cov", "sigma", "rows", "all"])
    def test_on_a_var_that_is_not_a_number(self, broken, held):
        """Nothing grows, and nothing is closed for lack of a figure."""
        model, unit = made(1)
        cov, sigma, rows = (
            model.cov_daily.copy(),
            model.sigma_daily.copy(),
            model.standardised.copy(),
        )
        if broken in ("cov", "all"):
            cov[:] = np.nan
        if broken in ("sigma", "all"):
            sigma[:] = np.nan
        if broken in ("rows", "all"):
            rows[-30:] = np.nan
        spoilt = VarModel(cov, sigma, rows)
        before = held * np.array([2, -5, 0, -1, -4])
        result = gate(0.9).apply(self.ASKED, before, unit, spoilt, None)
        assert result.contracts.tolist() == (held * np.array([2, -2, 0, 0, -4])).tolist()
        assert result.steps

    @pytest.mark.parametrize("test", ["relative", "both"])
    def test_on_a_reference_that_is_not_a_number(self, test):
        """It once let a market of unknown covariance through: the absolute limit applies."""
        model, unit = made(1)
        reference = np.array([np.inf, 0.0, 0.0, 0.0, 0.0])
        with np.errstate(invalid="ignore"):
            result = gate(0.01, 2.0, test).apply(
                self.ASKED * 50, self.ASKED * 0, unit, model, reference
            )
        assert result.limit == 0.01
        assert independent_var(model, result.contracts * unit) <= 0.01

    def test_on_an_infinite_volatility(self):
        model, unit = made(1)
        spoilt = VarModel(model.cov_daily * np.inf, model.sigma_daily, model.standardised)
        with np.errstate(invalid="ignore", over="ignore"):
            result = gate(0.9).apply(self.ASKED, np.zeros(N, int), unit, spoilt, None)
        assert not result.contracts.any()


class TestLimits:
    ASKED = np.array([30, -20, 10, 25, -40])

    def limit(self, test, reference):
        model, unit = made(1)
        return gate(0.2, 2.0, test).apply(self.ASKED, self.ASKED * 0, unit, model, reference)

    def test_absolute_ignores_the_reference_but_reports_it(self):
        result = self.limit("absolute", np.array([0.01, 0, 0, 0, 0]))
        assert result.limit == 0.2
        assert result.relative > 0

    @pytest.mark.parametrize("reference", [None, np.zeros(N)])
    def test_without_a_reference_the_absolute_limit_applies_and_says_so(self, reference):
        result = self.limit("relative", reference)
        assert result.limit == 0.2
        assert any("absolute limit applies" in step for step in result.steps)
        assert np.isnan(result.relative)

    def test_relative_may_be_wider_than_absolute_and_both_takes_the_tighter(self):
        large, tiny = np.full(N, 5.0), np.full(N, 1e-3)
        assert self.limit("relative", large).limit > 0.2
        assert self.limit("both", large).limit == 0.2
        assert self.limit("both", tiny).limit < 0.2

    def test_an_empty_target_passes(self):
        model, unit = made(1)
        nothing = np.zeros(N, dtype=np.int64)
        result = gate().apply(nothing, nothing, unit, model, None)
        assert (result.parametric, result.scale, result.steps) == (0.0, 1.0, [])
