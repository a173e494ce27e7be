import dataclasses
import re
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.settings import Settings, SettingsError

SPECS = {spec.name: spec for spec in dataclasses.fields(Settings)}
TIED = ("other_budget", "other_rules", "cost_limit", "cost_limit_out")
"""Have to be given together."""
NUMBERS = {
    name: spec
    for name, spec in SPECS.items()
    if spec.metadata["low"] is not None and name not in TIED
}
FLOATS = sorted(name for name, spec in NUMBERS.items() if isinstance(spec.default, float))
WHOLE = sorted(name for name, spec in NUMBERS.items() if type(spec.default) is int)
CHOICES = {name: type(s.default) for name, s in SPECS.items() if isinstance(s.default, StrEnum)}
SWITCHES = sorted(name for name, spec in SPECS.items() if isinstance(spec.default, bool))


def bounds(name):
    return NUMBERS[name].metadata["low"], NUMBERS[name].metadata["high"]


class TestTable:
    def test_one_row_per_setting_with_its_meaning(self):
        table = Settings.table()
        assert [row["name"] for row in table] == list(SPECS)
        assert all(row["meaning"] and row["allowed"] for row in table)

    @pytest.mark.parametrize("row", Settings.table(), ids=lambda row: row["name"])
    def test_every_default_is_within_its_own_range(self, row):
        parsed = Settings.parse({row["name"]: row["default"]})
        assert getattr(parsed, row["name"]) == getattr(Settings(), row["name"])
        if found := re.fullmatch(r"(\S+) to (\S+)", row["allowed"]):
            assert float(found[1]) <= float(row["default"]) <= float(found[2])
        if row["allowed"].startswith("one of "):
            assert row["default"] in row["allowed"].removeprefix("one of ").split(", ")

    def test_the_published_numbers_are_the_defaults(self):
        """000: 10 % volatility, 99 %/20-day VaR of 20 % and 200 %, the governor's shape;
        001: spans, scalar of carry, volatility."""
        one = Settings()
        assert (one.vol_target, one.var_confidence, one.var_horizon) == (0.10, 0.99, 20)
        assert (one.var_limit, one.var_relative_limit) == (0.20, 2.0)
        expected = ((0.1, 0.8), (0.15, 0.6), (0.2, 0.4))
        np.testing.assert_allclose(one.governor_points(0.1), expected)
        assert one.ewmac_fast == (16, 32, 64)
        assert one.carry_smoothing == (5, 20, 60, 120)
        assert (one.carry_scalar, one.vol_span, one.vol_long_weight) == (30.0, 32, 0.3)
        assert one.trend_budget == 0.5
        assert one.tsmom_weight_12m > max(one.tsmom_weight_3m, one.tsmom_weight_6m)


@st.composite
def valid(draw):
    """Settings with random numbers anywhere in their ranges."""
    values = {}
    for name in draw(st.lists(st.sampled_from(FLOATS), unique=True)):
        values[name] = draw(st.floats(*bounds(name)))
    for name in draw(st.lists(st.sampled_from(WHOLE), unique=True)):
        values[name] = draw(st.integers(*map(int, bounds(name))))
    for name, choices in CHOICES.items():
        values[name] = draw(st.sampled_from(list(choices)))
    for name in SWITCHES:
        values[name] = draw(st.booleans())
    values["other_budget"] = 0.0  # which goes with rules of that style, and there are none
    values["tsmom_weight_12m"] = draw(st.floats(0.01, 1))
    return Settings(**values)


class TestRoundTrip:
    @given(valid())
    def test_strings_read_back_are_the_same_settings(self, one):
        strings = one.as_strings()
        assert all(isinstance(text, str) for text in strings.values())
        assert Settings.parse(strings) == one
        assert Settings.parse(strings).hash() == one.hash()

    def test_strings_stay_readable(self):
        strings = Settings(vol_target=0.1, cash=5e7).as_strings()
        assert strings["vol_target"] == "0.1"
        assert strings["follow_mapping"] == "true"

    def test_names_not_given_keep_their_defaults(self):
        assert Settings.parse({}) == Settings()
        assert Settings.parse({"vol_target": "0.2"}) == Settings(vol_target=0.2)

    def test_numbers_may_be_written_as_people_do(self):
        one = Settings.parse({"cash": "1e8", "var_horizon": " 10 ", "vol_span": "40.0"})
        assert (one.cash, one.var_horizon, one.vol_span) == (1e8, 10, 40)
        assert isinstance(one.vol_span, int)

    def test_text_may_have_blanks_around_it(self):
        assert Settings.parse({"trend_rules": " ewmac "}).trend_rules == "ewmac"


