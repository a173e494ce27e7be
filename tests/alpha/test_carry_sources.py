import json
import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.carry_formulas import BASKETS, FX_CURRENCIES, Cause
from alpha.carry_sources import CarrySources, Source, series_needed
from alpha.class_carry import (
    bond_carry,
    equity_carry,
    fx_carry,
    par_duration,
    volatility_carry,
)
from alpha.seasonal import SeasonalAdjuster
from tests.helpers import instrument
from universe.arrays import to_epoch_day
from universe.curves import TENORS, MacroState
from universe.instruments import AssetClass
from universe.master import MASTER

DAY = to_epoch_day(date(2021, 3, 1))

CODES = ("ES", "ZN", "6E", "VX", "CL", "ZC", "GC", "SR3")
ES, ZN, SIXE, VX, CL, ZC, GC, SR3 = range(len(CODES))

PRICE = np.array([3900.0, 133.0, 1.2, 27.0, 60.0, 5.5, 1725.0, 99.8])
NEAR = PRICE + np.array([0.0, 0.0, 0.0, -1.0, 0.5, 0.1, 0.0, 0.05])
FAR = PRICE + np.array([-6.0, -0.6, 0.003, 0.0, 0.0, 0.0, 4.0, 0.0])
NEAR_EXPIRY = DAY + np.array([18, 21, 14, 16, 20, 74, 57, 470])
FAR_EXPIRY = NEAR_EXPIRY + np.array([91, 91, 91, 28, 31, 62, 61, 91])
MONTH = np.array([202103, 202103, 202103, 202103, 202104, 202105, 202104, 202206])
BASIS = (NEAR - FAR) * 365.25 / (FAR_EXPIRY - NEAR_EXPIRY)

RATES = {
    "usd.3m": 0.001,
    "usd.2y": 0.0015,
    "usd.5y": 0.007,
    "usd.10y": 0.014,
    "usd.30y": 0.022,
    "eur.3m": -0.0055,
    "es.dividend_yield": 0.015,
    "vix.spot": 23.0,
    "vix.m1": 24.0,
    "vix.m2": 27.0,
    "vix.m1.days": 16.0,
    "vix.m2.days": 44.0,
}


def macro_of(values=RATES, day=DAY, max_age=10):
    macro = MacroState(max_age)
    macro.update(day, values)
    return macro


def without(*names):
    return {name: value for name, value in RATES.items() if name not in names}


def sources(codes=CODES, mode="class", **kwargs):
    return CarrySources([MASTER[code] for code in codes], mode, **kwargs)


def ask(rule, macro=None, day=DAY, **changes):
    """The usual session with some of its arrays changed: name={market: value}."""
    arrays = {
        "near_price": NEAR,
        "far_price": FAR,
        "near_expiry": NEAR_EXPIRY,
        "far_expiry": FAR_EXPIRY,
        "price": PRICE,
        "near_month": MONTH,
    }
    arrays = {name: array.copy() for name, array in arrays.items()}
    for name, values in changes.items():
        for market, value in values.items():
            arrays[name][market] = value
    return rule.raw(day, *arrays.values(), macro)


def reason(found, market):
    return [text for where, text in found.reasons if where == market]


