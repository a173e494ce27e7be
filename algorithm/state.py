"""The strategy's state as one versioned, checksummed JSON document (O5).

A component with state declares three things as class attributes: ``STATE``, the attributes that are
state; ``DEPENDS``, the settings under whose other values they would mean something else; and
``ACCOUNT``, those of them that are about the account and mean the same under all settings. A part
named "carry.mean" without ``DEPENDS`` has those of "carry". ``GROWS`` names arrays of ``STATE`` of
any length, which ``from_state`` has to check. ``BOUNDS`` has the least and the greatest figure of
attributes that a wrong one would turn into positions or costs. A method ``from_state(values)`` may
refuse values with a ValueError, or fit them to other settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from algorithm.state_document import (
    VERSION,
    StateError,
    day_of,
    encoded,
    is_texts,
    opened,
    sealed,
    values_of,
)
from algorithm.strategy import Strategy
from universe.arrays import from_epoch_day
from universe.counts import count_text
from universe.session import NO_CONTRACT, Contract

__all__ = [
    "PREVIOUS_STATE_KEY",
    "STATE_KEY",
    "VERSION",
    "Owner",
    "OwnerError",
    "Restored",
    "StateError",
    "dependencies",
    "load_state",
    "orders_keys",
    "save_state",
    "state_keys",
]

STATE_KEY = "trend-carry/state.json"
PREVIOUS_STATE_KEY = "trend-carry/state-previous.json"
"""Keys in the ObjectStore, which takes one full stop in a name, of the default deployment."""


class OwnerError(StateError):
    """A state document that belongs to somebody else, and must not be overwritten."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose state a document is.

    Attributes
    ----------
    name : str
        Of the deployment.
    account : str
        The broker's account, or what stands for it; "" outside of live trading.
    currency : str
        Of the account.
    """

    name: str
    account: str = ""
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was taken up of a document.

    Attributes
    ----------
    day : int
        Epoch day of the last session in it.
    whole : bool
        Whether the markets' part was: the strategy goes on from ``day``. Otherwise the warm-up has
        to make it, and only what is about the account was taken up.
    refused : tuple of str
        What was not taken up and why, each a sentence.
    extra : dict
        The caller's own values.
    """

    day: int
    whole: bool
    refused: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


def state_keys(deployment: str) -> tuple[str, str]:
    """Keys of a deployment's document and of the one before."""
    return tuple(  # type: ignore[return-value]
        key.replace("trend-carry", deployment, 1) for key in (STATE_KEY, PREVIOUS_STATE_KEY)
    )