class TestRefusals:
    @pytest.mark.parametrize("name", sorted(NUMBERS))
    @pytest.mark.parametrize("side", [0, 1])
    def test_out_of_range(self, name, side):
        low, high = bounds(name)
        bad = [low - 1, high + 1][side] if name in WHOLE else [low - 0.5, high * 1.1][side]
        bad = int(bad) if name in WHOLE else float(bad)
        with pytest.raises(SettingsError) as error:
            Settings.parse({name: repr(bad)})
        for word in (name, repr(type(getattr(Settings(), name))(bad)), f"{low:g}", f"{high:g}"):
            assert word in str(error.value)

    @pytest.mark.parametrize("name", sorted(NUMBERS))
    def test_both_ends_of_the_range_are_allowed(self, name):
        for bound in bounds(name):
            text = {"end": "2022-06-30", name: f"{bound:.10g}"}
            assert getattr(Settings.parse(text), name) == bound

    @pytest.mark.parametrize("text", ["", "ten", "1,5", "nan", "inf", "-inf", "1e400", "0x10"])
    def test_not_a_number(self, text):
        with pytest.raises(SettingsError, match=r"vol_target is .*must be a number") as error:
            Settings.parse({"vol_target": text})
        assert repr(text) in str(error.value)

    def test_not_a_whole_number(self):
        with pytest.raises(SettingsError, match=r"var_horizon is '20.5'.*a whole number"):
            Settings.parse({"var_horizon": "20.5"})

    def test_not_a_whole_number_by_the_constructor_either(self):
        with pytest.raises(SettingsError, match=r"var_horizon is 20.5.*a whole number"):
            Settings(var_horizon=20.5)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", CHOICES)
    def test_not_one_of_the_choices(self, name):
        with pytest.raises(SettingsError) as error:
            Settings.parse({name: "chartist"})
        for word in (name, "'chartist'", *CHOICES[name]):
            assert word in str(error.value)

    def test_unknown_name_with_the_nearest_known_one(self):
        with pytest.raises(SettingsError, match=r"unknown setting 'vol_targt'.*'vol_target'"):
            Settings.parse({"vol_targt": "0.1"})

    def test_unknown_name_near_nothing_says_where_they_are_listed(self):
        with pytest.raises(SettingsError, match=r"unknown setting 'zzz'.*make settings lists all"):
            Settings.parse({"zzz": "0.1"})

    @pytest.mark.parametrize("text", ["yesterday", "2020-13-01", "", "01/02/2020"])
    @pytest.mark.parametrize("name", ["start", "end"])
    def test_bad_dates(self, name, text):
        with pytest.raises(SettingsError, match=f"{name} is .*a date like 2000-01-31") as error:
            Settings.parse({name: text})
        assert repr(text) in str(error.value)

    def test_cost_limits_in_the_wrong_order(self):
        with pytest.raises(SettingsError, match=r"cost_limit is 0.2, above cost_limit_out 0.1"):
            Settings(cost_limit=0.2, cost_limit_out=0.1)

    def test_other_rules_and_their_budget_go_together(self):
        with pytest.raises(SettingsError, match=r"other_budget is 0.2 and other_rules name 0"):
            Settings(other_budget=0.2)
        with pytest.raises(SettingsError, match=r"other_rules is 'chartist'; it must be"):
            Settings(other_rules="chartist")

    def test_end_before_start(self):
        with pytest.raises(SettingsError, match=r"end is 2000-01-01, before start 2001-01-01"):
            Settings(start="2001-01-01", end="2000-01-01")

    @pytest.mark.parametrize("text", ["", "16 16", "16 33", "16 x", "1", "2.5"])
    def test_bad_ewmac_spans(self, text):
        with pytest.raises(SettingsError, match="ewmac_spans is"):
            Settings.parse({"ewmac_spans": text})

    @pytest.mark.parametrize("text", ["", "5 5", "0", "-3", "five"])
    def test_bad_carry_spans(self, text):
        with pytest.raises(SettingsError, match="carry_spans is"):
            Settings.parse({"carry_spans": text})

    @pytest.mark.parametrize(
        "text",
        ["", "0.05", "0.1 0.8 0.05 0.6", "0.05 0.6 0.1 0.8", "0 0.9", "1.5 0.1", "0.1 1.2", "a b"],
    )
    def test_bad_governor_maps(self, text):
        with pytest.raises(SettingsError, match="governor is"):
            Settings.parse({"governor": text})

    @pytest.mark.parametrize("text", ["ES", "ES x", "ES 0.6 ZN"])
    def test_bad_reference_portfolios(self, text):
        with pytest.raises(SettingsError, match="var_reference is"):
            Settings.parse({"var_reference": text})

    def test_a_weight_beyond_reason_and_a_market_named_twice_are_refused(self):
        with pytest.raises(SettingsError, match=r"var_reference has 1e\+300 of ES; at most 10 is"):
            Settings.parse({"var_reference": "ES 1e300"})
        with pytest.raises(SettingsError, match=r"var_reference is .*; ES stands in it twice"):
            Settings.parse({"var_reference": "ES 0.6 ES 0.4"})

    @pytest.mark.parametrize("test", ["relative", "both"])
    @pytest.mark.parametrize("text", ["", "ES 0", "ES 0 ZN 0.0"])
    def test_a_reference_portfolio_of_nothing_stops_a_relative_test(self, text, test):
        """Its limit would never apply, without a word."""
        with pytest.raises(
            SettingsError, match=rf"var_reference is '{text}'; with var_test {test}"
        ):
            Settings.parse({"var_reference": text, "var_test": test})
        assert Settings.parse({"var_reference": text}).var_test == "rule"

    def test_momentum_without_any_weight(self):
        zero = {f"tsmom_weight_{horizon}m": "0" for horizon in (3, 6, 12)}
        with pytest.raises(SettingsError, match=r"tsmom_weight_3m.*must be positive"):
            Settings.parse(zero)

    @pytest.mark.parametrize("bad", [True, "0.1", None, float("nan")])
    def test_values_of_another_type(self, bad):
        with pytest.raises(SettingsError, match="vol_target is"):
            Settings(vol_target=bad)


