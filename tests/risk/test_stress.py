import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from risk.stress import (
    SHOCKS,
    Shock,
    apply_moves,
    bespoke,
    bespoke_moves,
    correlation_to_one,
    liquidity,
    reverse_stress,
    shock_moves,
)
from risk.var import VarModel
from universe.master import MASTER

CODES = ["ES", "VX", "ZN", "SR3", "6E", "DX", "CL", "HO", "NG", "GC", "ZC"]
BOOK = [MASTER[code] for code in CODES]
N = len(CODES)
exposures = arrays(float, 4, elements=st.floats(-4, 4).map(lambda x: 0.0 if abs(x) < 1e-3 else x))


def moves(**shock):
    return dict(zip(CODES, shock_moves(Shock("s", **shock), BOOK).tolist(), strict=True))


def model(seed=0):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((4, 7))
    cov = root @ root.T * 1e-5
    return VarModel(cov, np.sqrt(np.diagonal(cov)), rng.standard_normal((300, 4)))


class TestShocks:
    def test_rates_by_duration(self):
        found = moves(yields=0.01)
        assert found["ZN"] == pytest.approx(-0.062)
        assert found["SR3"] == pytest.approx(-0.0103)
        assert sum(v != 0 for v in found.values()) == 2

    def test_dollar(self):
        """Ten per cent up: a euro buys 1 / 1.1 as many dollars; the index rises."""
        found = moves(dollar=0.10)
        assert found["6E"] == pytest.approx(1 / 1.1 - 1)
        assert found["DX"] == pytest.approx(0.10)
        assert found["ES"] == found["GC"] == 0

    def test_oil_is_crude_and_products_not_gas(self):
        found = moves(oil=-0.5)
        assert (found["CL"], found["HO"], found["NG"]) == (-0.5, -0.5, 0.0)

    def test_equities_and_volatility(self):
        found = moves(equity=-0.2, volatility=0.6)
        assert (found["ES"], found["VX"]) == (-0.2, 0.6)

    def test_by_hand(self):
        """Half of NAV in equities and twice NAV in notes, equities down and yields down."""
        exposure = np.zeros(N)
        exposure[[0, 2]] = 0.5, 2.0
        found = {one.name: one for one in bespoke(exposure, bespoke_moves(BOOK))}
        assert len(found) == len(SHOCKS)
        assert found["equities -20 %"].profit == pytest.approx(-0.10)
        assert found["rates +100 bp"].profit == pytest.approx(-0.124)
        both = found["equities -20 %, volatility +60 %, rates -100 bp"]
        assert both.profit == pytest.approx(0.024)
        assert both.worst == 0.0
        assert both.parts[2] == pytest.approx(0.124)

    @given(arrays(float, N, elements=st.floats(-3, 3)))
    def test_parts_add_up_and_the_other_side_gains(self, exposure):
        for one, other in zip(
            bespoke(exposure, bespoke_moves(BOOK)),
            bespoke(-exposure, bespoke_moves(BOOK)),
            strict=True,
        ):
            assert one.parts.sum() == pytest.approx(one.profit, abs=1e-12)
            assert one.profit == pytest.approx(-other.profit, abs=1e-12)

    def test_an_unknown_move_makes_the_sum_unknown_and_is_named(self):
        found = apply_moves("s", np.array([1.0, 1.0, 0.0]), np.array([0.1, np.nan, np.nan]))
        assert np.isnan(found.profit)
        assert found.unknown == (1,)

    def test_a_book_of_another_length_is_refused(self):
        with pytest.raises(ValueError, match="exposure has 2 markets; it must have 11"):
            bespoke(np.zeros(2), bespoke_moves(BOOK))


class TestBroken:
    @given(exposures, st.integers(1, 20))
    def test_no_hedge_helps(self, exposure, horizon):
        made = model()
        found = correlation_to_one(made, exposure, horizon)
        assert -found.profit >= made.parametric(exposure, horizon) - 1e-12
        one_each = sum(made.parametric(np.eye(4)[i] * exposure[i], horizon) for i in range(4))
        assert -found.profit == pytest.approx(one_each)
        assert np.all(found.parts <= 0)

    def test_an_unknown_volatility_is_not_no_risk(self):
        made = model()
        blind = VarModel(made.cov_daily, np.array([0.0, 0.01, 0.01, 0.01]), made.standardised)
        assert correlation_to_one(blind, np.ones(4), 1).unknown == (0,)
        assert correlation_to_one(blind, np.array([0.0, 1, 1, 1]), 1).unknown == ()

    def test_liquidity_by_hand(self):
        found = liquidity(np.array([1.0, 0.0, -2.0]), np.array([0.001, 0.5, 0.002]))
        assert found.profit == pytest.approx(-0.015)
        assert found.parts.tolist() == [-0.005, 0.0, -0.01]

    def test_costs_that_earn_are_refused(self):
        with pytest.raises(ValueError, match=r"least cost -0\.1"):
            liquidity(np.ones(1), np.array([-0.1]))


class TestReverse:
    @given(exposures.filter(np.any), st.floats(0.001, 0.5), st.integers(0, 50))
    def test_loses_what_was_asked(self, exposure, loss, seed):
        found = reverse_stress(model(seed), exposure, loss)
        assert exposure @ found.moves == pytest.approx(-loss)
        assert found.parts.sum() == pytest.approx(-loss)

    def test_is_the_smallest_in_the_metric(self):
        """Against a general optimiser."""
        made, exposure = model(3), np.array([1.0, -0.5, 2.0, 0.3])
        inverse = np.linalg.inv(made.cov_daily)
        found = reverse_stress(made, exposure, 0.1)
        answer = minimize(
            lambda r: float(r @ inverse @ r) * 1e-3,
            np.zeros(4),
            constraints={"type": "eq", "fun": lambda r: exposure @ r + 0.1},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert found.moves == pytest.approx(answer.x, abs=2e-5)
        length = np.sqrt(found.moves @ inverse @ found.moves)
        assert found.distance == pytest.approx(length)
        assert found.distance == pytest.approx(0.1 / np.sqrt(exposure @ made.cov_daily @ exposure))

    def test_an_empty_book_cannot_lose(self):
        assert reverse_stress(model(), np.zeros(4), 0.1).distance == np.inf

    @pytest.mark.parametrize("loss", [0.0, -0.1, np.nan, np.inf])
    def test_a_loss_that_is_none_is_refused(self, loss):
        with pytest.raises(ValueError, match="loss is"):
            reverse_stress(model(), np.ones(4), loss)