def orders_keys(deployment: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Keys of a deployment's orders by the minute, and of their plans: two of each, in turns."""
    orders, plans = f"{deployment}/orders", f"{deployment}/orders-plans"
    return (f"{orders}.json", f"{orders}-2.json"), (f"{plans}.json", f"{plans}-2.json")


def sent_keys(deployment: str) -> tuple[str, str]:
    """Keys of a deployment's orders that are sent whole: two, in turns."""
    return f"{deployment}/sent.json", f"{deployment}/sent-2.json"


def dependencies(strategy: Strategy) -> dict[str, tuple[str, ...]]:
    """Settings that each part of the state depends on, by part.

    Raises
    ------
    TypeError
        If a component with state does not declare them, or names a setting that is none.
    """
    components = strategy.components()
    known = {spec.name for spec in fields(strategy.settings)}
    out = {}
    for name, component in components.items():
        owner = component
        if not hasattr(owner, "DEPENDS") and "." in name:
            owner = components.get(name.rpartition(".")[0])
        declared = getattr(owner, "DEPENDS", None)
        if declared is None:
            raise TypeError(f"{type(component).__name__} has state and no DEPENDS; part {name}")
        unknown = [setting for setting in declared if setting not in known]
        if unknown:
            raise TypeError(f"part {name} depends on {unknown[0]!r}, which is no setting")
        out[name] = tuple(declared)
    return out


def save_state(
    strategy: Strategy, extra: dict[str, Any] | None = None, *, owner: Owner | None = None
) -> str:
    """The whole state of ``strategy`` as a JSON document.

    Parameters
    ----------
    strategy : Strategy
    extra : dict, optional
        JSON values of the caller's own, e.g. orders on their way.
    owner : Owner, optional
        The settings' deployment without an account unless given.
    """
    owner = owner or Owner(strategy.settings.deployment)
    dependencies(strategy)
    body = {
        "owner": {spec.name: getattr(owner, spec.name) for spec in fields(owner)},
        "assets": list(strategy.names),
        "day": strategy.day,
        "contracts": [
            [
                [c.month, c.expiry, c.last_holding]
                for c in known.values()
                if c.expiry >= strategy.day or c.month in kept
            ]
            for known, *kept in zip(
                strategy.markets.contracts,
                strategy.markets.held.tolist(),
                strategy.markets.lost.tolist(),
                strict=True,
            )
        ],
        "settings": strategy.settings.as_strings(),
        "components": {
            name: {key: encoded(getattr(component, key)) for key in component.STATE}
            for name, component in strategy.components().items()
        },
        "extra": extra or {},
    }
    return sealed(body)


def load_state(
    strategy: Strategy, document: str, *, owner: Owner | None = None, today: int | None = None
) -> Restored:
    """Take up a document.

    Parameters
    ----------
    strategy : Strategy
    document : str
    owner : Owner, optional
        Whose it must be; not asked unless given.
    today : int, optional
        Epoch day; the document's age is not asked unless given.

    Notes
    -----
    What a session's data make (series, volatilities, correlations, rules) is taken up as a whole or
    not at all: a document of other markets, under other settings, or older than ``state_max_age``
    leaves it to the warm-up. What is about the account (peak of NAV, drawdown, governor, kill
    switch, bias statistic) no warm-up can make, and it means the same under other markets and
    rules: it is taken up all the same. Else a part whose settings have changed is not, by name.

    Raises
    ------
    OwnerError
        If it is another deployment's, account's or currency's.
    StateError
        If it is damaged, of another version or of a day to come. The strategy is then unchanged.
    """
    depends = dependencies(strategy)
    try:
        body = opened(document)
        day = day_of(body["day"])
        _check_owner(body["owner"], owner)
        if today is not None and day > today:
            raise StateError(
                f"state is of {from_epoch_day(day)}, after today, {from_epoch_day(today)}"
            )
        return _take_up(strategy, body, day, today, depends)
    except StateError:
        raise
    except Exception as error:  # whatever a document holds, it stops nothing
        raise StateError(f"state cannot be read: {type(error).__name__}: {error}") from None


# --- what fits -----------------------------------------------------------------------------------
def _take_up(
    strategy: Strategy,
    body: dict[str, Any],
    day: int,
    today: int | None,
    depends: Mapping[str, tuple[str, ...]],
) -> Restored:
    """Decode everything first, so that a faulty document changes nothing."""
    components, stored = strategy.components(), body["components"]
    then, now = body["settings"], strategy.settings.as_strings()
    if not (is_texts(then) and isinstance(stored, dict) and isinstance(body["extra"], dict)):
        raise StateError("state's settings, components or extra are no tables")
    whole, unfit = _misfits(body, strategy, day, today), {}
    for name, settings in depends.items():
        changed = [setting for setting in settings if then.get(setting) != now[setting]]
        if changed:
            pairs = (f"{one} {then.get(one)!r}, now {now[one]!r}" for one in changed)
            unfit[name] = f"written with {', '.join(pairs)}"
        elif name not in stored and then == now and not whole:
            raise StateError(f"state lacks {name}; it is damaged, or of another version")
        elif name not in stored:
            unfit[name] = "it is not in the document"
    replayed = strategy.observer.components()
    complete = not whole and not any(name in unfit for name in replayed)
    values: dict[str, dict[str, Any]] = {}
    for name, component in components.items():
        about_markets = complete and name not in unfit
        taken = component.STATE if about_markets else getattr(component, "ACCOUNT", ())
        if name in stored and taken:
            values[name] = values_of(name, component, stored[name], taken)
    contracts = _contracts(body["contracts"], strategy) if complete else []
    if complete:
        _check_held(values, contracts, day, strategy)
    _apply(strategy, values, contracts)
    sentences = [*whole, *_sentences(unfit)]
    if not complete:
        sentences.append("only what is about the account is taken up; the warm-up makes the rest")
    return Restored(day, complete, tuple(sentences), body["extra"])


def _misfits(body: dict[str, Any], strategy: Strategy, day: int, today: int | None) -> list[str]:
    """Why nothing that is about markets fits, each a sentence."""
    out, assets, limit = [], body["assets"], strategy.settings.state_max_age
    if not isinstance(assets, list) or not all(isinstance(name, str) for name in assets):
        raise StateError("state's assets are no names")
    if assets != strategy.names:
        gone = [name for name in assets if name not in strategy.names]
        new = [name for name in strategy.names if name not in assets]
        out.append(
            f"state is of {len(assets)} assets, now there are {len(strategy.names)}"
            f"{_named('; gone: ', gone)}{_named('; new: ', new)}"
        )
    if today is not None and today - day > limit:
        out.append(f"state is {count_text(today - day, 'day')} old; state_max_age is {limit}")
    return out


def _named(what: str, names: list[str]) -> str:
    shown = " ".join(names[:10]) + (" and others" if len(names) > 10 else "")
    return what + shown if names else ""


def _sentences(unfit: Mapping[str, str]) -> list[str]:
    """One sentence a reason, naming its parts."""
    parts: dict[str, list[str]] = {}
    for name, reason in unfit.items():
        parts.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in parts.items()]