class TestClassFormulas:
    def test_every_class_by_its_own_formula_times_price(self):
        macro = macro_of()
        found = ask(sources(), macro)
        curve = macro.curve("usd", DAY)
        expected = {
            ES: equity_carry(0.015, 0.001) * 3900.0,
            ZN: bond_carry(curve, 0.001, MASTER["ZN"].duration) * 133.0,
            SIXE: fx_carry(-0.0055, 0.001) * 1.2,
            VX: volatility_carry(24.0, 27.0, 16, 44),  # points of the index, not a rate
            CL: BASIS[CL],
            ZC: BASIS[ZC],
            GC: BASIS[GC],
            SR3: BASIS[SR3],
        }
        np.testing.assert_allclose(found.raw, list(expected.values()), rtol=1e-12)
        assert [Source(s) for s in found.source] == [
            Source.DIVIDEND_YIELD,
            Source.YIELD_CURVE,
            Source.SHORT_RATES,
            Source.VOLATILITY_POINTS,
            Source.TERM_STRUCTURE,
            Source.TERM_STRUCTURE,
            Source.TERM_STRUCTURE,
            Source.BASIS,
        ]

    def test_numbers_by_hand(self):
        """ES 1.4 % of 3900; 6E -0.65 % of 1.2; VX -3 points in 28 days."""
        raw = ask(sources(), macro_of()).raw
        assert raw[ES] == pytest.approx(54.6)
        assert raw[SIXE] == pytest.approx(-0.0078)
        assert raw[VX] == pytest.approx(-39.134, abs=1e-3)

    def test_basis_mode_takes_the_pair_everywhere(self):
        found = ask(sources(mode="basis"), macro_of())
        np.testing.assert_allclose(found.raw, BASIS)
        assert set(found.source.tolist()) == {Source.BASIS}
        assert found.reasons == []

    def test_only_money_market_quotes_are_always_on_the_basis_and_say_so_once(self):
        rule = sources()
        (sentence,) = reason(ask(rule, macro_of()), SR3)
        assert sentence == (
            "SR3: a quote of 100 minus the rate has no bond's yield: the basis of the futures pair "
            "is used instead"
        )
        assert ask(rule, macro_of(), DAY + 1).reasons == []

    def test_overnight_rates_finance_where_three_months_are_missing(self):
        macro = macro_of({**without("usd.3m"), "usd.overnight": 0.004})
        found = ask(sources(), macro)
        assert found.raw[ES] == pytest.approx((0.015 - 0.004) * 3900)
        assert found.source[ZN] == Source.YIELD_CURVE

    def test_rates_of_different_tenors_are_not_compared(self):
        macro = macro_of({**without("usd.3m"), "usd.overnight": 0.004})
        assert ask(sources(), macro).source[SIXE] == Source.BASIS
        macro.update(DAY, {"eur.overnight": -0.006})
        assert ask(sources(), macro).raw[SIXE] == pytest.approx((-0.006 - 0.004) * 1.2)

    def test_volatility_from_spot_where_the_second_month_is_missing(self):
        found = ask(sources(), macro_of(without("vix.m2")))
        assert found.raw[VX] == pytest.approx(-1.0 * 365.25 / 16)
        assert found.source[VX] == Source.VOLATILITY_POINTS

    def test_volatility_after_a_month_turn_without_a_second_month(self):
        """The old second month is today's first: the two are no slope."""
        macro = macro_of()
        macro.update(DAY + 1, {"vix.spot": 25.0, "vix.m1": 27.5, "vix.m1.days": 43.0})
        found = ask(sources(), macro, DAY + 1)
        assert found.raw[VX] == pytest.approx(-2.5 * 365.25 / 43)
        macro.update(DAY + 2, {"vix.m1": 28.0, "vix.m1.days": 42.0})
        found = ask(sources(), macro, DAY + 2)
        assert found.raw[VX] == pytest.approx(BASIS[VX])
        assert found.source[VX] == Source.BASIS
        assert reason(found, VX) == [
            "VX: vix.m1 and vix.m2 or vix.spot with their days to expiry are missing or older than "
            "10 days, or not of one day: the basis of the futures pair is used instead"
        ]
        macro.update(DAY + 3, RATES)
        found = ask(sources(), macro, DAY + 3)
        assert found.raw[VX] == pytest.approx(-3.0 * 365.25 / 28)

    @given(st.lists(st.sets(st.sampled_from([n for n in RATES if "vix" in n])), max_size=6))
    @settings(deadline=None)
    def test_volatility_never_mixes_days(self, days):
        """Each day's points are its own: whatever is missing, the slope is one that was seen."""
        macro, seen = MacroState(), {}
        found = BASIS[VX]
        for k, missing in enumerate(days):
            points = {
                "vix.spot": 20.0 + k,
                "vix.m1": 21.0 + 3 * k,
                "vix.m2": 25.0 + 7 * k,
                "vix.m1.days": 30.0 - k,
                "vix.m2.days": 59.0 + k,
            }
            macro.update(DAY + k, {n: v for n, v in points.items() if n not in missing})
            seen |= {n: k for n in points if n not in missing}
            found = ask(sources(), macro, DAY + k).raw[VX]
            months = {seen.get(f"vix.{n}") for n in ("m1", "m2", "m1.days", "m2.days")}
            spots = {seen.get(f"vix.{n}") for n in ("spot", "m1", "m1.days")}
            if len(months) == 1 and None not in months:
                (j,) = months
                assert found == pytest.approx(-(4.0 + 4 * j) * 365.25 / (29 + 2 * j))
            elif len(spots) == 1 and None not in spots:
                (j,) = spots
                assert found == pytest.approx(-(1.0 + 2 * j) * 365.25 / (30 - j))
            else:
                assert found == pytest.approx(BASIS[VX])

    def test_dollar_index_is_the_dollar_against_its_basket(self):
        rates = {"eur": -0.005, "jpy": 0.0, "gbp": 0.01, "cad": 0.01, "sek": 0.0, "chf": -0.01}
        macro = macro_of({"usd.3m": 0.02, **{f"{c}.3m": r for c, r in rates.items()}})
        found = one("DX", 90.0, macro)
        by_hand = 0.02 - (-0.005 * 0.576 + 0.01 * 0.119 + 0.01 * 0.091 - 0.01 * 0.036)
        assert found.raw[0] == pytest.approx(by_hand * 90.0)
        assert sum(BASKETS["dollar index basket"].values()) == pytest.approx(1.0)

    def test_an_issuer_with_a_spread_has_its_own_curve(self):
        """Italy is not valued on Germany's yields; both are financed in euros."""
        values = {"eur.3m": 0.0, "eur.10y": 0.005, "eur.2y": 0.0}
        assert one("FBTP", 130.0, macro_of(values)).source[0] == Source.BASIS
        values |= {"eur.it.10y": 0.02}
        assert one("FBTP", 130.0, macro_of(values)).raw[0] == pytest.approx(0.02 * 130.0)
        assert one("FGBL", 130.0, macro_of(values)).raw[0] < 0.011 * 130.0

    def test_yen_shares_in_dollars_are_financed_in_yen(self):
        macro = macro_of({"nkd.dividend_yield": 0.02, "usd.3m": 0.05, "jpy.3m": -0.001})
        assert one("NKD", 30000.0, macro).raw[0] == pytest.approx(0.021 * 30000)

    def test_a_micro_contract_takes_the_yield_of_its_underlying(self):
        macro = macro_of({"usd.3m": 0.01, "ym.dividend_yield": 0.02})
        assert one("MYM", 30000.0, macro).raw[0] == pytest.approx(300.0)
        macro.update(DAY, {"mym.dividend_yield": 0.03})
        assert one("MYM", 30000.0, macro).raw[0] == pytest.approx(600.0)

    def test_a_small_contract_on_a_currency_or_an_index_is_as_the_full_size_one(self):
        macro = macro_of({"eur.3m": 0.01, "usd.3m": 0.03, "eur.overnight": 0.0})
        for code in ("6E", "E7", "M6E"):
            assert one(code, 1.2, macro).raw[0] == pytest.approx(-0.024)
        assert series_needed([MASTER["VXM"]]) == series_needed([MASTER["VX"]])

    def test_crypto_keeps_the_basis_and_says_why(self):
        found = one("MBT", 20000.0, macro_of({"usd.3m": 0.03}))
        assert found.source[0] == Source.BASIS
        assert "MBT: a coin pays nothing: the basis of the futures pair is used" in str(
            found.reasons
        )

    def test_every_currency_of_the_master_is_known(self):
        fx = {i.full_size or i.code for i in MASTER if i.asset_class == AssetClass.FX}
        assert fx == set(FX_CURRENCIES)


