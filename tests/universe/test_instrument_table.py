"""Instruments files: what they change, what they add, and how their faults are named."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.instrument_columns import COLUMNS
from universe.instrument_table import (
    SHOWN_ERRORS,
    InstrumentTableError,
    chosen_master,
    own_instruments,
    read_table,
    table_text,
)
from universe.instruments import AssetClass, Basis, Instrument, Notice, volume_note
from universe.master import MASTER

NEW = """\
code,market,asset_class,sector,currency,multiplier,tick,hold_months,roll_days,notice,expiry_rule,\
half_spread,fee,adv_contracts,session
OMXS,nasdaq,equity,nordic equity,SEK,100,0.25,FGHJKMNQUVXZ,8,cash,third_friday,\
0.125,5,20000,09:00-17:25 Europe/Stockholm
"""


def fault(text: str) -> str:
    with pytest.raises(InstrumentTableError) as caught:
        own_instruments(text, MASTER, "mine.csv")
    return str(caught.value)


def one(text: str) -> Instrument:
    (instrument,) = own_instruments(text, MASTER)
    return instrument


def test_every_field_of_an_instrument_is_a_column() -> None:
    assert {c.name for c in COLUMNS} == {f.name for f in fields(Instrument)}


class TestChanges:
    def test_what_is_given_changes_and_the_rest_stays(self) -> None:
        changed = one("code,half_spread,roll_days\nES,0.2,20\n")
        assert changed == replace(MASTER["ES"], half_spread=0.2, roll_days=20)
        assert changed.basis is Basis.LEAN

    def test_an_empty_cell_leaves_a_fact_and_a_dash_empties_it(self) -> None:
        text = "code,source_code,full_size\nMYM,,-\n"
        assert one(text) == replace(MASTER["MYM"], full_size="")

    def test_contract_facts_are_then_the_users(self) -> None:
        changed = one("code,multiplier,currency\nES,5,EUR\n")
        assert changed == replace(
            MASTER["ES"], multiplier=5.0, currency="EUR", fee_currency="EUR", basis=Basis.USER
        )

    def test_a_fact_that_is_given_is_no_longer_unknown(self) -> None:
        assert "adv_contracts" in MASTER["CZK"].unknown
        known = one("code,adv_contracts,rough_volume\nCZK,450,no\n")
        assert known.unknown == ()
        assert volume_note([known]) == ""
        assert one("code,half_spread\nCZK,0.0001\n").unknown == ("adv_contracts",)

    def test_the_rest_of_the_master_is_untouched(self) -> None:
        own = read_table("code,tick\nES,0.5\nNQ,0.5\n", MASTER)
        assert [i.code for i in own] == [i.code for i in MASTER]
        assert [i.code for i in own if i != MASTER[i.code]] == ["ES", "NQ"]


class TestNew:
    def test_by_its_facts(self) -> None:
        new = one(NEW)
        assert new.name == "OMXS"
        assert new.priced_months == new.hold_months == "FGHJKMNQUVXZ"
        assert (new.asset_class, new.notice) == (AssetClass.EQUITY, Notice.CASH)
        assert (new.fee_currency, new.carry_offset, new.depth) == ("SEK", 1, 0)
        assert (new.lean_listed, new.basis, new.rough_volume) == (False, Basis.USER, True)
        assert "OMXS" in read_table(NEW, MASTER)

    def test_like_another(self) -> None:
        new = one("code,like,multiplier,name\nESN,ES,1,Nano\n")
        expected = replace(MASTER["ES"], code="ESN", name="Nano", multiplier=1.0)
        assert new == replace(expected, source_code="", lean_listed=False, basis=Basis.USER)

    def test_a_name_is_no_fact_that_is_taken_over(self) -> None:
        assert one("  # a coin\ncode,like\nSOL,BTC\n").name == "SOL"

    def test_what_is_missing_is_named(self) -> None:
        text = fault("code,market\nXX,cme\n")
        assert "mine.csv: line 2: the new market 'XX' lacks asset_class, sector, currency" in text
        assert "or name a market that it is like in the column 'like'" in text
        assert "carry_offset" not in text


class TestFaults:
    @pytest.mark.parametrize(
        ("column", "value", "allowed"),
        [
            ("multiplier", "0", "above 0"),
            ("multiplier", "fifty", "above 0"),
            ("tick", "nan", "above 0"),
            ("half_spread", "-1", "0 or above"),
            ("fee", "inf", "0 or above"),
            ("currency", "usd", "three capital letters"),
            ("asset_class", "weather", "equity bond fx metal energy agriculture volatility crypto"),
            ("hold_months", "ZH", "letters of FGHJKMNQUVXZ in this order"),
            ("roll_days", "1.5", "whole, 1 to 2000"),
            ("carry_offset", "0", "-1 or 1"),
            ("notice", "never", "cash prior_month_end ten_days_before_month after_last_trade"),
            ("expiry_rule", "fourth_friday", "docs/instruments.md"),
            ("session", "9:30-17:00 America/New_York", "HH:MM-HH:MM Area/City"),
            ("session", "09:30-17:00 America/Gotham", "HH:MM-HH:MM Area/City"),
            ("rough_volume", "maybe", "yes or no"),
            ("unknown", "colour", "names of columns"),
            ("full_size", "no such", "a code, or - for none"),
        ],
    )
    def test_line_column_value_and_what_is_allowed(
        self, column: str, value: str, allowed: str
    ) -> None:
        text = fault(f"# mine\n\ncode,{column}\nNQ,\nES,{value}\n")
        assert f"mine.csv: line 5, {column} {value!r}: allowed is" in text
        assert allowed in text

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "empty; expected a header line"),
            ("# only a remark\n", "empty; expected a header line"),
            ("kode,tick\nES,1\n", "line 1: unknown column 'kode'; did you mean 'code'"),
            ("kode,tick\nES,1\n", "line 1: no column 'code'"),
            ("code,tick,tick\nES,1,1\n", "line 1: column 'tick' stands there twice"),
            ("code,qqqqqq\nES,1\n", "unknown column 'qqqqqq'; known are code, name"),
            ("code,tick\nES\n", "line 2: 1 cell under 2 columns"),
            ("code,tick\n,1\n", "line 2: no code"),
            ("code,tick\nES,1\nES,2\n", "line 3: code 'ES' is also that of line 2"),
            ("code,like\nXX,YY\n", "line 2, like 'YY': allowed is a code of the master"),
            ("code,source_code\nNQ,SP500\n", "line 2, source_code 'SP500': ES has this name"),
            ("code,source_code\nNQ,ZN\n", "line 2, source_code 'ZN': allowed is no other market"),
            ("code,like\nSP500,ES\n", "line 2, code 'SP500': ES has it as source_code"),
            ("code,like\nes,ES\n", "line 2, code 'es': ES differs from it in case alone"),
            ("code,like\nSOL,BTC\nsol,BTC\n", "line 3, code 'sol': SOL differs from it in case"),
            ("code,like\nES,BTC\n", "line 2, like 'BTC': allowed only with a new code"),
            ("code;tick\nES;1\n", "line 1: 'code;tick' has no comma; columns are parted by"),
            ("code,full_size\nNQ,QQ\n", "line 2, full_size 'QQ': allowed is the code of another"),
            ("code,full_size\nNQ,NQ\n", "line 2, full_size 'NQ': allowed is the code of another"),
            ("code,hold_months\nES,FHMUZ\n", "priced_months 'HMUZ': allowed is a cycle with all"),
            ("code,duration\nZN,0\n", "duration 0.0: allowed is a number above 0 for bonds"),
            ("code,duration\nES,5\n", "duration 5.0: allowed is a number above 0 for bonds, 0"),
            ("code,depth\nES,4\n", "depth 4: allowed is less than the 4 months"),
            ("code,roll_days\nGC,20\n", "roll_days 20: allowed is 3"),
            ('code,name\nES,"' + "x" * 200_000 + '"\n', "not CSV (field larger"),
        ],
    )
    def test_by_sentence(self, text: str, expected: str) -> None:
        assert expected in fault(text)

    def test_all_of_them_up_to_a_number(self) -> None:
        lines = [f"{i.code},-1" for i in list(MASTER)[: SHOWN_ERRORS + 3]]
        text = fault("code,tick\n" + "\n".join(lines))
        assert text.count("allowed is above 0") == SHOWN_ERRORS
        assert text.endswith("; and 3 more")

    @given(st.text(max_size=200))
    def test_whatever_the_text_the_fault_is_ours(self, text: str) -> None:
        for form in (text, "code,tick\n" + text):
            try:
                read_table(form, MASTER)
            except InstrumentTableError:
                continue


numbers = st.floats(1e-6, 1e6)


class TestText:
    def test_the_master_is_read_back(self) -> None:
        assert own_instruments(table_text(MASTER), MASTER) == list(MASTER)
        assert own_instruments(table_text(MASTER).replace("\n", "\r\n"), MASTER) == list(MASTER)

    @given(
        st.sampled_from(list(MASTER)),
        st.fixed_dictionaries({}, optional={
            "multiplier": numbers,
            "tick": numbers,
            "half_spread": numbers,
            "adv_contracts": numbers,
            "roll_days": st.integers(60, 2000),
            "carry_offset": st.sampled_from([-1, 1]),
            "source_code": st.sampled_from(["", "MINE"]),
            "full_size": st.just(""),
            "rough_volume": st.booleans(),
            "lean_listed": st.booleans(),
            "basis": st.sampled_from(list(Basis)),
            "name": st.text("abc ,\"'é-", min_size=1).map(str.strip).filter(lambda x: x not in "-"),
            "unknown": st.sampled_from([(), ("tick",), ("tick", "adv_contracts")]),
        }),
    )  # fmt: skip
    def test_any_change_is_read_back(self, base: Instrument, change: dict) -> None:
        changed = replace(base, **change)
        assert own_instruments(table_text([changed]), MASTER) == [changed]

    def test_one_line_holds_a_table(self) -> None:
        text = "code,like,multiplier;ESN,ES,1;ESM,ES,2"
        assert [i.code for i in own_instruments(text, MASTER)] == ["ESN", "ESM"]


class TestParameterOfLean:
    def test_nothing_is_the_master(self) -> None:
        assert chosen_master("", {}.get, MASTER) is MASTER

    def test_a_table(self) -> None:
        assert chosen_master("code,tick;ES,0.5", {}.get, MASTER)["ES"].tick == 0.5

    def test_a_key_of_the_object_store(self) -> None:
        store = {"mine.csv": "code,tick\nES,0.5\n", "bad": "code,tick\nES,x\n"}
        assert chosen_master("mine.csv", store.get, MASTER)["ES"].tick == 0.5
        with pytest.raises(InstrumentTableError, match="bad: line 2, tick 'x'"):
            chosen_master("bad", store.get, MASTER)

    def test_a_key_that_is_not_there(self) -> None:
        with pytest.raises(
            InstrumentTableError, match=r"instruments 'mine': allowed is a table, or"
        ):
            chosen_master("mine", {}.get, MASTER)
