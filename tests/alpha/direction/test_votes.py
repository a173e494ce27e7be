"""The table of votes, what a vote is cast on, and how records weigh."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.direction.indicators import (
    INDICATORS,
    KINDS,
    Indicator,
    VoteRecord,
    vote_weights,
    weighed,
)
from alpha.direction.votes import AGES, VALUATIONS, VOTES, Facts, Kind, Vote, missing
from universe.macro_format import series_info

CASTS = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=3, max_size=3)


def by_name(name: str) -> Vote:
    return next(vote for vote in VOTES if vote.name == name)


def test_every_vote_names_series_lag_threshold_and_source():
    assert len({vote.name for vote in VOTES}) == len(VOTES)
    for vote in VOTES:
        assert vote.meaning
        assert any(year in vote.source for year in map(str, range(1980, 2025)))
        assert set(vote.series) <= set(AGES)
        assert vote.lag == "0 business days" if not vote.series else vote.lag != "0 business days"
        assert math.isfinite(vote.threshold)
    assert all(series_info(name) for name in AGES)


def test_indicators_are_made_of_what_004_says():
    assert [(one.name, one.reach) for one in INDICATORS] == [("I", 2), ("II", 8), ("III", 1)]
    for one in INDICATORS:
        assert {vote.kind for vote in one.votes} == KINDS[one.name]


def test_a_vote_of_price_alone_is_not_fundamental():
    for vote in VOTES:
        assert (vote.kind is Kind.FUNDAMENTAL) == bool(VALUATIONS & set(vote.series))
    for kind, series in (
        (Kind.FUNDAMENTAL, ()),
        (Kind.FUNDAMENTAL, ("usd.10y",)),
        (Kind.MACRO, ()),
        (Kind.TECHNICAL, ("us.cape",)),
    ):
        with pytest.raises(ValueError, match="vote made_up is"):
            Vote("made_up", kind, "", series, lambda facts: 0.0, "")


def test_casts_by_hand():
    level = {"eur.de.10y": 0.03, "eur.de.2y": 0.02, "eur.euribor": 0.02, "us.cape": 25.0}
    level |= {"usd.10y": 0.05, "eur.dividend_price": 0.035, "credit.spread": 0.02}
    mean = {"eur.de.10y": 0.035, "eur.euribor": 0.01, "credit.spread": 0.02}
    price = np.concatenate([np.full(200, 1.0), np.linspace(1.0, 1.2, 53)])
    facts = Facts(level, mean, price)
    cast = {vote.name: vote.cast(facts) for vote in VOTES}
    assert cast == {
        "slope": 1.0,
        "short_rate": -1.0,
        "bond_yield": 1.0,
        "credit": 0.0,
        "earnings_yield": -1.0,
        "dividend_yield": 1.0,
        "mean_200": 1.0,
        "momentum_252": 1.0,
        "quiet": cast["quiet"],
        "mean_50": 1.0,
        "range_50": 1.0,
        "momentum_21": 1.0,
    }
    assert facts.gain(252) == pytest.approx(0.2)
    assert facts.place(50) == 0.5


def test_what_is_missing_is_absent_and_says_so():
    empty = Facts({}, {}, np.ones(30))
    credit = by_name("credit")
    assert math.isnan(credit.cast(empty))
    assert missing(credit, empty, {}) == "credit.spread is not there"
    known = {"credit.spread": (8000, 0.02)}
    assert missing(credit, empty, known) == "credit.spread stopped on 1991-11-27"
    young = Facts({"credit.spread": 0.02}, {}, np.ones(30))
    assert missing(credit, young, known) == "credit.spread is not 126 sessions old"
    assert missing(by_name("mean_200"), empty, {}) == ("the market is too young for mean_200")


def test_one_absent_vote_makes_its_indicator_absent():
    assert math.isnan(weighed(np.array([1.0, np.nan]), np.array([1.0, 0.0]), 8))
    assert weighed(np.array([1.0, -1.0]), np.zeros(2), 8) == 0.0
    assert weighed(np.array([1.0, 1.0, -1.0]), np.array([2.0, 1.0, 1.0]), 8) == 4.0


@given(CASTS, st.lists(st.floats(0.0, 5.0), min_size=3, max_size=3), st.sampled_from([1, 2, 8]))
@settings(max_examples=30)
def test_an_indicator_is_a_whole_number_within_its_reach(votes, weights, reach):
    value = weighed(np.array(votes), np.array(weights), reach)
    assert abs(value) <= reach
    assert value == round(value)
    assert weighed(-np.array(votes), np.array(weights), reach) == -value


def test_weights_are_log_odds_of_a_shrunk_hit_rate():
    horizon = 10
    score = np.array([[0.0, 0.0], [300.0, 400.0], [100.0, 400.0]])
    rates = [0.55, (30 + 11) / (40 + 20)]
    expected = [math.log(rate / (1 - rate)) for rate in rates]
    np.testing.assert_allclose(vote_weights(score, horizon), [*expected, 0.0])


def test_a_record_counts_outcomes_once_they_are_known():
    """Against a plain count over all sessions at the end."""
    rng = np.random.default_rng(6)
    indicator = Indicator("X", 8, 5, INDICATORS[2].votes)
    record = VoteRecord(indicator, 1)
    price = np.cumprod(1 + 0.01 * rng.standard_normal(120))
    votes = rng.integers(-1, 2, (120, 3)).astype(float)
    votes[7, 0] = np.nan
    for k in range(120):
        gained = price[k] / price[k - 5] - 1 if k >= 5 else math.nan
        value = record.take(0, votes[k], gained)
    ahead = np.sign(price[5:] / price[:-5] - 1)
    told = np.isfinite(votes[:-5]) & (votes[:-5] != 0)
    right = told & (votes[:-5] == ahead[:, None])
    np.testing.assert_array_equal(record.score[0, :, 0], right.sum(axis=0))
    np.testing.assert_array_equal(record.score[0, :, 1], told.sum(axis=0))
    assert value == weighed(votes[-1], vote_weights(record.score[0], 5), 8)


def test_a_state_that_is_none():
    record = VoteRecord(INDICATORS[2], 1)
    good = {"cast": record.cast, "score": record.score}
    assert record.from_state(good) == good
    for wrong in ({"cast": np.full_like(record.cast, 2.0)}, {"score": record.score - 1.0}):
        with pytest.raises(ValueError, match="direction indicator III is none"):
            record.from_state({**good, **wrong})
