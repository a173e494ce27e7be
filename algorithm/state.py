"""The strategy's state as one versioned, checksummed JSON document (O5).

Arrays travel as base64 of their bytes, so that what is read back is bit for bit what was written.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import numpy as np

from algorithm.strategy import Strategy
from universe.session import Contract

VERSION = 1

STATE_KEY = "trend-carry/state.json"
PREVIOUS_STATE_KEY = "trend-carry/state-previous.json"
"""Keys in the ObjectStore, which takes one full stop in a name."""


class StateError(ValueError):
    """A state document that cannot be used, with the reason."""


def save_state(strategy: Strategy, extra: dict[str, Any] | None = None) -> str:
    """The whole state of ``strategy`` as a JSON document.

    Parameters
    ----------
    strategy : Strategy
    extra : dict, optional
        JSON values of the caller's own, e.g. orders on their way.
    """
    body = {
        "markets": [instrument.code for instrument in strategy.instruments],
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
        "settings": _meaning(strategy),
        "components": {
            name: {key: _encode(getattr(component, key)) for key in component.STATE}
            for name, component in strategy.components().items()
        },
        "extra": extra or {},
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return json.dumps({"version": VERSION, "sha256": _digest(text), "body": text})


def load_state(strategy: Strategy, document: str) -> dict[str, Any]:
    """Restore ``strategy`` from a document; returns the caller's extra values.

    Raises
    ------
    StateError
        If the document is damaged, of another version, or of other markets or settings. The
        strategy is then unchanged.
    """
    body = _checked(document)
    codes = [instrument.code for instrument in strategy.instruments]
    if body["markets"] != codes:
        raise StateError(
            f"state is of {len(body['markets'])} markets {' '.join(body['markets'])}; the strategy "
            f"now has {len(codes)} markets {' '.join(codes)}"
        )
    for name, value in _meaning(strategy).items():
        if body.get("settings", {}).get(name) != value:
            raise StateError(
                f"state was written with {name} {body.get('settings', {}).get(name)!r}; the "
                f"settings now say {value!r}"
            )
    try:
        return _take_up(strategy, body)
    except (KeyError, ValueError, TypeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"state cannot be read: {error!r}") from None


def _take_up(strategy: Strategy, body: dict[str, Any]) -> dict[str, Any]:
    """Decode everything first, so that a faulty document changes nothing."""
    components = strategy.components()
    decoded: list[tuple[Any, str, Any]] = []
    for name, component in components.items():
        stored = body["components"].get(name, {})
        for key in component.STATE:
            if key not in stored:
                raise StateError(f"state lacks {name}.{key}; it was written by another version")
            value = _decode(stored[key])
            current = getattr(component, key)
            if isinstance(current, np.ndarray) and np.shape(value) != current.shape:
                raise StateError(
                    f"state's {name}.{key} has shape {np.shape(value)}, the settings ask for "
                    f"{current.shape}"
                )
            decoded.append((component, key, value))
    contracts = [
        (market, Contract(int(month), int(expiry), int(last_holding)))
        for market, known in enumerate(body["contracts"])
        for month, expiry, last_holding in known
    ]
    extra: dict[str, Any] = body["extra"]
    for component, key, value in decoded:
        setattr(component, key, value)
    for market, contract in contracts:
        strategy.list_contract(market, contract)
    strategy.after_restore()
    return extra


def _meaning(strategy: Strategy) -> dict[str, str]:
    """The settings on which the meaning of the stored arrays depends."""
    settings = strategy.settings.as_strings()
    prefixes = (
        "vol_span",
        "vol_long_sessions",
        "trend_rules",
        "tsmom_",
        "ewmac_",
        "breakout_",
        "forecast_multiplier",
        "carry_",
        "spread_max_age",
        "macro_max_age",
        "multiplier_span",
        "forecast_cap",
        "bias_span",
        "corr_",
        "var_window",
    )
    return {name: value for name, value in settings.items() if name.startswith(prefixes)}


def _checked(document: str) -> dict[str, Any]:
    try:
        envelope = json.loads(document)
        version, digest, text = envelope["version"], envelope["sha256"], envelope["body"]
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"state is not a document of ours: {error}") from None
    if version != VERSION:
        raise StateError(f"state has version {version}; this code reads version {VERSION}")
    if not isinstance(text, str) or _digest(text) != digest:
        raise StateError("state does not match its checksum; it is damaged")
    body: dict[str, Any] = json.loads(text)
    return body


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict) and "dtype" in value:
        data = base64.b64decode(value["data"])
        return np.frombuffer(data, dtype=value["dtype"]).reshape(value["shape"]).copy()
    return value
