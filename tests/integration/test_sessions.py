"""The sessions of a service: the server ends those whose machine has vanished."""

from typing import Any

from infra.leadership import Leadership
from infra.sessions import LINE, PROBE_S, PROBES, QUIET_S


def test_the_server_asks_every_session_soon_whether_somebody_is_there(
    open_service: Any, make_database: Any
) -> None:
    """What it was told: over a unix socket there is nothing to ask, and it shows 0."""
    database = make_database()
    pool = open_service("thing", database)
    asked = "SELECT name, reset_val, source FROM pg_settings WHERE name LIKE 'tcp_keepalives_%'"
    with pool.connection() as connection:
        found = {name: (int(value), source) for name, value, source in connection.execute(asked)}
    assert found == {
        "tcp_keepalives_idle": (QUIET_S, "client"),
        "tcp_keepalives_interval": (PROBE_S, "client"),
        "tcp_keepalives_count": (PROBES, "client"),
    }
    ours = connection.info.get_parameters()
    assert {name: int(ours[name]) for name in LINE} == LINE
    leads = Leadership(database.dsn("thing"), "thing")
    assert leads.holds("relay")
    leads.close()
