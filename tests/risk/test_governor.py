import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.governor import DrawdownGovernor

POINTS = ((0.05, 0.8), (0.10, 0.6), (0.15, 0.5))
navs = st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=80)


def governor(restore=0.01, step=0.05, points=POINTS):
    return DrawdownGovernor(points, restore, step)


def after(*path, **options):
    one = governor(**options)
    for nav in path:
        one.update(nav)
    return one


class TestMap:
    @pytest.mark.parametrize(
        ("drawdown", "share"),
        [(0, 1), (0.0499, 1), (0.05, 0.8), (0.0999, 0.8), (0.1, 0.6), (0.15, 0.5), (0.99, 0.5)],
    )
    def test_000s_points(self, drawdown, share):
        assert governor().map(drawdown) == share

    @given(st.floats(0, 1), st.floats(0, 1))
    def test_never_rises_with_the_drawdown(self, one, other):
        low, high = sorted((one, other))
        assert governor().map(high) <= governor().map(low)


class TestUpdate:
    def test_hand_example(self):
        one = governor(restore=0.05)
        found = [one.update(nav) for nav in (100, 96, 95, 94, 89, 96, 96, 96, 99, 100, 100)]
        assert found == pytest.approx([1, 1, 0.8, 0.8, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9])

    @pytest.mark.parametrize(("nav", "share"), [(95.0, 0.8), (90.0, 0.6), (85.0, 0.5)])
    def test_a_fall_of_exactly_a_points_drawdown_counts(self, nav, share):
        assert after(100.0, nav).allowed == pytest.approx(share)

    @given(navs)
    def test_falls_at_once_and_restores_at_most_the_allowed_step(self, path):
        one, peak, before = governor(), 0.0, 1.0
        for nav in path:
            one.update(nav)
            peak = max(peak, nav)
            allowed = one.map(1 - nav / peak)
            assert one.share <= allowed
            assert one.share <= before + 0.01 + 1e-12
            assert one.share in (pytest.approx(allowed), pytest.approx(before + 0.01))
            assert one.drawdown == pytest.approx(1 - nav / peak)
            before = one.share

    @example([1.0], 0.0010000000000000002, 1.0)
    @given(navs, st.floats(0.001, 0.25), st.floats(0.0005, 1.0))
    def test_stays_within_zero_and_one(self, path, step, restore):
        one = governor(restore, step)
        for nav in path:
            assert 0.0 <= one.update(nav) <= 1.0

    @given(navs)
    def test_a_worse_path_never_has_a_larger_share(self, path):
        """The second fund earns the same until the end, then loses another 7 %."""
        better, worse = after(*path), after(*path)
        assert worse.update(path[-1] * 0.93) <= better.update(path[-1])

    @given(st.floats(0.001, 0.25))
    def test_full_exposure_without_a_drawdown_whatever_the_step(self, step):
        assert after(100, 101, 102, step=step).allowed == pytest.approx(1.0)

    def test_hands_out_whole_steps_only(self):
        one = after(100, 95, restore=0.013)  # 0.8, then 0.813, 0.826, ...
        found = [one.update(100.0) for _ in range(16)]
        assert set(np.round(found, 10)) == {0.8, 0.85, 0.9, 0.95, 1.0}
        assert found == sorted(found)
        assert one.share == 1.0

    @pytest.mark.parametrize("nav", [np.nan, np.inf, -np.inf, 0.0, -5.0])
    def test_a_nav_that_is_no_positive_number_changes_nothing(self, nav):
        one = after(100, 94)
        before = (one.peak, one.share, one.drawdown)
        assert one.update(nav) == pytest.approx(0.8)
        assert (one.peak, one.share, one.drawdown) == before

    @given(navs, navs)
    def test_survives_being_rebuilt_from_its_state(self, before, later):
        running = after(*before)
        rebuilt = governor()
        for name in DrawdownGovernor.STATE:
            setattr(rebuilt, name, getattr(running, name))
        for nav in later:
            assert rebuilt.update(nav) == running.update(nav)