def _check_owner(written: Any, owner: Owner | None) -> None:
    names = [spec.name for spec in fields(Owner)]
    if not is_texts(written) or set(written) != set(names):
        raise StateError("state names no owner")
    if owner is None:
        return
    for name in names:
        if written[name] != getattr(owner, name):
            raise OwnerError(
                f"state belongs to {name} {written[name]!r}; this is {getattr(owner, name)!r}"
            )


def _check_held(
    values: Mapping[str, Mapping[str, Any]],
    contracts: Iterable[tuple[int, Contract]],
    day: int,
    strategy: Strategy,
) -> None:
    """Refuse a position in a contract that nobody knows, and parts of different days."""
    listed = {(market, contract.month) for market, contract in contracts}
    held = values["markets"]["held"].tolist()
    for market, month in enumerate(held):
        known = (market, month) in listed or month in strategy.markets.contracts[market]
        if month != NO_CONTRACT and not known:
            code = strategy.instruments[market].code
            raise StateError(f"state holds contract {month} of {code}, which it does not list")
    if values["observer"]["day"] != day:
        raise StateError("state's parts are of different days")


# --- the markets' part --------------------------------------------------------------------------
def _contracts(listed: Any, strategy: Strategy) -> list[tuple[int, Contract]]:
    if len(listed) != len(strategy.instruments):
        raise StateError(f"state lists contracts of {count_text(len(listed), 'market')}")
    out = []
    for market, known in enumerate(listed):
        for month, expiry, last_holding in known:
            if type(month) is not int or not (0 < month < 10**6 and 1 <= month % 100 <= 12):
                raise StateError(f"state lists contract month {month!r}; it must be a yyyymm")
            out.append((market, Contract(month, day_of(expiry), day_of(last_holding))))
    return out


def _apply(
    strategy: Strategy,
    values: Mapping[str, Mapping[str, Any]],
    contracts: Iterable[tuple[int, Contract]],
) -> None:
    """Set what was read; what cannot be set is undone."""
    components = strategy.components()
    new = [(components[name], key, v) for name, part in values.items() for key, v in part.items()]
    old = [(component, key, getattr(component, key)) for component, key, _ in new]
    listed = [dict(known) for known in strategy.markets.contracts]
    try:
        for component, key, value in new:
            setattr(component, key, value)
        for market, contract in contracts:
            strategy.list_contract(market, contract)
        strategy.after_restore()
    except Exception:
        for component, key, value in old:
            setattr(component, key, value)
        strategy.markets.contracts[:] = listed
        strategy.after_restore()
        raise
