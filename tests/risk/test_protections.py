"""All protections over random markets and portfolios: what cap, gate and switch may do (R4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from algorithm.registry import PROTECTIONS
from algorithm.settings import Settings
from risk.account import Remedy
from risk.book import Book
from risk.caps import SLACK
from risk.gate import VarGate
from risk.kill_switch import Mode
from risk.limit_stage import LimitStage
from risk.switch_stage import SwitchStage
from risk.var import VarModel
from universe.master import MASTER

CODES = sorted(one.code for one in MASTER if one.market in ("cme", "cbot", "comex"))
TOKEN = "0" * 64
CAPPING = (Remedy.CAP, Remedy.CUT)


class Case:
    """One random fund: markets, history, holdings, targets, limits, and what is wrong that day."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        n = self.n = int(rng.integers(2, 13))
        codes = ["ES", "ZN", *rng.choice([c for c in CODES if c not in ("ES", "ZN")], n)]
        codes = list(dict.fromkeys(codes))[: max(n, 2)]
        self.n = n = len(codes)
        factors = rng.standard_normal((n, 2)) * rng.choice([0.0, 1.0, 3.0])
        moment = factors @ factors.T + np.eye(n)
        scale = np.sqrt(np.diagonal(moment))
        sigma = np.exp(rng.uniform(np.log(5e-4), np.log(0.05), n))
        rows = int(rng.integers(0, 400))
        z = rng.standard_t(4, (rows, 2)) @ factors.T / scale + 0.3 * rng.standard_normal((rows, n))
        cov = moment / np.outer(scale, scale) * np.outer(sigma, sigma)
        self.settings = Settings(
            limits=str(rng.choice(["", "gross 2 3 cut net 0.5 1 cap net_beta 0.2 0.4 cap",
                                   "market_risk 0.002 0.004 cap margin_use 0.05 0.1 cut",
                                   "daily_loss 0.001 0.002 freeze",
                                   "gross 0.5 1 flatten"])),
            limit_headroom=float(rng.choice([0.0, 0.1, 0.5])),
            var_test=str(rng.choice(["absolute", "relative", "both"])),
            var_limit=float(rng.choice([0.02, 0.2])),
            us_fund=bool(rng.integers(2)),
            command_token=TOKEN,
        )  # fmt: skip
        instruments = [MASTER[code] for code in codes]
        self.limits, self.gate, self.switch = (
            one.create(self.settings, instruments, n) for one in PROTECTIONS
        )
        assert (type(self.limits), type(self.gate), type(self.switch)) == (
            LimitStage, VarGate, SwitchStage
        )  # fmt: skip
        unit = np.exp(rng.uniform(np.log(1e-4), np.log(0.5), n))
        unit[rng.random(n) < 0.05] = np.nan
        size = rng.choice([2, 20, 2000])
        self.books = [
            Book(
                17000 + day,
                float(rng.choice([np.nan, 1e8], p=[0.05, 0.95])) * (1 - 0.003 * day),
                codes,
                rng.integers(-size, size + 1, n),
                rng.integers(-size, size + 1, n),
                unit,
                rng.random(n) < 0.85,
                VarModel(cov, sigma, z),
                rng.random(n) < 0.95,
                np.zeros(n, dtype=bool),
                rng.random(n) < 0.1,
                np.where(rng.random(n) < 0.03, np.nan, rng.uniform(0.02, 0.2, n) * unit),
                np.where(rng.random(2 * n) < 0.5, np.nan, rng.standard_normal(2 * n)),
            )
            for day in range(3)
        ]


def figures(case, contracts):
    """Of every capping limit by bucket, with its level, as the stage has measured the day."""
    account, _ = case.limits._decided
    return {
        (limit.row.name, bucket): (value, limit.row.breach)
        for limit in case.limits._book.limits
        if limit.row.remedy in CAPPING and limit.measure.exists(account)
        for bucket, value in zip(
            limit.measure.buckets, limit.measure.values(contracts, account).tolist(), strict=True
        )
    }


def no_larger(left, asked):
    return (np.abs(left) <= np.abs(asked)).all() and (left * asked >= 0).all()


def told(said, limit, bucket):
    """Whether a sentence says that a limit stays exceeded, or cannot be measured."""
    ends = (f"{limit} of {bucket} stays at ", f"{limit} of {bucket} cannot be measured")
    return any(text.startswith(ends) for text in said)


def check(seed):
    """The invariants of one case; which of its stages did something."""
    case, acted = Case(seed), set()
    for book in case.books:
        capped = case.limits.protect(book)
        said = [*capped.steps]
        assert no_larger(capped.contracts, book.asked)
        assert (capped.contracts == book.asked)[~book.free].all()
        if book.nav > 0:
            headroom = case.settings.limit_headroom
            before, after = figures(case, book.asked), figures(case, capped.contracts)
            for name, (value, level) in after.items():
                most = max(before[name][0], level * (1 - headroom)) * (1 + SLACK)
                if value > most:  # another limit has cut its hedge, and the rest may not trade
                    assert told(said, *name), (seed, name)
        acted |= {"cap"} if (capped.contracts != book.asked).any() else set()
        judged = replace(book, asked=capped.contracts)
        gated = case.gate.protect(judged)
        assert no_larger(gated.contracts, capped.contracts)
        var = [book.model.binding(q * np.nan_to_num(book.unit), case.settings.var_horizon)
               for q in (capped.contracts, gated.contracts)]  # fmt: skip
        assert var[1] <= var[0] * (1 + 1e-9), seed
        if (gated.contracts != capped.contracts).any():
            acted.add("gate")
            said += [*gated.steps, *case.limits.exceeded(gated.contracts)]
        last = case.switch.protect(
            replace(book, asked=gated.contracts, remedy=capped.remedy, reasons=capped.reasons)
        )
        if (last.contracts != gated.contracts).any():
            acted.add("switch")
            said += [*last.steps, *case.limits.exceeded(last.contracts)]
        if last.frozen is None:
            assert (last.contracts == gated.contracts).all()
        elif case.switch.mode == Mode.ARMED:
            assert (last.contracts == book.held).all()
        assert last.contracts.dtype.kind == "i"
        if book.nav > 0:
            for (limit, bucket), (value, level) in figures(case, last.contracts).items():
                if not value <= level * (1 + SLACK):
                    assert told(said, limit, bucket), (seed, limit, bucket, value, said)
                    acted.add("said")
    return acted


def test_no_stage_adds_and_what_cannot_be_held_is_said():
    acted = [check(seed) for seed in range(25)]
    assert set().union(*acted) == {"cap", "gate", "switch", "said"}


@pytest.mark.slow
def test_a_thousand_funds():
    acted = [check(seed) for seed in range(40, 1040)]
    for what in ("cap", "gate", "switch", "said"):
        assert sum(what in one for one in acted) > 50, what
