"""Fits, calibration, documents and training: against the libraries, and refusals in sentences."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from alpha.regime.document import (
    RegimeDocument,
    RegimeDocumentError,
    Voice,
    _checksum,
    read_document,
)
from alpha.regime.features import NAMES, PRICE_FEATURES
from alpha.regime.models import (
    PENALTY,
    ModelError,
    ModelKind,
    Predictor,
    RegimeModel,
    calibrate,
    fit,
    logistic,
    standardised,
    usable_columns,
)
from alpha.regime.policy import Policy
from alpha.regime.train import History, TrainingError, TrainingPlan, train

FIRST = 10_000


def problem(n: int = 1600, seed: int = 0, strength: float = 1.0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 3))
    log_odds = strength * (rows[:, 0] - rows[:, 1]) - 1.5
    return rows, rng.random(n) < 1 / (1 + np.exp(-log_odds))


def history(n: int = 1800, seed: int = 0) -> History:
    """Features that all move; the fall ahead depends on the first of them."""
    rng = np.random.default_rng(seed)
    stress = np.convolve(rng.standard_normal(n + 60), np.ones(60) / 8, mode="valid")[:n]
    rows = rng.standard_normal((n, len(NAMES)))
    rows[:, 0] = stress
    returns = rng.standard_normal(n) * 0.01 * np.exp(0.5 * np.roll(stress, 1))
    return History(np.arange(FIRST, FIRST + n), rows, returns, 0.6 * returns)


QUICK = TrainingPlan(folds=3)


@pytest.fixture(scope="module")
def document() -> RegimeDocument:
    return train(history(), QUICK)


class TestModels:
    def test_logistic_regression_is_sklearns(self) -> None:
        rows, bad = problem()
        model = fit(ModelKind.LOGISTIC, ["a", "b", "c"], rows, bad, horizon=21)
        z = standardised(rows, rows.mean(axis=0), rows.std(axis=0))
        theirs = LogisticRegression(C=PENALTY, tol=1e-10, max_iter=5000).fit(z, bad)
        np.testing.assert_allclose(model.weights, theirs.coef_[0], atol=1e-4)
        predictor = Predictor(model)
        expected = theirs.decision_function(z[:1])[0]
        assert predictor.log_odds(rows[0]) == pytest.approx(expected, abs=1e-3)

    @pytest.mark.parametrize("kind", list(ModelKind))
    def test_explanations_add_up_to_the_log_odds(self, kind: ModelKind) -> None:
        rows, bad = problem()
        predictor = Predictor(fit(kind, ["a", "b", "c"], rows, bad, horizon=5))
        values, base = predictor.explain(rows[:50])
        log_odds = [predictor.log_odds(row) for row in rows[:50]]
        np.testing.assert_allclose(values.sum(axis=1) + base, log_odds, atol=1e-9)

    @pytest.mark.parametrize("kind", list(ModelKind))
    def test_calibrated_probabilities_come_true(self, kind: ModelKind) -> None:
        rows, bad = problem(4000)
        predictor = Predictor(fit(kind, ["a", "b", "c"], rows, bad, horizon=5))
        fresh, happened = problem(4000, seed=1)
        probability = np.array([predictor.probability(row) for row in fresh])
        assert probability.mean() == pytest.approx(happened.mean(), abs=0.03)
        high = probability > 0.5
        assert happened[high].mean() == pytest.approx(probability[high].mean(), abs=0.08)

    def test_scores_without_skill_become_the_base_rate(self) -> None:
        rng = np.random.default_rng(0)
        score, bad = rng.standard_normal(3000), rng.random(3000) < 0.2
        intercept, slope = calibrate(-np.where(bad, 1.0, 0.0) + 0.1 * score, bad)
        assert slope == 0.0
        assert logistic(intercept) == pytest.approx(bad.mean())
        assert calibrate(np.zeros(3000), bad)[1] == 0.0

    def test_calibration_is_the_maximum_likelihood(self) -> None:
        rng = np.random.default_rng(0)
        score = rng.standard_normal(2000) * 3 + 1
        bad = rng.random(2000) < 1 / (1 + np.exp(-(0.4 * score - 2)))
        intercept, slope = calibrate(score, bad)
        theirs = LogisticRegression(C=1e10, tol=1e-10).fit(score[:, None], bad)
        assert slope == pytest.approx(theirs.coef_[0, 0], rel=1e-3)
        assert intercept == pytest.approx(theirs.intercept_[0], rel=1e-3)

    @pytest.mark.parametrize("kind", list(ModelKind))
    def test_the_same_rows_give_the_same_model(self, kind: ModelKind) -> None:
        rows, bad = problem(800)
        one, two = (fit(kind, ["a", "b", "c"], rows, bad, horizon=5).as_dict() for _ in range(2))
        assert json.dumps(one) == json.dumps(two)
        again = RegimeModel.from_dict(json.loads(json.dumps(one)))
        first, second = Predictor(again), Predictor(RegimeModel.from_dict(two))
        assert first.probability(rows[3]) == second.probability(rows[3])

    def test_one_class(self) -> None:
        rows, _ = problem(400)
        with pytest.raises(ModelError, match="all 400 training sessions are of one class"):
            fit(ModelKind.LOGISTIC, ["a", "b", "c"], rows, np.zeros(400, dtype=bool), horizon=5)
        late = np.arange(400) >= 390  # every fold but the last has one class
        with pytest.raises(ModelError, match="no fold leaves both classes"):
            fit(ModelKind.LOGISTIC, ["a", "b", "c"], rows, late, horizon=5, folds=4)
        middle = (np.arange(400) >= 90) & (np.arange(400) < 210)
        assert fit(ModelKind.LOGISTIC, ["a", "b", "c"], rows, middle, horizon=5, folds=4)

    def test_a_days_inference_is_quick(self) -> None:
        rows, bad = problem()
        predictor = Predictor(fit(ModelKind.BOOSTED, ["a", "b", "c"], rows, bad, horizon=5))
        times = []
        for row in rows[:200]:
            start = time.perf_counter()
            predictor.probability(row)
            times.append(time.perf_counter() - start)
        assert np.median(times) < 1e-3

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"kind": "other"}, "cannot be read"),
            ({"weights": [1.0]}, "as many numbers"),
            ({"features": []}, "as many numbers"),
            ({"scale": [1.0, 0.0, 1.0]}, "scale that is not positive"),
            ({"mean": [1.0, float("nan"), 1.0]}, "not finite"),
            ({"calibration": [1.0]}, "cannot be read"),
            ({"kind": "boosted", "weights": []}, "holds no tree"),
        ],
    )
    def test_damaged_models(self, change, message: str) -> None:
        rows, bad = problem(400)
        values = fit(ModelKind.LOGISTIC, ["a", "b", "c"], rows, bad, horizon=5).as_dict()
        with pytest.raises(ModelError, match=message):
            RegimeModel.from_dict({**values, **change})

    def test_columns_that_cannot_be_used_say_why(self) -> None:
        rows = np.random.default_rng(0).standard_normal((100, 4))
        rows[:50, 1] = np.nan
        rows[:, 2] = 7.0
        today = np.array([0.0, 0.0, 7.0, np.nan])
        keep, reasons = usable_columns(["a", "b", "c", "d"], rows, today)
        assert keep.tolist() == [0]
        assert reasons == [
            "b is known on 50 of 100 sessions only",
            "c is constant",
            "d is not known today",
        ]


class TestTraining:
    @pytest.mark.slow
    def test_a_refit_costs_little_more_than_the_librarys_own_fits(self, monkeypatch) -> None:
        inside = [0.0]
        bare = LogisticRegression.fit

        def timed(*given):
            start = time.perf_counter()
            try:
                return bare(*given)
            finally:
                inside[0] += time.perf_counter() - start

        monkeypatch.setattr(LogisticRegression, "fit", timed)
        some, ratios = history(4500), []
        for _ in range(3):
            inside[0], start = 0.0, time.perf_counter()
            train(some, TrainingPlan())
            ratios.append((time.perf_counter() - start) / inside[0])
        assert min(ratios) < 1.5

    def test_a_document_reads_back_to_the_same_probabilities(self) -> None:
        some = history()
        document = train(some, QUICK)
        again = read_document(document.text(), QUICK.as_strings(), FIRST + 1800)
        assert again.text() == document.text()
        row = some.rows[-1]
        assert Voice(again).probability(row) == Voice(document).probability(row)
        assert [len(model.features) for model in document.models] == [
            len(NAMES),
            len(PRICE_FEATURES),
        ]

    def test_labels_that_are_not_known_yet_do_not_train(self) -> None:
        some = history()
        document = train(some, QUICK)
        assert document.last == FIRST + 1800 - 1 - QUICK.horizon
        assert document.trained == FIRST + 1799

    @pytest.mark.parametrize("kind", list(ModelKind))
    def test_nothing_after_the_training_changes_the_document(self, kind: ModelKind) -> None:
        plan = replace(QUICK, model=kind)
        some, other = history(1900), history(1900, seed=9)
        mixed = History(
            some.day,
            *(
                np.where(np.reshape(np.arange(1900) < 1700, (-1, *[1] * (a.ndim - 1))), a, b)
                for a, b in (
                    (some.rows, other.rows),
                    (some.equity, other.equity),
                    (some.balanced, other.balanced),
                )
            ),
        )
        assert train(some.until(1700), plan).text() == train(mixed.until(1700), plan).text()

    def test_what_is_missing_today_leaves_fewer_features(self) -> None:
        some = history()
        voice = Voice(train(some, QUICK))
        row = some.rows[-1].copy()
        full, reason = voice.probability(row)
        assert reason == ""
        row[NAMES.index("vix")] = np.nan
        fewer, reason = voice.probability(row)
        assert reason == "without vix"
        assert np.isfinite(fewer)
        assert fewer != full
        assert set(voice.explain(row)) == set(PRICE_FEATURES)
        row[0] = np.nan
        none, reason = voice.probability(row)
        assert np.isnan(none)
        assert "vix" in reason
        assert voice.explain(row) == {}

    def test_a_feature_that_ended_is_left_out_with_the_reason(self) -> None:
        some = history()
        some.rows[-5:, NAMES.index("ted")] = np.nan
        some.rows[:, NAMES.index("vix")] = 20.0
        document = train(some, QUICK)
        assert "ted is not known today" in document.notes
        assert "vix is constant" in document.notes
        assert not {"ted", "vix"} & set(document.models[0].features)

    def test_less_than_five_years(self) -> None:
        with pytest.raises(TrainingError, match="1,179 sessions with a known label; 1,260 are"):
            train(history(1200), QUICK)

    def test_a_market_that_never_falls(self) -> None:
        some = history()
        flat = replace(some, balanced=np.full(1800, 0.0))
        flat.rows[:, NAMES.index("credit_baa")] = 0.02
        with pytest.raises(TrainingError, match="of one class"):
            train(flat, QUICK)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda t: t[:-10], "not readable"),
            (
                lambda t: t.replace('"version": 1', '"version": 2'),
                "version 2, this program reads 1",
            ),
            (lambda t: t.replace('"base_rate": 0.', '"base_rate": 0.9'), "was changed"),
            (lambda t: t.replace('"base_rate": 0', '"base_rate": 1e999, "": 0'), "not readable"),
            (lambda t: "[]", "not readable"),
        ],
    )
    def test_documents_that_do_not_fit(self, document, change, message: str) -> None:
        with pytest.raises(RegimeDocumentError, match=message):
            read_document(change(document.text()), QUICK.as_strings(), FIRST + 1800)

    @pytest.mark.parametrize("name", ["trained", "settings", "thresholds", "models", "notes"])
    @pytest.mark.parametrize("value", [None, 3])
    def test_a_whole_document_of_another_shape(self, document, name: str, value: object) -> None:
        body = json.loads(document.text())
        del body["checksum"]
        body[name] = value if name != "trained" else [value]
        text = json.dumps({"checksum": _checksum(body), **body})
        with pytest.raises(RegimeDocumentError, match="not readable"):
            read_document(text, QUICK.as_strings(), FIRST + 1800)

    def test_a_library_that_fails_is_a_training_that_fails(self, monkeypatch) -> None:
        def fail(*_: object) -> None:
            raise np.linalg.LinAlgError("singular")

        monkeypatch.setattr(LogisticRegression, "fit", fail)
        with pytest.raises(TrainingError, match=r"cannot fit \(LinAlgError: singular\)"):
            train(history(), QUICK)

    def test_documents_of_other_settings_or_of_the_future(self, document) -> None:
        text = document.text()
        other = replace(QUICK, tail=0.2).as_strings()
        with pytest.raises(RegimeDocumentError, match=r"other settings \(tail\)"):
            read_document(text, other, FIRST + 1800)
        with pytest.raises(RegimeDocumentError, match="on or after the session"):
            read_document(text, QUICK.as_strings(), FIRST + 1799)


class TestPolicy:
    def test_the_map(self) -> None:
        policy = Policy()
        assert policy.wanted(0.2, 0.1) == 1.0
        assert policy.wanted(0.4, 0.1) == pytest.approx(0.75)
        assert policy.wanted(0.6, 0.1) == policy.wanted(1.0, 0.1) == 0.5
        assert policy.wanted(float("nan"), 0.1) == 1.0
        assert Policy(gamma=1.0, floor=0.3).wanted(1.0, 0.1) == 0.3
        assert policy.wanted(0.9, 0.4) == pytest.approx(0.5)  # 0.8 to 0.9 where 0.6 is below 0.8
        assert policy.wanted(0.7, 0.4) == 1.0

    @given(
        st.lists(st.floats(0, 1), min_size=1, max_size=60),
        st.floats(0.01, 0.9),
        st.floats(0, 1),
        st.floats(0, 1),
    )
    def test_shares_stay_in_their_range(
        self, probabilities: list[float], rate: float, gamma: float, floor: float
    ) -> None:
        policy = Policy(gamma=gamma, floor=floor)
        share = 1.0
        for probability in probabilities:
            before, share = share, policy.next_share(share, probability, rate)
            assert max(1 - gamma, floor) - 1e-12 <= share <= 1.0
            assert share in (before, policy.wanted(probability, rate))
            assert abs(share - policy.wanted(probability, rate)) <= policy.band

    def test_more_danger_never_leaves_more(self) -> None:
        wanted = [Policy().wanted(p, 0.12) for p in np.linspace(0, 1, 101)]
        assert wanted == sorted(wanted, reverse=True)

    def test_the_edge_is_not_traded(self) -> None:
        policy = Policy()
        share, changes = 1.0, 0
        for step in range(100):
            before, share = share, policy.next_share(share, 0.2 + 0.02 * (step % 2), 0.1)
            changes += share != before
        assert changes == 0
