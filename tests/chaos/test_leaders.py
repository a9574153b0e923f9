"""Two relays at once: a session is cut, a second process leads, the first finds itself fenced."""

from collections.abc import Callable

import pytest

from tests.chaos.loading import WAIT_S, Load
from tests.chaos.proof import Proof
from tests.e2e.place import until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
# The session that holds the advisory locks of one process.
LEADER = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'teller-lead'
  AND datname = current_database()
  AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
"""
SESSIONS = """
SELECT a.pid, a.backend_start::text, l.granted, l.objid FROM pg_stat_activity a
LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory'
WHERE a.application_name = 'teller-lead' AND a.datname = current_database()
"""
EPOCH = "SELECT epoch FROM teller.relay"


def test_a_relay_that_lost_its_lock_without_knowing_is_fenced(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("relay: two at once, its lock's session cut three times")
    load.apart.add("teller2", load.apart.programs["teller"])
    with load.running():
        load.flows()
        load.apart.start("teller2")
        for _ in range(3):
            before = load.sql(EPOCH)[0][0]
            assert load.sql(LEADER)[0][0] >= 1
            proof.begins()
            # Its owner still believes that it leads: only the epoch tells it otherwise.
            until(
                lambda before=before: load.sql(EPOCH)[0][0] > before,
                f"another leads; the sessions were {load.sql(SESSIONS)}",
                WAIT_S,
            )
            load.goes_round()
            proof.recovered()
        load.flows()
    load.prove(proof)
    proof.note = f"{load.sql(EPOCH)[0][0]} epochs"
    proof.holds()
