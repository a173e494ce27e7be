from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.contract_quotes import (
    EXTENSION_SESSIONS,
    Snapshots,
    bars_from_snapshots,
    extend_rolled,
)
from tests.research.pysystemtrade_folder import (
    DAYS,
    JUN,
    MAR,
    SEP,
    bars,
    instrument,
    issue,
    kinds,
    load,
    plain_rows,
    write_adjusted,
    write_multiple,
)
from universe.arrays import to_epoch_day

NAN = float("nan")


class TestSnapshots:
    def test_last_price_of_the_day_counts_and_earlier_quotes_move_with_it(self, tmp_path):
        write_multiple(
            tmp_path,
            [
                ("2020-03-02 20:00:00", 101.5, JUN, 100.0, MAR, 103.0, SEP),
                ("2020-03-02 21:00:00", 101.75, JUN, 100.5, MAR, "", SEP),
                ("2020-03-02 23:00:00", "", JUN, 102.5, MAR, "", SEP),
            ],
        )
        history = load(tmp_path).markets["AA"]
        day = DAYS[0]
        assert bars(history) == {
            (day, 202003): 102.5,
            (day, 202006): 101.75 + 2.0,
            (day, 202009): 103.0 + 2.5,
        }

    def test_the_old_contract_of_an_intraday_roll_moves_with_the_new_one(self, tmp_path):
        # the US30 rows of 2022-02-23
        write_multiple(
            tmp_path,
            [
                ("2022-02-22 21:00:00", 184.5, 20220600, 183.21875, 20220300, "", 20220900),
                ("2022-02-23 19:00:00", 183.4375, 20220600, 182.09375, 20220300, "", 20220900),
                ("2022-02-23 21:00:00", "", 20220900, 182.3125, 20220600, "", 20220900),
            ],
        )
        history = load(tmp_path).markets["AA"]
        day = date(2022, 2, 23)
        assert bars(history)[day, 202206] == 182.3125
        assert bars(history)[day, 202203] == 182.09375 + (182.3125 - 183.4375)
        assert history.mapped_from.tolist() == [to_epoch_day(date(2022, 2, 22)), to_epoch_day(day)]
        assert history.contract_month[history.mapped_contract].tolist() == [202203, 202206]

    def test_quotes_without_a_common_contract_stay_and_are_reported(self, tmp_path):
        write_multiple(
            tmp_path,
            [
                ("2020-03-02 20:00:00", "", JUN, 100.0, MAR, "", JUN),
                ("2020-03-02 23:00:00", "", SEP, 107.0, JUN, "", SEP),
            ],
        )
        data = load(tmp_path)
        assert bars(data.markets["AA"])[DAYS[0], 202003] == 100.0
        assert issue(data, "unsynchronised").epoch_day == to_epoch_day(DAYS[0])

    def test_a_contract_in_two_columns_is_one_bar(self, tmp_path):
        write_multiple(
            tmp_path,
            [
                ("2020-03-02 23:00:00", 101.0, JUN, 100.0, MAR, 101.0, JUN),
                ("2020-03-03 23:00:00", 102.0, JUN, 100.5, MAR, 109.0, JUN),
                ("2020-03-04 23:00:00", 99.0, MAR, 100.5, MAR, 102.5, JUN),
            ],
        )
        data = load(tmp_path)
        values = list(bars(data.markets["AA"]).values())
        assert values == [100.0, 101.0, 100.5, 102.0, 100.5, 102.5]
        conflicts = [i.epoch_day for i in data.issues if i.kind == "conflict"]
        assert conflicts == [to_epoch_day(DAYS[1]), to_epoch_day(DAYS[2])]

    def test_prices_are_in_the_quote_of_lean(self, tmp_path):
        write_multiple(tmp_path, plain_rows(DAYS[:3], price=350.0))
        write_adjusted(tmp_path, [(day, 400 + k) for k, day in enumerate(DAYS[:3])])
        history = load(tmp_path, instrument(source_scale=0.01)).markets["AA"]
        assert bars(history)[DAYS[2], 202003] == pytest.approx(3.52, abs=1e-12)
        for name in ("open", "high", "low"):
            np.testing.assert_array_equal(getattr(history, name), history.close)
        assert np.isnan(history.volume).all()
        assert np.isnan(history.open_interest).all()


def rolled_rows(n_before=3, carry_again=()):
    """March held for ``n_before`` days, then June; March quoted as carry on ``carry_again``."""
    rows = []
    for k, day in enumerate(DAYS):
        if k < n_before:
            rows.append((f"{day} 23:00:00", 102.0 + k, JUN, 100.0 + k, MAR, "", SEP))
        else:
            quote = 90.0 + k if k in carry_again else ""
            rows.append((f"{day} 23:00:00", quote, MAR, 102.0 + k, JUN, "", SEP))
    return rows


