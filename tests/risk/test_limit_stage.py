from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portfolio.contracts import ten_year_equivalent
from risk.account import Remedy
from risk.book import Book
from risk.gate import GateSettings
from risk.limit_measures import HISTORY
from risk.limit_stage import LimitSettings, LimitStage
from risk.limits import TABLE
from risk.settings import RiskSettings
from risk.switch_stage import SwitchSettings
from risk.var import VarModel
from universe.master import MASTER
from universe.setting import SettingsError

INSTRUMENTS = [MASTER[code] for code in ("ES", "ZN", "CL", "GC")]
N = 4
ZN = float(1.0 / ten_year_equivalent(np.array([MASTER["ZN"].duration]))[0])
contracts = arrays(np.int64, N, elements=st.integers(-300, 300))


@dataclass(frozen=True)
class Settings(LimitSettings, RiskSettings, GateSettings, SwitchSettings):
    """The tables of risk, as the algorithm joins them."""


def stage(**values):
    return LimitStage.create(Settings(**values), INSTRUMENTS, N)


def book(asked, held=(0, 0, 0, 0), **changes):
    sigma = np.full(N, 0.01)
    values = {
        "day": 100, "nav": 1e7, "names": [i.code for i in INSTRUMENTS],
        "asked": np.array(asked), "held": np.array(held), "unit": np.full(N, 0.01),
        "free": np.ones(N, dtype=bool),
        "model": VarModel(np.eye(N) * 1e-4, sigma, np.zeros((0, N))),
    }  # fmt: skip
    return Book(**{**values, **changes})


def test_targets_are_capped_with_headroom_and_said():
    verdict = stage(limit_headroom=0.2).protect(book([90, 0, 0, 0]))
    assert verdict.contracts.tolist() == [60, 0, 0, 0]
    assert verdict.steps == ("market_notional of ES 0.9 above 0.6: 0.6",)
    assert verdict.scale == pytest.approx(60 / 90)


def test_a_daily_loss_asks_to_freeze_until_it_is_over():
    made = stage(limits="daily_loss 0.03 0.04 freeze")
    for day in (99, 100):
        made.protect(book([10, 0, 0, 0], held=[7, 0, 0, 0], day=day))
    verdict = made.protect(book([10, 0, 0, 0], held=[7, 0, 0, 0], nav=9.5e6, day=101))
    assert verdict.remedy is Remedy.FREEZE
    assert verdict.steps[0].startswith("daily_loss is 0.05, above its limit of 0.04")
    (loss,) = (r for r in verdict.readings if r.limit == "daily_loss")
    assert loss.cause == "account"
    again = made.protect(book([10, 0, 0, 0], held=[7, 0, 0, 0], nav=9.5e6, day=102))
    assert again.remedy is Remedy.SAY
    assert again.contracts.tolist() == [10, 0, 0, 0]


def test_closing_a_book_is_no_unusual_turnover_and_opening_it_again_is():
    made, spike = stage(), {}
    held = [[20 + k % 2, -5, 9, 0] for k in range(70)] + [[5, 0, 0, 0], [0] * 4, [15, -5, 9, 0]]
    for k, now in enumerate(held):
        made.protect(book(now, held=now, day=100 + k))
        (spike[k],) = (r for r in made.readings if r.limit == "turnover_spike")
    assert [spike[k].value for k in (70, 71)] == [0, 0]
    assert spike[72].value == pytest.approx(HISTORY * (15 + 9 + 5 * ZN) / 31, rel=0.1)
    assert spike[72].status.name == "BREACH"


def test_an_unknown_nav_is_no_loss_and_no_drawdown():
    made = stage()
    made.protect(book([0, 0, 0, 0]))
    verdict = made.protect(book([10, 0, 0, 0], nav=np.nan, day=101))
    assert verdict.contracts.tolist() == [10, 0, 0, 0]
    assert made.last_nav == 1e7


def test_spreads_count_with_their_market():
    made = LimitStage.create(Settings(limit_headroom=0.0), INSTRUMENTS, 2 * N)
    asked = np.array([50, 0, 0, 0, 50, 0, 0, 0])
    sigma = np.full(2 * N, 0.01)
    both = book(
        asked, np.zeros(2 * N, dtype=int), unit=np.full(2 * N, 0.01),
        free=np.ones(2 * N, dtype=bool),
        model=VarModel(np.eye(2 * N) * 1e-4, sigma, np.zeros((0, 2 * N))),
    )  # fmt: skip
    assert made.protect(both).contracts.tolist() == [37, 0, 0, 0, 37, 0, 0, 0]


@given(st.lists(st.tuples(contracts, contracts, st.floats(8e6, 1.2e7)), max_size=8), st.data())
def test_a_restart_changes_nothing_and_no_position_grows(days, data):
    one = stage()
    cut = data.draw(st.integers(0, 8))
    for k, (asked, held, nav) in enumerate(days):
        if k == cut:
            other = stage()
            for name in LimitStage.STATE:
                value = getattr(one, name)
                setattr(other, name, value.copy() if isinstance(value, np.ndarray) else value)
            expected = one.protect(book(asked, held, nav=nav, day=100 + k))
            found = other.protect(book(asked, held, nav=nav, day=100 + k))
            assert np.array_equal(found.contracts, expected.contracts)
            assert (found.steps, found.figures) == (expected.steps, expected.figures)
            one = other
            continue
        verdict = one.protect(book(asked, held, nav=nav, day=100 + k))
        assert np.all(np.abs(verdict.contracts) <= np.abs(asked))


class TestSettings:
    def test_changes_of_the_table(self):
        rows = {row.name: row for row in Settings(limits="gross 2 3 say net 1 2 cut").limit_rows}
        assert (rows["gross"].warn, rows["gross"].breach) == (2.0, 3.0)
        assert rows["net"].remedy.name == "CUT"
        assert [row.name for row in TABLE] == list(rows)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("gross 2 3", "must be groups"),
            ("gross 2 3 stop", "remedy of gross is 'stop'"),
            ("gross two 3 say", "both must be numbers"),
            ("gross 4 3 say", "warn is 4 and breach 3"),
            ("grosss 2 3 say", "no limit is called 'grosss'"),
            ("gross 2 3 say gross 3 4 say", "gross is changed twice"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, text, sentence):
        with pytest.raises(SettingsError, match=sentence):
            Settings(limits=text)

    def test_an_unknown_market_of_net_beta_is_refused_and_one_not_traded_leaves_it_out(self):
        with pytest.raises(SettingsError, match="limit_beta_market: unknown market 'ESS'"):
            stage(limit_beta_market="ESS")
        assert stage(limit_beta_market="FXXP")

    def test_what_flattens_needs_somebody_who_can_re_arm(self):
        with pytest.raises(SettingsError, match="gross flattens, and without command_token"):
            stage(limits="gross 2 3 flatten")
        assert stage(limits="gross 2 3 flatten", command_token="0" * 64)

    def test_a_remedy_that_cannot_help_is_refused(self):
        with pytest.raises(SettingsError, match="remedy is cap"):
            stage(limits="drawdown 0.1 0.2 cap")
