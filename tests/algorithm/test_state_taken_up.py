"""What of a state document is taken up: all, the account's part, or nothing, whatever it holds."""

import base64
import hashlib
import itertools
import json
import math
from copy import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algorithm.decision import Account
from algorithm.settings import Settings, SettingsError
from algorithm.state import (
    Owner,
    OwnerError,
    StateError,
    dependencies,
    load_state,
    save_state,
    state_keys,
)
from algorithm.state_document import VERSION, encoded, sealed
from algorithm.strategy import Strategy
from research.engine.engine import EmbeddedEngine
from risk.governor import DrawdownGovernor

RULES = dict(
    vol_span=10,
    vol_long_sessions=60,
    var_years=1.0,
    var_min_sessions=60,
    corr_span=60,
    carry_spans="5 20",
    ewmac_spans="2 4",
    trend_rules="tsmom ewmac breakout",
    breakout_horizons="10 20",
    forecast_multiplier="estimated",
    carry_rules="smoothed cross_section calendar",
    carry_source="class",
)
OWNER = Owner("trend-carry", "U123", "USD")


@pytest.fixture(scope="module")
def stopped(made_up):
    """An engine in the middle of its run, and the bars of the next session."""
    days = np.unique(np.concatenate([m.day for m in made_up.markets.values()]))
    first, last = (str(np.datetime64(int(day), "D")) for day in (days[20], days[-1]))
    engine = EmbeddedEngine(made_up, Settings(start=first, end=last, **RULES))
    bars = iter(engine.feed)
    for _ in range(200):
        engine.step(next(bars))
    return engine, next(bars).session


@pytest.fixture(scope="module")
def body(stopped):
    return json.loads(json.loads(save_state(stopped[0].strategy, owner=OWNER))["body"])


@pytest.fixture
def fresh(stopped):
    """A strategy of the same or of other settings and markets that knows nothing."""

    def make(instruments=None, **changes):
        engine = stopped[0]
        values = {**RULES, "start": engine.settings.start, "end": engine.settings.end, **changes}
        return Strategy(Settings(**values), instruments or engine.strategy.instruments)

    return make


@pytest.fixture(scope="module")
def under_water(stopped):
    """State of a fund 17 % below its peak, with the governor at 0.60."""
    engine = stopped[0]
    governor = engine.strategy.scale_named("governor")
    kept = {key: np.copy(getattr(governor, key)) for key in governor.STATE}
    for nav in (6e7, 0.83 * 6e7):
        governor.update(nav)
    before, engine.strategy.last_nav = engine.strategy.last_nav, 0.83 * 6e7
    document = save_state(engine.strategy, owner=OWNER)
    assert governor.share == 0.6
    for key, value in kept.items():
        setattr(governor, key, value if value.ndim else value.item())
    engine.strategy.last_nav = before
    return document


# --- declarations --------------------------------------------------------------------------------
class TestDeclarations:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"trend_rules": "tsmom", "carry_rules": "smoothed", "forecast_multiplier": "table"},
            {"carry_rules": "smoothed cross_section relative_value calendar directional"},
        ],
    )
    def test_every_component_names_settings_that_there_are(self, fresh, changes):
        strategy = fresh(**changes)
        assert dependencies(strategy).keys() == strategy.components().keys()

    def test_one_that_names_none_is_refused(self, fresh):
        strategy = fresh()

        class Silent:
            STATE = ("x",)
            x = 1

        parts = strategy.components()
        strategy.components = lambda: parts | {"silent": Silent()}
        with pytest.raises(TypeError, match="Silent has state and no DEPENDS"):
            save_state(strategy)
        Silent.DEPENDS = ("no_such_span",)
        with pytest.raises(
            TypeError, match="silent depends on 'no_such_span', which is no setting"
        ):
            save_state(strategy)

    @pytest.mark.parametrize("name", ["governor", "bias"])
    def test_what_is_about_the_account_alone_is_declared_so(self, fresh, name):
        component = fresh().components()[name]
        assert component.ACCOUNT == component.STATE

    def test_a_settings_value_whose_part_changes_shape_is_declared(self, fresh):
        """Every setting that changes the shape of a part is among those the part depends on."""
        base = fresh()
        shapes = {n: _shapes(c) for n, c in base.components().items()}
        for name, other in (
            ("vol_span", 20),
            ("vol_long_sessions", 90),
            ("var_years", 2.0),
            ("corr_span", 90),
            ("corr_window", 90),
            ("carry_spans", "5 20 60"),
            ("ewmac_spans", "2 4 8"),
            ("breakout_horizons", "10 20 40"),
            ("trend_rules", "tsmom breakout"),
        ):
            changed = fresh(**{name: other})
            depends = dependencies(changed)
            for part, component in changed.components().items():
                if part in shapes and _shapes(component) != shapes[part]:
                    assert name in depends[part], part


