"""Two relays at once: a session is cut, a second process leads, the first finds itself fenced."""

from collections.abc import Callable

import pytest

from tests.chaos.loading import WAIT_S, Load
from tests.chaos.proof import Proof
from tests.e2e.place import until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
# Every session that holds locks is cut, and somebody else has taken over at the same moment.
CUT = """
WITH cut AS MATERIALIZED (
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'teller-lead'
    AND datname = current_database()
    AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
)
UPDATE teller.relay SET epoch = epoch + 1 WHERE (SELECT count(*) FROM cut) > 0 RETURNING epoch
"""
EPOCH = "SELECT epoch FROM teller.relay"


def test_a_relay_that_lost_its_lock_without_knowing_is_fenced(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("relay: two at once; their locks cut and taken over, three times")
    load.apart.add("teller2", load.apart.programs["teller"])
    with load.running():
        load.flows()
        load.apart.start("teller2")
        for _ in range(3):
            # Who led still believes that it leads: only the epoch tells it otherwise.
            ((taken,),) = until(lambda: load.sql(CUT), "somebody leads", WAIT_S)
            proof.begins()
            until(
                lambda taken=taken: load.sql(EPOCH)[0][0] > taken,
                "whoever leads next takes over",
                WAIT_S,
            )
            load.goes_round()
            proof.recovered()
        load.flows()
    load.prove(proof)
    logs = [load.apart.logs[each].read_text(encoding="utf-8") for each in ("teller", "teller2")]
    fenced = sum(each.count("relay_fenced") for each in logs)
    assert fenced, "no relay that had lost its lead tried to go on, so nothing was proved"
    proof.note = f"{load.sql(EPOCH)[0][0]} epochs, fenced {fenced} times"
    proof.holds()