class TestSeriesNeeded:
    @pytest.mark.parametrize(
        ("code", "names"),
        [
            ("MYM", "mym.dividend_yield usd.3m usd.overnight ym.dividend_yield"),
            ("NKD", "jpy.3m jpy.overnight nkd.dividend_yield"),
            ("6E", "eur.3m eur.overnight usd.3m usd.overnight"),
            ("VX", "vix.m1 vix.m1.days vix.m2 vix.m2.days vix.spot"),
            ("CL", ""),
            ("SR3", ""),
        ],
    )
    def test_by_hand(self, code, names):
        assert series_needed([MASTER[code]]) == names.split()

    def test_a_bond_needs_its_issuers_curve_and_its_currencys_financing(self):
        needed = set(series_needed([MASTER["FBTP"]]))
        assert needed == {f"eur.it.{tenor}" for tenor in TENORS} | {"eur.3m", "eur.overnight"}

    def test_the_whole_basket_of_the_dollar_index(self):
        currencies = {name.partition(".")[0] for name in series_needed([MASTER["DX"]])}
        assert currencies == {"usd", "eur", "jpy", "gbp", "cad", "sek", "chf"}

    def test_all_that_is_read_is_named(self):
        """Whatever is there or missing, no formula asks for a series that is not subscribed to."""
        needed = series_needed(list(MASTER))
        for there in ((), needed, needed[::2], needed[1::2]):
            macro = Spy()
            macro.update(DAY, {name: 20.0 if ".m" in name else 0.02 for name in there})
            n = len(MASTER)
            flat, days = np.full(n, 100.0), np.full(n, DAY, dtype=np.int64)
            CarrySources(list(MASTER)).raw(DAY, flat, flat, days, days + 90, flat, days, macro)
            assert macro.asked <= set(needed)
            assert macro.asked