def _shapes(component):
    return {key: np.shape(getattr(component, key)) for key in component.STATE}


# --- other settings, other markets ---------------------------------------------------------------
class TestOtherSettings:
    def test_another_span_is_refused_by_name_and_the_account_taken_up(self, fresh, under_water):
        strategy = fresh(vol_span=12)
        found = load_state(strategy, under_water)
        assert not found.whole
        assert any(
            "vol, spreads.vol: written with vol_span '10', now '12'" in text
            for text in found.refused
        )
        assert "only what is about the account is taken up" in found.refused[-1]
        assert strategy.day == 0
        assert strategy.markets.held.tolist() == [0] * 6
        governor = strategy.scale_named("governor")
        assert (governor.share, round(governor.drawdown, 9)) == (0.6, 0.17)
        assert strategy.last_nav == 0.83 * 6e7

    def test_another_market_leaves_the_governor_under_water(self, fresh, under_water):
        strategy = fresh(fresh().instruments[:-1])
        found = load_state(strategy, under_water)
        assert not found.whole
        assert "now there are 10; gone: MT1 MT1 spread" in found.refused[0]
        assert strategy.scale_named("governor").allowed == pytest.approx(0.6)
        assert strategy.last_nav == 0.83 * 6e7

    def test_a_scalar_that_no_state_depends_on_changes_nothing(self, fresh, under_water):
        strategy = fresh(carry_scalar=31.0)
        found = load_state(strategy, under_water)
        assert found.whole
        assert found.refused == ()
        assert strategy.scale_named("governor").allowed == pytest.approx(0.6)

    def test_a_part_of_the_chain_is_refused_alone(self, fresh, under_water, stopped):
        strategy = fresh(buffer=0.3)
        strategy.trading.DEPENDS = ("buffer",)
        found = load_state(strategy, under_water)
        assert found.whole
        assert found.refused == ("trading: written with buffer '0.2', now '0.3'",)
        assert strategy.day == stopped[0].strategy.day
        assert strategy.screen.screened.any()
        assert not strategy.trading.model_contracts.any()

    def test_the_bias_of_the_forecasts_outlasts_another_span(self, fresh, under_water, stopped):
        strategy = fresh(bias_span=100, vol_span=12)
        assert not load_state(strategy, under_water).whole
        assert strategy.bias.value == stopped[0].strategy.bias.value

    def test_a_rule_that_was_not_there_is_named(self, fresh, stopped):
        strategy = fresh(trend_rules="tsmom")
        load_state(strategy, save_state(fresh(trend_rules="tsmom")))
        found = load_state(fresh(), save_state(strategy))
        assert not found.whole
        assert any("it is not in the document" in text for text in found.refused)

    @pytest.mark.parametrize("window", [60, 100, 252, 400])
    def test_a_governor_of_another_window_keeps_what_it_has_seen(self, fresh, under_water, window):
        strategy = fresh(governor_window=window)
        assert load_state(strategy, under_water).whole
        governor = strategy.scale_named("governor")
        assert governor.share == 0.6
        governor.update(0.83 * 6e7)
        assert governor.peak == 6e7
        assert governor.drawdown == pytest.approx(0.17)

    @given(
        st.lists(st.floats(1.0, 1e9), min_size=1, max_size=30),
        st.integers(1, 9),
        st.integers(1, 9),
        st.lists(st.floats(1.0, 1e9), max_size=5),
    )
    def test_fitted_to_another_window_equals_having_had_it(self, navs, old, new, later):
        """As far as the old window remembers."""
        points = ((0.1, 0.8), (0.2, 0.5))
        one, other = (DrawdownGovernor(points, 1.0, 0.05, window) for window in (old, new))
        for nav in navs:
            one.update(nav)
        for nav in navs[-min(old, new) :]:
            other.update(nav)
        fitted = DrawdownGovernor(points, 1.0, 0.05, new)
        values = fitted.from_state({key: getattr(one, key) for key in one.STATE})
        for key, value in values.items():
            setattr(fitted, key, value)
        for nav in [navs[-1], *later]:
            fitted.update(nav)
            other.update(nav)
            assert fitted.peak == other.peak
            assert fitted.drawdown == other.drawdown

    def test_a_warm_up_after_it_is_one_without_it(self, made_up, stopped, fresh, under_water):
        """Only what is about the account differs from a start without a document."""
        plain, partly = fresh(vol_span=12), fresh(vol_span=12)
        load_state(partly, under_water)
        engine = stopped[0]
        for bars in itertools.islice(engine.feed, 60):
            for strategy in (plain, partly):
                for market, known in enumerate(engine.strategy.markets.contracts):
                    strategy.markets.contracts[market].update(known)
                strategy.observe(bars.session)
        for name, component in plain.components().items():
            other = partly.components()[name]
            for key in set(component.STATE) - set(getattr(component, "ACCOUNT", ())):
                one, two = getattr(component, key), getattr(other, key)
                assert np.array_equal(one, two) or np.array_equal(one, two, equal_nan=True), key
        assert partly.bias.value == engine.strategy.bias.value


