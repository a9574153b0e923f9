"""The clock of running processes; everything below them takes the time as an argument."""

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return now, in UTC: the only clock of a running service."""
    return datetime.now(UTC)