class Spy(MacroState):
    def __init__(self):
        super().__init__()
        self.asked = set()

    def value(self, name, day):
        self.asked.add(name)
        return super().value(name, day)


def one(code, price, macro, near=np.nan, far=np.nan, mode="class"):
    """A class with one market, alone in the portfolio."""
    pair = np.array(
        [[price if math.isnan(near) else near], [price - 1 if math.isnan(far) else far]]
    )
    expiry = np.array([[DAY + 20], [DAY + 111]])
    rule = sources((code,), mode)
    return rule.raw(DAY, *pair, *expiry, np.array([price]), np.array([202103]), macro)


class TestFallback:
    @pytest.mark.parametrize(
        ("missing", "market", "words"),
        [
            (("es.dividend_yield",), ES, "ES: es.dividend_yield is missing or older than 100 days"),
            (("usd.3m",), ES, "ES: usd.3m and usd.overnight are missing"),
            (
                ("usd.2y", "usd.5y", "usd.10y", "usd.30y"),
                ZN,
                "ZN: every yield usd.1y to usd.30y is missing",
            ),
            (("usd.3m",), ZN, "ZN: usd.3m and usd.overnight are missing"),
            (("eur.3m",), SIXE, "6E: eur.3m is missing"),
            (("usd.3m",), SIXE, "6E: usd.3m is missing"),
            (("eur.3m", "usd.3m"), SIXE, "6E: eur.3m, usd.3m are missing"),
            (("vix.m1",), VX, "VX: vix.m1 and vix.m2 or vix.spot with their days"),
            (("vix.m1.days",), VX, "VX: vix.m1 and vix.m2 or vix.spot with their days"),
        ],
    )
    def test_names_the_market_the_series_and_what_is_used(self, missing, market, words):
        found = ask(sources(), macro_of(without(*missing)))
        assert found.raw[market] == pytest.approx(BASIS[market])
        assert found.source[market] == Source.BASIS
        (sentence,) = reason(found, market)
        assert sentence.startswith(words)
        assert sentence.endswith("the basis of the futures pair is used instead")

    @given(st.sets(st.sampled_from(sorted(RATES))), st.integers(0, 20))
    @settings(deadline=None)
    def test_never_without_carry_while_the_pair_is_quoted(self, missing, age):
        """Whatever is missing or stale, each number is the formula's or the basis, never zero."""
        found = ask(sources(), macro_of(without(*missing), DAY - age))
        full = ask(sources(), macro_of())
        assert np.isfinite(found.raw).all()
        named = {market for market, _ in found.reasons}
        for market in (ES, SIXE):
            on_basis = found.source[market] == Source.BASIS
            expected = BASIS[market] if on_basis else full.raw[market]
            assert found.raw[market] == pytest.approx(expected)
            assert on_basis == (market in named)

    @pytest.mark.parametrize("macro", [None, MacroState()])
    def test_no_macro_at_all_is_the_basis(self, macro):
        np.testing.assert_allclose(ask(sources(), macro).raw, BASIS)

    @pytest.mark.parametrize(("age", "source"), [(10, Source.SHORT_RATES), (11, Source.BASIS)])
    def test_staleness(self, age, source):
        assert ask(sources(), macro_of(day=DAY - age)).source[SIXE] == source

    def test_a_dividend_yield_of_last_month_is_used_without_a_break(self):
        rule, macro = sources(), macro_of()
        for k in range(102):
            macro.update(DAY + k, {"usd.3m": 0.001})
            found = ask(rule, macro, DAY + k)
            assert found.source[ES] == (Source.DIVIDEND_YIELD if k <= 100 else Source.BASIS)
            assert bool(reason(found, ES)) == (k == 101)

    @pytest.mark.parametrize("market", [ES, SR3])
    def test_without_a_pair_either_the_market_is_without_carry(self, market):
        rule, macro = sources(), macro_of(without("es.dividend_yield"))
        found = ask(rule, macro, far_price={market: np.nan})
        assert math.isnan(found.raw[market])
        assert found.source[market] == Source.NONE
        (sentence,) = reason(found, market)
        assert sentence.endswith(", and no pair of futures is quoted: without carry until one is")
        back = ask(rule, macro, DAY + 1)
        assert back.raw[market] == pytest.approx(BASIS[market])
        assert reason(back, market) == []

    def test_a_value_known_tomorrow_is_not_used(self):
        assert ask(sources(), macro_of(day=DAY + 1)).source[ES] == Source.BASIS

    def test_a_reason_is_given_once_and_so_is_its_end(self):
        rule, macro = sources(), macro_of(without("es.dividend_yield"))
        said = [reason(ask(rule, macro, DAY + k), ES) for k in range(3)]
        assert [len(sentences) for sentences in said] == [1, 0, 0]
        macro.update(DAY + 3, {"es.dividend_yield": 0.015})
        assert reason(ask(rule, macro, DAY + 3), ES) == [
            "ES: carry is from the dividend yield again"
        ]
        assert reason(ask(rule, macro, DAY + 4), ES) == []

    def test_another_cause_is_another_reason(self):
        rule = sources()
        ask(rule, macro_of(without("es.dividend_yield")))
        (sentence,) = reason(ask(rule, macro_of(without("usd.3m"))), ES)
        assert "usd.3m" in sentence

    def test_no_reason_before_a_market_trades(self):
        nothing = dict.fromkeys(range(len(CODES)), np.nan)
        rule = sources()
        found = ask(rule, None, near_price=nothing, far_price=nothing, price=nothing)
        assert np.isnan(found.raw).all()
        assert [market for market, _ in found.reasons] == [SR3]  # whose rule needs no data