class TestDerived:
    def test_reference_weights(self):
        assert Settings().reference_weights == {"ES": 0.6, "ZN": 0.4}
        assert Settings(var_reference="").reference_weights == {}

    def test_days(self):
        one = Settings(start="2000-01-03", end="2000-02-29")
        assert (one.first_day.year, one.last_day.day) == (2000, 29)


OTHER = {
    "leverage_of": "NQ",
    "direction_markets": "ES",
    "start": "1991-01-01",
    "end": "2021-06-30",
    "markets": "ES ZN",
    "ewmac_spans": "8 16",
    "carry_spans": "20",
    "breakout_horizons": "20",
    "trend_rules": "ewmac tsmom",
    "carry_rules": "calendar smoothed",
    "var_reference": "ES 1",
    "beta_market": "NQ",
    "deployment": "second-fund",
    "execution_algorithm": "twap bond vwap",
    "execution_by_size": "pov 0.05",
    "execution_windows": "0905-0915 Europe/Berlin",
    "signal_half_lives": "trend 20 carry 60",
    "order_account": "U1",
    "account": "U1234567",
    "own_budgets": "equity 1",
    "instruments": "mine.csv",
    "alert_hook": "https://example.org/alerts",
    "alert_mail": "risk@example.org",
    "command_token": "0" * 64,
    "limit_beta_market": "NQ",
    "ladder_terms": "28 91",
    "limits": "gross 3 4 say",
    "governor": "0.1 0.5",
}


class TestHash:
    @pytest.mark.parametrize("name", sorted(set(SPECS) - set(TIED)))
    def test_changes_with_any_value(self, name):
        default = getattr(Settings(), name)
        if name in NUMBERS:
            low, high = bounds(name)
            other = low if default != low else high
            other = int(other) if name in WHOLE else other
        else:
            choices = [c for c in CHOICES.get(name, ()) if c != default]
            other = choices[0] if choices else OTHER.get(name, not default)
        assert Settings(**{name: other}).hash() != Settings().hash()

    @pytest.mark.parametrize("name", ["vol_target", "impact", "cash"])
    def test_changes_with_the_last_digit_of_a_float(self, name):
        value = getattr(Settings(), name) * (1 + 1e-15)
        assert Settings(**{name: value}).hash() != Settings().hash()

    def test_is_twelve_hex_digits_and_repeatable(self):
        assert re.fullmatch(r"[0-9a-f]{12}", Settings().hash())
        assert Settings().hash() == Settings().hash()

    def test_of_equal_settings_is_equal(self):
        one, other = Settings(cash=50_000_000), Settings(cash=50_000_000.0)
        assert one == other
        assert one.hash() == other.hash()