class TestExtension:
    def test_follows_the_adjusted_series_for_eight_sessions(self, tmp_path):
        write_multiple(tmp_path, rolled_rows())
        level = [50.0 + 0.25 * k**2 for k in range(len(DAYS))]
        write_adjusted(tmp_path, zip(DAYS, level, strict=True))
        data = load(tmp_path)
        values = bars(data.markets["AA"])
        last = 2  # March's last quote, at 102
        for k in range(last + 1, last + 1 + EXTENSION_SESSIONS):
            assert values[DAYS[k], 202003] == 102.0 + level[k] - level[last]
        assert (DAYS[last + 1 + EXTENSION_SESSIONS], 202003) not in values
        assert "8 bars of 1 rolled contracts" in issue(data, "extended").detail

    def test_without_adjusted_prices_follows_the_new_contract(self, tmp_path):
        write_multiple(tmp_path, rolled_rows())
        data = load(tmp_path)
        values = bars(data.markets["AA"])
        assert values[DAYS[5], 202003] == 102.0 + 3.0
        assert "no adjusted" in kinds(data)

    def test_without_either_there_is_none(self, tmp_path):
        rows = [(s, "", cc, p, pc, "", fc) for s, _, cc, p, pc, _, fc in rolled_rows()]
        write_multiple(tmp_path, rows)
        data = load(tmp_path)
        assert "extended" not in kinds(data)
        assert (DAYS[3], 202003) not in bars(data.markets["AA"])

    def test_ends_at_the_expiry(self, tmp_path):
        write_multiple(tmp_path, rolled_rows(n_before=12))
        values = bars(load(tmp_path).markets["AA"])
        assert (date(2020, 3, 20), 202003) in values
        assert (date(2020, 3, 23), 202003) not in values

    def test_a_quote_replaces_it_and_starts_it_anew(self, tmp_path):
        write_multiple(tmp_path, rolled_rows(carry_again=(6,)))
        data = load(tmp_path)
        values = bars(data.markets["AA"])
        assert values[DAYS[5], 202003] == 102.0 + 3.0
        assert values[DAYS[6], 202003] == 96.0
        assert values[DAYS[7], 202003] == 97.0
        assert (DAYS[14], 202003) in values
        assert "(3 of them before a later quote)" in issue(data, "extended").detail

    def test_forward_contracts_are_not_extended_before_they_are_held(self, tmp_path):
        rows = plain_rows()
        rows[4:] = [(s, "", cc, p, pc, "", fc) for s, _, cc, p, pc, _, fc in rows[4:]]
        write_multiple(tmp_path, rows)
        assert (DAYS[5], 202006) not in bars(load(tmp_path).markets["AA"])


@st.composite
def snapshot_rows(draw):
    """Rows of a market that rolls at random, with random snapshots and missing quotes."""
    n = draw(st.integers(2, 40))
    day = np.cumsum(draw(st.lists(st.sampled_from([0, 1, 1, 3]), min_size=n, max_size=n)))
    held = np.minimum(np.cumsum(draw(st.lists(st.booleans(), min_size=n, max_size=n))), 6)
    quotes = st.one_of(st.just(NAN), st.floats(10, 20, width=32))
    price = np.array(
        [
            draw(st.lists(st.floats(10, 20, width=32), min_size=n, max_size=n)),
            draw(st.lists(quotes, min_size=n, max_size=n)),
            draw(st.lists(quotes, min_size=n, max_size=n)),
        ]
    )
    offset = draw(st.sampled_from([-1, 1]))
    month = 202003 + np.array([held, held + offset, held + 1])
    return Snapshots(day.astype(np.int64), price, month.astype(np.int64))


class TestPrefixInvariance:
    @staticmethod
    def make(rows, level, expiry_of):
        made, _ = bars_from_snapshots(rows)
        adjusted = np.array([level[d] for d in made.sessions])
        extended = extend_rolled(made, adjusted, np.array([expiry_of[m] for m in made.months])).bars
        return {
            (extended.sessions[s], extended.months[c]): close
            for s, c, close in zip(extended.session, extended.contract, extended.close, strict=True)
        }

    @settings(max_examples=60, deadline=None)
    @given(snapshot_rows(), st.data())
    def test_bars_do_not_depend_on_later_rows(self, rows, data):
        """Also: one bar per contract and day, and every quoted contract keeps a bar."""
        numbers = st.one_of(st.just(NAN), st.floats(-5, 5, width=32))
        level = {d: data.draw(numbers) for d in np.unique(rows.day).tolist()}
        expiry_of = {m: data.draw(st.integers(0, 60)) for m in range(202000, 202020)}
        full = self.make(rows, level, expiry_of)
        cut = data.draw(st.integers(0, int(rows.day[-1])))
        known = rows.day <= cut
        if not known.any():
            return
        part = self.make(
            Snapshots(rows.day[known], rows.price[:, known], rows.month[:, known]),
            level,
            expiry_of,
        )
        assert part == {key: close for key, close in full.items() if key[0] <= cut}
        quoted = {(rows.day[r], rows.month[c, r]) for c, r in np.argwhere(np.isfinite(rows.price))}
        assert quoted <= set(full)