class TestEdgeCases:
    def test_curve_of_one_tenor_is_flat_and_says_so_once(self):
        macro = macro_of({"eur.10y": 0.01, "eur.3m": 0.002, "eur.it.5y": 0.03})
        btp = sources(("FBTP",))
        arrays = ([130.0], [129.0], [DAY + 9], [DAY + 100], [130.0], [202103])
        day = [btp.raw(DAY + k, *map(np.array, arrays), macro) for k in range(2)]
        assert day[0].raw[0] == pytest.approx((0.03 - 0.002) * 130.0)
        assert day[0].source[0] == Source.YIELD_CURVE
        assert day[0].reasons == [
            (
                0,
                "FBTP: curve eur.it has one tenor, 5 years: the curve is taken as flat, without "
                "roll-down",
            )
        ]
        assert day[1].reasons == []

    @pytest.mark.parametrize(
        ("code", "level", "years"),
        [("ZB", 0.04, "16.51"), ("UB", 0.04, "25.8"), ("UB", 0.07, "30")],
    )
    def test_a_curve_that_ends_before_the_bond_says_so_once(self, code, level, years):
        """Three months, five and ten years are all that some publish: there is no yield beyond.

        At 4 % a par bond of duration 12 has -ln(1 - 0.48) / (2 ln 1.02) = 16.51 years.
        """
        values = {"usd.3m": 0.02, "usd.5y": 0.03, "usd.10y": level}
        rule, arrays = sources((code,)), ([160.0], [159.0], [DAY + 9], [DAY + 100], [160.0])
        said = []
        for k in range(4):
            values |= {"usd.30y": level} if k == 3 else {}
            found = rule.raw(
                DAY + k, *map(np.array, arrays), np.array([202103]), macro_of(values, DAY + k)
            )
            assert found.raw[0] == pytest.approx((level - 0.02) * 160.0)  # no roll-down
            assert found.source[0] == Source.YIELD_CURVE
            said.append([text for _, text in found.reasons])
        assert said == [
            [
                f"{code}: curve usd ends at 10 years, before the bond's {years}: "
                "taken as flat from there"
            ],
            [],
            [],
            [f"{code}: carry is from the yield curve again"],
        ]

    def test_a_bond_about_as_long_as_the_curve_is_named_once(self):
        """TN's maturity crosses ten years with the yields, back and forth."""
        rule, arrays = sources(("TN",)), ([120.0], [119.0], [DAY + 9], [DAY + 100], [120.0])
        said = []
        for k in range(60):
            level = 0.0435 + 0.002 * (-1) ** k if k < 50 else 0.02
            values = {"usd.3m": level, "usd.5y": level, "usd.10y": level}
            found = rule.raw(
                DAY + k, *map(np.array, arrays), np.array([202103]), macro_of(values, DAY + k)
            )
            said += [(k, text) for _, text in found.reasons]
        lengths = [-math.log1p(-8 * y) / (2 * math.log1p(y / 2)) for y in (0.0415, 0.0455, 0.02)]
        assert lengths[2] < 9.5 < lengths[0] < 10 < lengths[1]
        assert [k for k, _ in said] == [0, 50]
        assert said[1][1] == "TN: carry is from the yield curve again"

    def test_a_curve_of_thirty_years_is_long_enough_for_every_bond(self):
        macro = macro_of({name: value + 0.06 for name, value in RATES.items() if "usd" in name})
        found = one("UB", 120.0, macro)
        assert found.source[0] == Source.YIELD_CURVE
        assert found.reasons == []

    def test_a_curve_of_money_market_rates_is_no_bond_curve(self):
        found = ask(sources(), macro_of({"usd.3m": 0.001, "usd.overnight": 0.001}))
        assert found.source[ZN] == Source.BASIS

    @pytest.mark.parametrize("mode", ["basis", "class"])
    @pytest.mark.parametrize("days", [0, -31])
    def test_the_held_contract_itself_or_crossing_months(self, mode, days):
        """No time or a negative one between the contracts: no carry, once explained."""
        rule = sources(mode=mode)
        changes = {"far_expiry": {GC: NEAR_EXPIRY[GC] + days}}
        found = ask(rule, macro_of(), **changes)
        assert np.isnan(found.raw[GC])
        assert found.source[GC] == Source.NONE
        assert reason(found, GC) == [
            "GC: the far contract does not end after the near one: no carry from this pair"
        ]
        assert reason(ask(rule, macro_of(), DAY + 1, **changes), GC) == []
        unquoted = {"near_price": {GC: np.nan}}
        assert reason(ask(rule, macro_of(), DAY + 2, **unquoted), GC) == []
        back = ask(rule, macro_of(), DAY + 3)
        assert back.raw[GC] == pytest.approx(BASIS[GC])
        assert len(reason(back, GC)) == 1

    def test_a_crossing_pair_does_not_matter_where_the_formula_has_its_inputs(self):
        found = ask(sources(), macro_of(), far_expiry={ES: NEAR_EXPIRY[ES]})
        assert found.raw[ES] == pytest.approx(54.6)
        assert reason(found, ES) == []

    def test_carry_that_stops_for_months_is_unknown_and_named_once(self):
        rule = sources(max_age=100)
        gone = {"near_price": {GC: np.nan}}
        said = {}
        for k in range(200):
            found = ask(rule, macro_of(day=DAY + k), DAY + k, **(gone if k else {}))
            assert np.isnan(found.raw[GC]) == (k > 0)
            if reason(found, GC):
                said[k] = reason(found, GC)
        assert list(said) == [101]
        assert said[101][0].startswith("GC: no carry for more than 100 days")
        back = ask(rule, macro_of(day=DAY + 200), DAY + 200)
        assert reason(back, GC) == ["GC: carry is from the term structure again"]

    def test_a_market_that_never_has_a_pair_is_named_from_its_first_price_on(self):
        rule, before_1970 = sources(mode="basis"), -400
        gone = {"near_price": {GC: np.nan}}
        said = []
        for k in range(150):
            price = {"price": {GC: np.nan}} if k < 20 else {}
            if reason(ask(rule, None, before_1970 + k, **gone, **price), GC):
                said.append(k)
        assert said == [121]

    def test_equities_keep_their_carry_when_the_pair_is_not_quoted(self):
        """The S&P with carry quoted only around rolls: the dividend yield does not need a pair."""
        found = ask(sources(), macro_of(), near_price={ES: np.nan}, far_price={ES: np.nan})
        assert found.raw[ES] == pytest.approx(54.6)
        assert found.source[ES] == Source.DIVIDEND_YIELD

    @pytest.mark.parametrize("code", ["ES", "ZN", "6E", "VX", "CL", "GC", "SR3"])
    @pytest.mark.parametrize("mode", ["basis", "class"])
    def test_alone_or_among_others_is_the_same(self, code, mode):
        k, macro = CODES.index(code), macro_of()
        arrays = (NEAR, FAR, NEAR_EXPIRY, FAR_EXPIRY, PRICE, MONTH)
        alone = sources((code,), mode).raw(DAY, *(a[[k]] for a in arrays), macro)
        among = ask(sources(mode=mode), macro)
        assert alone.raw[0] == among.raw[k]
        assert [text for _, text in alone.reasons] == reason(among, k)

    def test_no_market(self):
        empty, days = np.zeros(0), np.zeros(0, dtype=np.int64)
        found = sources(()).raw(DAY, empty, empty, days, days, empty, days, macro_of())
        assert found.raw.shape == (0,)
        assert found.reasons == []

    def test_negative_rates(self):
        """Yields, financing and dividends below zero are numbers like others."""
        values = {name: -abs(v) if "vix" not in name else v for name, v in RATES.items()}
        found = ask(sources(), macro_of(values))
        assert found.raw[ES] == pytest.approx((-0.015 + 0.001) * 3900)
        assert found.source[ZN] == Source.YIELD_CURVE
        curve = macro_of(values).curve("usd", DAY)
        years = next(
            t
            for t in np.arange(4.0, 8.0, 1e-4)
            if par_duration(t, curve.at(t)) >= MASTER["ZN"].duration
        )
        by_hand = curve.at(years) + 0.001
        by_hand += MASTER["ZN"].duration * (curve.at(years) - curve.at(years - 1))
        assert found.raw[ZN] == pytest.approx(by_hand * 133.0, abs=1e-3)

    @pytest.mark.parametrize("price", [-37.63, 0.0])
    def test_negative_prices(self, price):
        """Crude of 2020-04-20: the slope is in price units; a rate of that price means nothing."""
        rule = sources()
        changes = {"price": {CL: price}, "near_price": {CL: price}, "far_price": {CL: 20.43}}
        found = ask(rule, macro_of(), **changes)
        assert found.raw[CL] == pytest.approx((price - 20.43) * 365.25 / 31)
        assert found.source[CL] == Source.TERM_STRUCTURE
        assert rule.seasonal.sessions[CL] == 0  # and it teaches no season
        stock = ask(rule, macro_of(), price={ES: price})
        assert stock.raw[ES] == pytest.approx(BASIS[ES])
        assert reason(stock, ES)[0].startswith(f"ES: the held contract's price is {price:g}")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"asset_class": AssetClass.BOND, "sector": "us bond"}, "has no duration"),
            ({"asset_class": AssetClass.FX}, "two currencies are not known"),
            ({"asset_class": AssetClass.VOLATILITY}, "index is not known"),
        ],
    )
    def test_a_market_its_class_knows_nothing_of(self, changes, words):
        rule = CarrySources([instrument("AA", **changes)])
        arrays = ([10.0], [9.0], [DAY], [DAY + 365], [10.0], [202103])
        found = rule.raw(DAY, *map(np.array, arrays), macro_of())
        assert found.raw[0] == pytest.approx(365.25 / 365)
        assert words in found.reasons[0][1]

    def test_bad_mode_is_named(self):
        with pytest.raises(ValueError, match="mode is 'both'; it must be one of basis, class"):
            sources(mode="both")


