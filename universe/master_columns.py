"""Columns of the instrument tables, in the order in which the ``master_*`` modules write them."""

from __future__ import annotations

from universe.instruments import UNKNOWN_VOLUME, AssetClass, Basis, Instrument, Notice

MONTHLY = "FGHJKMNQUVXZ"
QUARTERLY = "HMUZ"

CASH = Notice.CASH
PRIOR_MONTH_END = Notice.PRIOR_MONTH_END
TEN_DAYS_BEFORE = Notice.TEN_DAYS_BEFORE_MONTH
AFTER_TRADE = Notice.AFTER_LAST_TRADE

LISTS_SPREADS = frozenset(
    (
        *("cme", "cbot", "comex", "nymex", "eurex", "cfe", "ice", "iceeu", "euronext"),
        *("ose", "krx", "hkfe", "asx"),
    )
)
"""Exchanges known to list calendar spreads of all their futures; of others it is not known."""


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
    adv_contracts: float | None,
    session: str,
    *,
    duration: float = 0.0,
    depth: int = 0,
    lean_listed: bool = True,
    full_size: str = "",
    basis: Basis | None = None,
    unknown: tuple[str, ...] = (),
) -> Instrument:
    """One :class:`~universe.instruments.Instrument`; its fee is in the quote currency.

    Units are those of :class:`~universe.instruments.Instrument`. Multiplier, tick and currency
    rest on LEAN's database where LEAN lists the market and on the exchange's specification where
    it does not, unless ``basis`` says otherwise. A volume of None is unknown, and whether calendar
    spreads are listed is unknown but for the exchanges of ``LISTS_SPREADS``.
    """
    if market not in LISTS_SPREADS:
        unknown = (*unknown, "spread_listed")
    if adv_contracts is None:
        adv_contracts, unknown = UNKNOWN_VOLUME, (*unknown, "adv_contracts")
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
        basis=basis or (Basis.LEAN if lean_listed else Basis.EXCHANGE),
        spread_listed=market in LISTS_SPREADS,
        unknown=unknown,
    )