# --- owner and age -------------------------------------------------------------------------------
class TestOwnerAndAge:
    @pytest.mark.parametrize(
        ("other", "sentence"),
        [
            (Owner("paper", "U123"), "belongs to name 'trend-carry'; this is 'paper'"),
            (Owner("trend-carry", "U9"), "belongs to account 'U123'; this is 'U9'"),
            (Owner("trend-carry", "U123", "EUR"), "belongs to currency 'USD'; this is 'EUR'"),
        ],
    )
    def test_anothers_is_refused(self, fresh, under_water, other, sentence):
        strategy = fresh()
        before = save_state(strategy)
        with pytest.raises(OwnerError, match=sentence):
            load_state(strategy, under_water, owner=other)
        assert save_state(strategy) == before

    def test_ones_own_is_taken_up(self, fresh, under_water):
        assert load_state(fresh(), under_water, owner=OWNER).whole

    def test_a_day_to_come_is_refused(self, fresh, under_water, stopped):
        strategy, day = fresh(), stopped[0].strategy.day
        before = save_state(strategy)
        with pytest.raises(StateError, match=r"after today, \d{4}-\d\d-\d\d"):
            load_state(strategy, under_water, today=day - 1)
        assert save_state(strategy) == before
        assert load_state(strategy, under_water, today=day).whole

    def test_an_old_one_gives_the_account_alone(self, fresh, under_water, stopped):
        day = stopped[0].strategy.day
        assert load_state(fresh(), under_water, today=day + 90).whole
        strategy = fresh()
        found = load_state(strategy, under_water, today=day + 1826)
        assert not found.whole
        assert found.refused[0] == "state is 1,826 days old; state_max_age is 90"
        assert strategy.day == 0
        assert strategy.scale_named("governor").allowed == pytest.approx(0.6)

    def test_every_deployment_has_keys_of_its_own(self):
        assert state_keys("a-b_9") == ("a-b_9/state.json", "a-b_9/state-previous.json")

    @pytest.mark.parametrize("name", ["", "a/b", "a b", "a.b", "x" * 65])
    def test_a_deployment_is_named_so_that_the_store_takes_it(self, name):
        with pytest.raises(SettingsError, match="deployment is"):
            Settings(deployment=name)


