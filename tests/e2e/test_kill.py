"""Power cuts over Kafka: a service or all of them die mid-walk, come back, and every quote is finished once."""

from collections import Counter

import pytest

from quotewright.prefixes import PREFIXES
from tests.e2e.facts import ABOVE, ACCEPTED, APPROVED, UNTOUCHED
from tests.e2e.place import WAIT_S, Place
from tests.e2e.processes import Apart

pytestmark = pytest.mark.kafka


class Walks:
    """Three walks under way at different stages; one of them needs an approver's yes."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.above = place.opens("rural_lte", discounts=ABOVE)
        self.within = [place.opens("city_macro"), place.opens("street_micro")]
        first = self.above
        place.stage.crm.wait(lambda each: each["record_id"] == first, WAIT_S)

    def finish(self) -> None:
        """Bring all three to their orders; each fact must have been said exactly once."""
        place = self.place
        number = place.told(self.above, "PendingApproval")["number"]
        place.decides(place.asked_to_approve(number), "approve", "Margin holds.")
        for record in (self.above, *self.within):
            told = place.told(record, "Presented")
            place.accepts(told)
            place.told(record, "Ordered")
            facts = APPROVED if record == self.above else UNTOUCHED
            assert Counter(place.facts(told["number"])) == Counter([*facts, *ACCEPTED])
        assert {name: place.parked(prefix) for name, prefix in PREFIXES.items()} == {
            name: [] for name in PREFIXES
        }


@pytest.fixture
def apart(over_kafka: Place) -> Apart:
    assert over_kafka.apart is not None
    return over_kafka.apart


def test_quotes_are_finished_once_though_their_owner_is_killed(
    over_kafka: Place, apart: Apart
) -> None:
    """The other five are killed in tests/chaos, some of them drawn in each run."""
    walks = Walks(over_kafka)
    apart.kill("quotes")
    apart.start("quotes")
    walks.finish()


@pytest.mark.prove
def test_quotes_are_finished_once_though_all_services_are_restarted(
    over_kafka: Place, apart: Apart
) -> None:
    walks = Walks(over_kafka)
    codes = apart.terminate(*PREFIXES)
    assert codes == dict.fromkeys(PREFIXES, 0)
    apart.start()
    walks.finish()
