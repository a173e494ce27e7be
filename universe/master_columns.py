"""Columns of the instrument tables, in the order in which the ``master_*`` modules write them."""

from __future__ import annotations

from universe.instruments import AssetClass, Instrument, Notice

MONTHLY = "FGHJKMNQUVXZ"
QUARTERLY = "HMUZ"

CASH = Notice.CASH
PRIOR_MONTH_END = Notice.PRIOR_MONTH_END
TEN_DAYS_BEFORE = Notice.TEN_DAYS_BEFORE_MONTH
AFTER_TRADE = Notice.AFTER_LAST_TRADE


def row(
    asset_class: AssetClass,
    code: str,
    name: str,
    market: str,
    sector: str,
    currency: str,
    multiplier: float,
    tick: float,
    source_code: str,
    source_scale: float,
    hold_months: str,
    priced_months: str,
    roll_days: int,
    carry_offset: int,
    notice: Notice,
    expiry_rule: str,
    half_spread: float,
    fee: float,
    adv_contracts: float,
    session: str,
    *,
    duration: float = 0.0,
    depth: int = 0,
    lean_listed: bool = True,
    full_size: str = "",
) -> Instrument:
    """One :class:`~universe.instruments.Instrument`; its fee is in the quote currency.

    Units are those of :class:`~universe.instruments.Instrument`.
    """
    return Instrument(
        code=code,
        name=name,
        market=market,
        asset_class=asset_class,
        sector=sector,
        currency=currency,
        multiplier=multiplier,
        tick=tick,
        hold_months=hold_months,
        priced_months=priced_months,
        roll_days=roll_days,
        carry_offset=carry_offset,
        depth=depth,
        notice=notice,
        expiry_rule=expiry_rule,
        half_spread=half_spread,
        fee=fee,
        fee_currency=currency,
        adv_contracts=adv_contracts,
        session=session,
        duration=duration,
        lean_listed=lean_listed,
        source_code=source_code,
        source_scale=source_scale,
        full_size=full_size,
    )
