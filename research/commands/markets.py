"""``markets``: the master's markets, or what an instruments file may hold."""

from research.pages.market_tables import markets_command as command

__all__ = ["command"]
