"""Risk parity and whole contracts on the covariances of real markets."""

import numpy as np
import pandas as pd
import pytest

from portfolio.budgets import SleeveView, sleeve_exposures
from portfolio.risk_parity import risk_parity
from portfolio.whole_contracts import contract_bounds, contract_covariance, whole_contracts

pytestmark = pytest.mark.realdata

DATES = ("2003-03-24", "2011-02-23", "2020-03-16")
HALF_LIFE = 60


def daily(path, column):
    rows = pd.read_csv(path, index_col=0, parse_dates=True)[column].dropna()
    return rows.groupby(rows.index.normalize()).last()


@pytest.fixture(scope="module")
def books(futures_data):
    """Covariance, dollars of a contract, trend of a year and class of every market, by date."""
    config = pd.read_csv(futures_data / "csvconfig" / "instrumentconfig.csv", index_col=0)
    days = pd.bdate_range("2001-01-01", "2020-03-16")
    held, moves = {}, {}
    for path in sorted((futures_data / "multiple_prices_csv").glob("*.csv")):
        held[path.stem] = daily(path, "PRICE").reindex(days).ffill(limit=10)
        adjusted = daily(futures_data / "adjusted_prices_csv" / path.name, "price")
        moves[path.stem] = adjusted.reindex(days).ffill(limit=10).diff()
    price = pd.DataFrame(held)
    returns = (pd.DataFrame(moves) / price.shift().abs()).fillna(0.0).clip(-0.3, 0.3)
    rates = {
        path.stem[:3]: daily(path, pd.read_csv(path, nrows=0).columns[1])
        for path in (futures_data / "fx_prices_csv").glob("*USD.csv")
    }
    out = []
    for date in DATES:
        until = returns.loc[:date].to_numpy()
        weight = 0.5 ** (np.arange(len(until))[::-1] / HALF_LIFE)
        cov = 256 * (until * weight[:, None]).T @ until / weight.sum()
        used = (np.sqrt(np.diagonal(cov)) > 1e-3) & (price.loc[date].to_numpy() > 0)
        names = returns.columns[used]
        rate = [
            1.0 if currency == "USD" else rates[currency].asof(pd.Timestamp(date))
            for currency in config.loc[names, "Currency"]
        ]
        value = price.loc[date, names] * config.loc[names, "Pointsize"] * rate
        cov = cov[np.ix_(used, used)]
        sigma = np.sqrt(np.diagonal(cov))
        trend = np.clip(until[-252:, used].sum(axis=0) / sigma, -2.0, 2.0)
        view = SleeveView(
            trend,
            sigma,
            cov / np.outer(sigma, sigma),
            np.unique(config.loc[names, "AssetClass"], return_inverse=True)[1],
            np.ones(len(names), dtype=bool),
        )
        out.append((view, cov, value.to_numpy()))
    return out


def test_risk_parity_on_both_sides(books):
    rng = np.random.default_rng(0)
    for _, cov, _ in books:
        for _ in range(50):
            signs = rng.choice([-1.0, 1.0], len(cov))
            weights = risk_parity(cov, signs=signs).weights
            part = weights * (cov @ weights)
            assert np.ptp(part) / part.mean() <= 1e-10


@pytest.mark.parametrize("nav", [0.25e6, 0.5e6, 1e6, 5e6])
def test_whole_contracts_are_within_three_percent_of_the_best_known(books, nav):
    for view, cov, value in books:
        weights = 0.10 * sleeve_exposures("conviction", view).weights
        unit = value / nav
        gram = contract_covariance(unit, cov)
        ideal, held = weights / unit, np.zeros(len(cov), dtype=np.int64)
        free = np.ones(len(cov), dtype=bool)
        low, high = contract_bounds(ideal, held, np.full(len(cov), np.inf), free)
        cost = np.zeros(len(cov))
        found = whole_contracts(ideal, held, gram, low, high, cost)
        wide = whole_contracts(ideal, held, gram, low, high, cost, width=2000)
        assert found.tracking_error <= 1.01 * wide.tracking_error
        off = np.rint(ideal) - ideal
        assert found.tracking_error <= np.sqrt(off @ gram @ off)


@pytest.mark.parametrize("nav", [0.25e6, 1e6])
def test_four_fifths_of_a_small_book_are_about_four_fifths(books, nav):
    """A governor at 80 % once left 64 % of a fund of a million."""
    for view, cov, value in books:
        unit = value / nav
        gram, ideal = (
            contract_covariance(unit, cov),
            0.10 * sleeve_exposures("conviction", view).weights / unit,
        )
        held, vol = np.zeros(len(cov), dtype=np.int64), []
        for scale in (1.0, 0.8):
            free = np.ones(len(cov), dtype=bool)
            low, high = contract_bounds(scale * ideal, held, np.full(len(cov), np.inf), free)
            held = whole_contracts(
                scale * ideal, held, gram, low, high, np.zeros(len(cov))
            ).contracts
            vol.append(np.sqrt(held @ gram @ held))
        assert vol[1] / vol[0] == pytest.approx(0.8, abs=0.02 if nav == 1e6 else 0.05)