# --- whatever a document holds -------------------------------------------------------------------
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(2**63), 2**63, math.nan, math.inf, -math.inf, 1e308])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["A" * 8, "====", "<f8", "|O", "<i8", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def _paths(value, depth):
    """Paths to everything in the document down to ``depth``."""
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = list(enumerate(value))[:3]
    else:
        return
    for key, part in inside:
        yield (key,)
        if depth:
            yield from ((key, *rest) for rest in _paths(part, depth - 1))


def _changed(body, path, change):
    whole = place = copy(body)
    for key in path[:-1]:
        place[key] = place = copy(place[key])
    change(place, path[-1])
    return whole


def _unsealed(body):
    text = json.dumps(body)
    return json.dumps(
        {"version": VERSION, "sha256": hashlib.sha256(text.encode()).hexdigest(), "body": text}
    )


def _outcome(strategy, document, session, before=None):
    """Load; if refused nothing has changed, if taken up the next session is decided on."""
    before = before or save_state(strategy)
    try:
        load_state(strategy, document)
    except StateError:
        assert save_state(strategy) == before
        return False
    with np.errstate(all="ignore"):
        decision = strategy.decide(session, Account(5e7))
    assert decision.contracts.shape == (12,)
    return True


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestWhateverItHolds:
    def test_the_document_itself_is_taken_up(self, body, fresh, stopped):
        assert _outcome(fresh(), sealed(body), stopped[1])

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(st.data())
    def test_anything_in_any_place(self, body, fresh, stopped, data):
        path = data.draw(st.sampled_from(sorted(_paths(body, 4), key=str)))
        new = data.draw(anything)

        def replace(place, key):
            place[key] = new

        _outcome(fresh(), _unsealed(_changed(body, path, replace)), stopped[1])

    @pytest.mark.parametrize(
        "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2))]
    )
    def test_anything_missing(self, body, fresh, stopped, part):
        """Of all places every third one; the others take long."""
        strategy = fresh()
        before = save_state(strategy)

        def remove(place, key):
            del place[key]

        for path in list(_paths(body, 3))[part::3]:
            if path[0] in ("assets", "extra", "settings", "contracts") and len(path) > 1:
                continue
            document = _unsealed(_changed(body, path, remove))
            taken = _outcome(strategy, document, stopped[1], before)
            assert not taken, path

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(st.data())
    def test_any_bytes_in_any_array(self, body, fresh, stopped, data):
        arrays = [
            (part, key)
            for part, stored in sorted(body["components"].items())
            for key, value in sorted(stored.items())
            if isinstance(value, dict) and "dtype" in value
        ]
        part, key = data.draw(st.sampled_from(arrays))
        changes = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "dtype": st.sampled_from(["<f8", "<i8", "|b1", "|O", "<U5", "x", None, 3]),
                    "shape": st.lists(st.integers(-2, 10**12) | anything, max_size=3),
                    "data": st.binary(max_size=64).map(lambda b: b.hex()) | anything,
                },
            )
        )

        def change(place, name):
            place[name] = place[name] | changes

        document = _unsealed(_changed(body, ("components", part, key), change))
        _outcome(fresh(), document, stopped[1])

    @pytest.mark.parametrize("text", ["", "x", "null", "{}", "[]", "3", "[" * 100_000, '"\\ud800"'])
    def test_bodies_that_are_none(self, fresh, text):
        strategy = fresh()
        before = save_state(strategy)
        document = json.dumps(
            {"version": VERSION, "sha256": hashlib.sha256(text.encode()).hexdigest(), "body": text}
        )
        with pytest.raises(StateError):
            load_state(strategy, document)
        assert save_state(strategy) == before

    @pytest.mark.parametrize("document", [None, 3, b"x", "\ud800", '{"version": 2}'])
    def test_documents_that_are_none(self, fresh, document):
        with pytest.raises(StateError):
            load_state(fresh(), document)

    @pytest.mark.parametrize(
        ("part", "key", "value", "sentence"),
        [
            ("markets", "last_quotes", None, "it must be list"),
            ("markets", "last_quotes", [[]], "quotes are of 1 market"),
            ("markets", "last_quotes", [[[math.nan, 1.0]]] * 6, "cannot be read"),
            ("screen", "screened_in", math.nan, "it must be int"),
            ("bias", "weight", 0, "weight must be above 0"),
            ("bias", "squares", math.nan, "must be finite"),
            ("bias", "squares", 1e12, "adds at most 36 times"),
            ("bias", "weight", 1e12, "bias.weight holds 1e\\+12; it must be from 0"),
            ("strategy", "last_nav", 1e300, "strategy.last_nav holds 1e\\+300"),
            ("governor", "peak", -1e300, "governor.peak holds -1e\\+300"),
            ("screen", "screened_in", 10**300, "screen.screened_in holds 1e\\+300"),
            ("macro", "latest", {"usd.3m": [1, 1e300]}, "macro.latest holds 1e\\+300"),
            ("markets", "last_quotes", [[[202003, 1e300]]] * 6, "last_quotes holds 1e\\+300"),
            ("governor", "peak", -1.0, "must not be negative"),
            ("governor", "share", 1.5, "beyond 0 to 1"),
            ("observer", "day", 1, "of different days"),
            ("macro", "latest", {"usd.3m": ["x", 1.0]}, "cannot be read"),
            ("kill switch", "mode", -1, "mode is -1, its log ends with 0"),
            ("kill switch", "mode", 1, "mode is 1, its log ends with 0"),
            ("kill switch", "mode", 99, "mode is 99"),
            ("kill switch", "left", -1, "must not be negative"),
            ("kill switch", "log", [3], "no change of it"),
            ("kill switch", "log", [[1]], "no change of it"),
            ("kill switch", "log", [[1, 7, "limit", "", "x"]], "no change of it"),
            ("kill switch", "log", [[1, 1, "nobody", "", "x"]], "no change of it"),
            ("kill switch", "log", [[1, 2, "limit", "", "x"]], "mode is 0, its log ends with 2"),
            ("kill switch", "told", -1, "-1 of 0 entries"),
            ("kill switch", "told", 1, "1 of 0 entries"),
        ],
    )
    def test_what_no_component_would_keep(self, body, fresh, part, key, value, sentence):
        def change(place, name):
            place[name] = value

        strategy = fresh()
        before = save_state(strategy)
        with pytest.raises(StateError, match=sentence):
            load_state(strategy, _unsealed(_changed(body, ("components", part, key), change)))
        assert save_state(strategy) == before

    @pytest.mark.parametrize("absurd", [1e300, -1e300])
    def test_an_extreme_figure_in_any_array(self, body, fresh, absurd):
        """Finite, but nothing that prices, volatilities or an account ever are."""
        strategy = fresh()
        before = save_state(strategy)
        for part, stored in body["components"].items():
            for key, value in stored.items():
                if not isinstance(value, dict) or value.get("dtype") != "<f8" or not value["data"]:
                    continue
                data = np.full(value["shape"], np.nan)
                data.flat[-1] = absurd

                def change(place, name, data=data):
                    place[name] = encoded(data)

                document = _unsealed(_changed(body, ("components", part, key), change))
                with pytest.raises(StateError, match=rf"{part}\.{key} holds -?1e\+300"):
                    load_state(strategy, document)
        assert save_state(strategy) == before

    @pytest.mark.parametrize(
        ("part", "key", "factor", "sentence"),
        [
            ("rates", "rate", 1e-3, "EUR stands at"),
            ("worst", "fall", -1.0, "worst.fall holds"),
            ("margin", "ratio", -1.0, "margin.ratio holds"),
        ],
    )
    def test_a_figure_that_would_become_positions(self, body, fresh, part, key, factor, sentence):
        stored = body["components"][part][key]
        data = np.frombuffer(base64.b64decode(stored["data"])).reshape(stored["shape"])

        def change(place, name):
            place[name] = encoded(data * factor)

        with pytest.raises(StateError, match=sentence):
            load_state(fresh(), _unsealed(_changed(body, ("components", part, key), change)))

    def test_a_held_contract_that_nobody_lists(self, body, fresh):
        def change(place, key):
            place[key] = [[] for _ in place[key]]

        with pytest.raises(StateError, match="which it does not list"):
            load_state(fresh(), _unsealed(_changed(body, ("contracts",), change)))