def season_days(years=4):
    """Sessions in which every market rolls monthly along a curve with a yearly season."""
    rng = np.random.default_rng(7)
    out = []
    for y in range(2010, 2010 + years):
        for m in range(1, 13):
            day = to_epoch_day(date(y, m, 1))
            for k in range(0, 28, 4):
                price = PRICE * np.exp(0.02 * rng.normal(size=PRICE.shape))
                season = 0.05 * price * math.cos(2 * math.pi * m / 12)
                near = price + season + 0.01 * rng.normal(size=PRICE.shape)
                month = np.full(PRICE.shape, 100 * y + m)
                first = np.full(PRICE.shape, day + 30)
                out.append((day + k, near, price, first, first + 31, price, month))
    return out


STREAM = season_days()


def play(rule, stream):
    return [rule.raw(*session) for session in stream]


class TestSeasonality:
    def test_energy_and_agriculture_are_adjusted_metals_and_others_are_not(self):
        found = play(sources(), STREAM)[-1]
        adjusted = [Source(s) == Source.SEASONAL_TERM_STRUCTURE for s in found.source]
        assert [CODES[k] for k in np.flatnonzero(adjusted)] == ["CL", "ZC"]
        assert found.source[GC] == Source.TERM_STRUCTURE

    def test_equals_the_adjuster_on_the_ratio(self):
        plain = SeasonalAdjuster(1)
        rule = sources()
        for session in STREAM:
            _, near, far, first, second, price, month = session
            ratio = ((near - far) * 365.25 / (second - first) / price)[[CL]]
            expected = plain.update(ratio, month[[CL]], np.array([True])) * price[CL]
            assert rule.raw(*session).raw[CL] == pytest.approx(expected[0], rel=1e-12)

    def test_a_pair_a_year_apart_is_taken_as_it_is(self):
        rule = sources()
        play(rule, STREAM)
        found = ask(rule, far_expiry={CL: NEAR_EXPIRY[CL] + 364})
        assert found.raw[CL] == pytest.approx(0.5 * 365.25 / 364)
        assert found.source[CL] == Source.SAME_MONTH

    def test_does_not_look_ahead(self):
        cut = 200
        other = [(d, n * 3, f, *rest) for d, n, f, *rest in STREAM[cut:]]
        full = play(sources(), STREAM)
        changed = play(sources(), STREAM[:cut] + other)
        for one_day, other_day in zip(full[:cut], changed[:cut], strict=True):
            np.testing.assert_array_equal(one_day.raw, other_day.raw)
            assert one_day.reasons == other_day.reasons
        assert not np.array_equal(full[-1].raw, changed[-1].raw)


class TestRestart:
    def test_continues_as_if_nothing_had_happened(self):
        cut = 150
        whole, before, after = sources(), sources(), sources()
        expected = play(whole, STREAM)[cut:]
        play(before, STREAM[:cut])
        for old, new in ((before, after), (before.seasonal, after.seasonal)):
            for key in old.STATE:
                setattr(new, key, getattr(old, key).copy())
        for found, wanted in zip(play(after, STREAM[cut:]), expected, strict=True):
            np.testing.assert_array_equal(found.raw, wanted.raw)
            np.testing.assert_array_equal(found.source, wanted.source)
            assert found.reasons == wanted.reasons

    def test_codes_keep_their_numbers(self):
        """They are in stored state and traces."""
        assert [c.value for c in Cause] == list(range(13))
        assert (Cause.PAIR, Cause.SILENT, Cause.SHORT_CURVE) == (10, 11, 12)
        assert json.loads(json.dumps([s.value for s in Source])) == list(range(9))
