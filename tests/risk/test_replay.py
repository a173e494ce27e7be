from datetime import date

import numpy as np
import pytest

from risk.replay import EPISODES, Episode, PriceHistory, all_moves, not_yet, replay
from universe.arrays import to_epoch_day

START = to_epoch_day(date(2000, 1, 3))
EPISODE = Episode("fall", date(2000, 6, 1), date(2000, 6, 15))
AS_OF = START + 3000


def history(codes=("A", "B", "C", "V"), classes=("x", "x", "x", "v"), late=(), rows=1500, seed=0):
    """Markets with one common driver; B is A at twice its volatility, C is noise, V is against."""
    rng = np.random.default_rng(seed)
    common = 0.01 * rng.standard_normal(rows)
    noise = 0.001 * rng.standard_normal((rows, 4))
    ret = np.stack([common, 2 * common, common * 0.2, -common], axis=1) + noise
    ret[:, 2] += 0.01 * rng.standard_normal(rows)
    price = 100 * np.cumprod(1 + ret, axis=0)
    seen = np.ones(price.shape, dtype=bool)
    for market, first in late:
        seen[:first, market] = False
    unknown = np.where(seen, price, np.nan)
    return PriceHistory(codes, classes, START + np.arange(rows), unknown - 50, unknown, seen)


def episode_moves(made, episode, as_of):
    return next(iter(all_moves(made, as_of, (episode,))), None)


def rows_of(made, episode=EPISODE):
    base = int(np.searchsorted(made.day, to_epoch_day(episode.first)))
    return base, int(np.searchsorted(made.day, to_epoch_day(episode.last)))


class TestMoves:
    def test_own_moves_are_of_the_adjusted_price_over_the_held_one(self):
        made = history()
        base, end = rows_of(made)
        found = episode_moves(made, EPISODE, AS_OF)
        expected = (made.adjusted[base + 1 : end + 1] - made.adjusted[base]) / made.price[base]
        assert found.path == pytest.approx(expected)
        assert found.source == ("A", "B", "C", "V")

    def test_a_proxy_is_the_most_correlated_of_the_class_at_the_ratio_of_volatilities(self):
        whole = history()
        made = history(late=[(1, 400)])
        found = episode_moves(made, EPISODE, AS_OF)
        assert found.source == ("A", "A", "C", "V")
        assert found.scale[1] == pytest.approx(2.0, rel=0.05)
        assert found.path[-1, 1] == pytest.approx(found.path[-1, 0] * found.scale[1])
        truth = episode_moves(whole, EPISODE, AS_OF).path[-1, 1]
        assert found.path[-1, 1] == pytest.approx(truth, abs=0.03)

    def test_without_one_in_the_class_another_class_by_the_slope(self):
        found = episode_moves(history(late=[(3, 400)]), EPISODE, AS_OF)
        assert found.source[3] == "B"
        assert found.scale[3] == pytest.approx(-0.5, rel=0.05)

    def test_less_than_a_year_in_common_is_no_proxy(self):
        found = episode_moves(history(late=[(1, 1400)]), EPISODE, AS_OF)
        assert found.source[1] == ""
        assert np.isnan(found.path[:, 1]).all()

    def test_nothing_after_the_day_matters(self):
        """A proxy is chosen on what was known."""
        made, day = history(late=[(1, 400)]), START + 900
        later = made.day > day
        changed = PriceHistory(
            made.codes,
            made.classes,
            made.day,
            np.where(later[:, None], 1e6, made.adjusted),
            np.where(later[:, None], 1.0, made.price),
            made.seen,
        )
        found, other = (episode_moves(h, EPISODE, day) for h in (made, changed))
        assert np.array_equal(found.path, other.path)
        assert found.source == other.source

    def test_an_episode_that_is_not_over_has_no_moves(self):
        day = to_epoch_day(EPISODE.last) - 1
        assert episode_moves(history(), EPISODE, day) is None
        assert "after 2000-06-14" in not_yet(EPISODE, day)

    def test_an_episode_before_the_history_has_no_moves(self):
        assert episode_moves(history(), EPISODES[0], AS_OF) is None
        assert "before the first market" in not_yet(EPISODES[0], AS_OF)

    def test_closed_days_keep_the_last_price(self):
        made = history()
        base, end = rows_of(made)
        made.seen[end, 0] = False
        found = episode_moves(made, EPISODE, AS_OF)
        expected = (made.adjusted[end - 1, 0] - made.adjusted[base, 0]) / made.price[base, 0]
        assert found.path[-1, 0] == pytest.approx(expected)

    def test_a_table_of_another_shape_is_refused(self):
        made = history()
        with pytest.raises(ValueError, match=r"price has shape \(2, 4\)"):
            PriceHistory(
                made.codes, made.classes, made.day, made.adjusted, made.price[:2], made.seen
            )


class TestReplay:
    def test_parts_add_up_and_the_worst_is_on_the_way(self):
        made, exposure = history(), np.array([1.0, -0.5, 0.0, 2.0])
        moves = episode_moves(made, EPISODE, AS_OF)
        found = replay(moves, made.codes, exposure)
        assert found.parts.sum() == pytest.approx(found.profit)
        assert found.profit == pytest.approx(moves.path[-1] @ exposure)
        assert found.worst == pytest.approx(min((moves.path @ exposure).min(), 0))
        assert found.worst <= min(found.profit, 0)

    def test_proxies_of_what_is_held_are_named(self):
        made = history(late=[(1, 400), (2, 400)])
        moves = episode_moves(made, EPISODE, AS_OF)
        (remark,) = replay(moves, made.codes, np.array([1.0, 1.0, 0.0, 0.0])).remarks
        assert remark.startswith("B by A x ")

    def test_a_position_without_a_move_makes_the_sum_unknown(self):
        made = history(late=[(1, 1400)])
        moves = episode_moves(made, EPISODE, AS_OF)
        found = replay(moves, made.codes, np.array([1.0, 1.0, 0.0, 0.0]))
        assert np.isnan(found.profit)
        assert found.unknown == (1,)
        assert found.remarks == ("B has no move",)
        assert np.isfinite(replay(moves, made.codes, np.array([1.0, 0, 0, 0])).profit)


def test_episodes_are_in_order_and_none_longer_than_half_a_year():
    for episode in EPISODES:
        assert 5 < (episode.last - episode.first).days < 183
    assert sorted(e.first for e in EPISODES) == [e.first for e in EPISODES]
