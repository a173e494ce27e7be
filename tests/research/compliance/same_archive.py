"""Two archives line by line, and one against the figures of a script that shares no code."""

import pytest

from tests.research.compliance.recompute import Recomputed


def compare_archives(lean, own):
    """Held VaR, exceptions, breaches, remedies and collateral line by line; how many lines."""
    assert [one.day for one in lean] == [one.day for one in own]
    for one, other in zip(lean, own, strict=True):
        assert (one.day, one.is_exception, one.switch) == (
            other.day, other.is_exception, other.switch
        )  # fmt: skip
        assert one.remedies == other.remedies
        for name in (
            "nav", "result", "var_held", "var_relative", "var_one_day", "shortfall", "margin",
            "gross", "cash", "bills", "earned", "short",
        ):  # fmt: skip
            mine, theirs = getattr(one, name), getattr(other, name)
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12), (one.day, name)
        assert len(one.limits) == len(other.limits)
        for mine, theirs in zip(one.limits, other.limits, strict=True):
            assert (mine.limit, mine.bucket, mine.status, mine.cause, mine.sessions) == (
                theirs.limit, theirs.bucket, theirs.status, theirs.cause, theirs.sessions
            )  # fmt: skip
            if mine.value is not None:
                assert mine.value == pytest.approx(theirs.value, rel=1e-8, abs=1e-12)
    return len(lean)


def compare_with_fills_and_prices(folder, days):
    """Every figure of the archive's days by the script that shares no code; how many days.

    Fees of closing, exchange rates and interest are all that it leaves out of a day's result.
    """
    found = Recomputed(folder / "decisions.jsonl").days
    entries = {entry.day: entry for entry in days}
    assert set(found) == set(entries)
    for day, by_hand in found.items():
        entry = entries[day]
        assert by_hand["held"] == by_hand["holdings"], day
        assert entry.nav == by_hand["nav"]
        assert entry.gross == pytest.approx(by_hand["gross"], rel=1e-9, abs=1e-12)
        assert entry.turnover == pytest.approx(by_hand["turnover"], rel=1e-9, abs=1e-12)
        assert sum(entry.exposure) == pytest.approx(sum(by_hand["classes"].values()))
        for total in ("parts", "tail"):
            parts, whole = by_hand[total]
            assert parts == pytest.approx(whole, rel=1e-6, abs=1e-12)
        limits = {(one.limit, one.bucket): one.value for one in entry.limits}
        assert limits["gross", "fund"] == pytest.approx(by_hand["gross"], abs=1e-9)
        largest = max(v for (name, _), v in limits.items() if name == "market_notional")
        assert largest == pytest.approx(by_hand["largest"], abs=1e-9)
        slips = {b: v for (name, b), v in limits.items() if name == "slippage_outlier"}
        worst = max(by_hand["outlier"].values(), default=0.0)
        assert max((v for v in slips.values() if v is not None), default=0.0) == (
            pytest.approx(worst, rel=1e-7, abs=1e-9)
        )
        assert limits["drawdown", "fund"] == pytest.approx(by_hand["fall"], abs=1e-12)
        if entry.result is None:
            continue
        assert entry.result == pytest.approx(by_hand["result"], abs=1e-12)
        assert entry.clean_result == pytest.approx(by_hand["clean"], abs=1e-9)
        assert entry.result == pytest.approx(by_hand["explained"], abs=2e-3)
        assert limits["daily_loss", "fund"] == pytest.approx(by_hand["loss"], abs=1e-12)
        if entry.is_exception is not None:
            assert entry.is_exception == by_hand["exception"]
            assert entry.var_tested == pytest.approx(by_hand["tested"])
    return len(found)
