"""The figures of an archive's days once more, from fills and prices alone.

It reads the lines of ``decisions.jsonl`` as JSON and shares no code with the project: positions are
the sum of the fills, profit is what closes and fills make of them, exposures are contracts times
the value of one.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path

TEN_YEARS = 6.2


def day_of(epoch):
    from datetime import date, timedelta

    return (date(1970, 1, 1) + timedelta(days=epoch)).isoformat()


class Recomputed:
    """Walks a record; ``days`` holds the figures by ISO date."""

    def __init__(self, path: Path) -> None:
        self.days: dict[str, dict[str, float]] = {}
        self.held: dict[tuple[str, int], int] = defaultdict(int)
        self.mark: dict[tuple[str, int], float] = {}
        self.before: dict[str, float] = {}
        self.peak = 0.0
        self.slips: dict[str, list[float]] = defaultdict(list)
        with path.open(encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                if line["line"] == "header":
                    self.markets = {m[0]: m for m in line["markets"]}
                    self.codes = [m[0] for m in line["markets"]]
                elif line["line"] == "decision":
                    self.take(line)

    def take(self, line):
        rate = {code: line["fx"][m[2]] for code, m in self.markets.items()}
        point = {code: m[3] * rate[code] for code, m in self.markets.items()}
        closes = {}
        for name, close in line["closes"].items():
            code, month = name.split(" ")
            closes[code, int(month)] = close
        clean = cost = traded = 0.0
        for key, contracts in self.held.items():
            if key in closes and key in self.mark:
                clean += contracts * (closes[key] - self.mark[key]) * point[key[0]]
        value = dict(zip(self.codes, line["value"], strict=False))
        result = clean
        for _, code, month, quantity, price, slip, fee, *_ in line["fills"]:
            key = code, month
            result += quantity * (closes.get(key, price) - price) * point[code]
            cost += slip + fee
            self.held[key] += quantity
            traded += abs(quantity) * value[code] * self.tens(code)
            self.mark[key] = price
        self.mark |= closes
        self.held = defaultdict(int, {k: n for k, n in self.held.items() if n})
        nav = line["nav"]
        self.peak = max(self.peak, nav)
        exposure = defaultdict(float)
        for (code, _), contracts in self.held.items():
            exposure[code] += contracts * value[code] / nav
        tens = {code: abs(e) * self.tens(code) for code, e in exposure.items()}
        by_class = defaultdict(float)
        for code, size in tens.items():
            by_class[self.markets[code][1]] += size
        risk, last = line["risk"], self.before
        returned = nav / last["nav"] - 1 if last else math.nan
        self.days[day_of(line["day"])] = {
            "nav": nav,
            "result": returned,
            "clean": clean / last["nav"] if last else math.nan,
            "explained": (result - sum(f[6] for f in line["fills"])) / last["nav"]
            if last
            else math.nan,
            "gross": sum(tens.values()),
            "classes": dict(by_class),
            "turnover": traded / nav,
            "tested": last.get("one_day", math.nan),
            "exception": bool(last) and -returned > last["one_day"],
            "fall": 1 - nav / self.peak,
            "largest": max((abs(e) * self.tens(c) for c, e in exposure.items()), default=0.0),
            "loss": max(-returned, 0.0) if last else math.nan,
            "outlier": self.outliers(line["fills"], point),
            "held": dict(self.held),
            "holdings": {
                (n.split(" ")[0], int(n.split(" ")[1])): q for n, q in line["holdings"].items()
            },
            "parts": (sum(line["var_parts"]), risk["var_one_day"]),
            "tail": (sum(line["es_parts"]), risk["es_one_day"]),
        }
        self.before = {"nav": nav, "one_day": risk["var_one_day"]}

    def outliers(self, fills, point):
        """Cost beyond the expected in deviations of the market's last 63, where it had 20."""
        paid = defaultdict(list)
        for _, code, _, quantity, price, slip, _, reason, *rest in fills:
            if len(rest) < 3 or rest[2] is None:
                continue
            decided, beyond = rest[1:3]
            side = 1 if quantity > 0 else -1
            points = side * (price - decided) - slip / abs(quantity) / point[code]
            assert points == 0 or (points > 0) == (beyond > 0), "in daily volatilities"
            name = f"{code} rolls" if reason in ("roll", "roll spread") else code
            paid[name].append((abs(quantity), beyond))
        out = {}
        for name, parts in paid.items():
            now = sum(q * b for q, b in parts) / sum(q for q, _ in parts)
            past = self.slips[name][-63:]
            if len(past) >= 20:
                mean = sum(past) / len(past)
                deviation = math.sqrt(sum((x - mean) ** 2 for x in past) / (len(past) - 1))
                out[name] = max((now - mean) / deviation, 0.0)
            self.slips[name].append(now)
        return out

    def tens(self, code):
        duration = self.markets[code][7]
        return duration / TEN_YEARS if duration > 0 else 1.0
