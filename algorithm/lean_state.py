"""The strategy's state in LEAN's ObjectStore: the last document and the one before (O5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import Config

from algorithm.lean_store import write
from algorithm.settings import Settings
from algorithm.state import (
    Owner,
    OwnerError,
    Restored,
    StateError,
    load_state,
    save_state,
    state_keys,
)
from algorithm.strategy import Strategy
from universe.arrays import from_epoch_day, to_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm


def known_account(settings: Settings, live: bool) -> str:
    """The broker's account as far as it can be known, "" if it cannot.

    LEAN tells an algorithm no more of its account than the currency. Where it runs with Interactive
    Brokers on its user's machine, its own configuration names the account.
    """
    named = settings.account or settings.order_account
    if named or not live or "InteractiveBrokers" not in Config.get("live-mode-brokerage", ""):
        return named
    return str(Config.get("ib-account", ""))


class StateStore:
    """Writes and takes up the state; what goes wrong is said in the log and stops nothing.

    The store is shared by all projects of an organisation, so that a document has an owner: the
    name of the deployment, which is its folder too, the account and its currency. What belongs to
    another is neither taken up nor overwritten.

    Attributes
    ----------
    owner : Owner
        Of the documents.
    restored : bool
        Whether the strategy goes on from a document.
    """

    def __init__(self, algorithm: QCAlgorithm, strategy: Strategy) -> None:
        self._algorithm, self._strategy = algorithm, strategy
        settings = strategy.settings
        self._account = known_account(settings, bool(algorithm.live_mode))
        account = self._account or f"project {algorithm.project_id}"
        self.owner = Owner(settings.deployment, account, str(algorithm.account_currency))
        self._keys = state_keys(settings.deployment)
        self._document = ""  # the last good one, read or written
        self._foreign = False
        self.restored = False

    def save(self) -> None:
        """Write the document, before it the last good one to its place."""
        if self._foreign:
            return
        key, previous = self._keys
        document = save_state(self._strategy, owner=self.owner)
        if document == self._document:
            return
        reason = write(self._algorithm, previous, self._document) if self._document else ""
        reason = write(self._algorithm, key, document) or reason
        if reason:
            self._algorithm.error(f"{key}: {reason}; a restart would use an older state")
        else:
            self._document = document

    def restore(self) -> None:
        """Take up the last state that can be read; without one, start from the warm-up."""
        algorithm, store = self._algorithm, self._algorithm.object_store
        today = to_epoch_day(algorithm.start_date.date())  # live, LEAN sets it to the present
        if not self._account:
            algorithm.log(
                f"LEAN does not tell the broker's account: the state of {self.owner.account} is"
                " taken up whatever account it trades; name it by the setting account before this"
                " project trades for another one"
            )
        for key in self._keys:
            if not store.contains_key(key):
                algorithm.log(f"no state at {key}")
                continue
            try:
                document = store.read(key)
                found = load_state(self._strategy, document, owner=self.owner, today=today)
            except OwnerError as error:
                self._foreign = True
                algorithm.error(
                    f"{key}: {error}; it is left alone and no state is written: give this "
                    "deployment a name of its own (setting deployment)"
                )
                break
            except StateError as error:
                algorithm.error(f"{key}: {error}")
                continue
            self.restored, self._document = found.whole, document
            self._say(key, found)
            if found.whole:
                return
            break
        algorithm.log("starting from the history of the warm-up, adopting the broker's positions")

    def _say(self, key: str, found: Restored) -> None:
        algorithm, strategy = self._algorithm, self._strategy
        for sentence in found.refused:
            algorithm.error(f"{key}: {sentence}")
        what = "restored" if found.whole else "the account's part restored"
        algorithm.log(
            f"{key}: {what} as of {from_epoch_day(found.day)}, NAV {strategy.last_nav:,.0f}"
        )
