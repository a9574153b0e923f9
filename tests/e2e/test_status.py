"""`quotewright status` as an operator meets it: all well, something amiss, somebody down, nobody there."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra.local import SUPERUSER, LocalPostgres
from quotewright.client import token_for
from quotewright.demo import ready, stage
from quotewright.laptop import ROOT, Laptop, Servers
from quotewright.prefixes import PREFIXES
from tests.e2e.place import Place, until
from tests.e2e.test_command import COMMAND, Said
from tests.e2e.test_seen_from_outside import scrape

FACTS = "quotewright.facts"
Status = Callable[..., Said]


def status(place: Place, *words: str, width: int = 80, token: str | None = None) -> Said:
    """Run `quotewright status` against a place, in a terminal of a width."""
    bearer = token or token_for(place.stage.laptop.home, "admin-1", ["admin"])
    done = subprocess.run(
        [*COMMAND, "status", "--url", place.stage.url, "--token", bearer, *words],
        cwd=ROOT,
        env={"COLUMNS": str(width), "PATH": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def alone(tmp_path: Path, home: Path) -> Iterator[tuple[Place, LocalPostgres]]:
    """A house on a server of its own, which may fall."""
    with LocalPostgres(tmp_path / "server") as server:
        laptop = Laptop(home, "embedded", Servers(server, None, "alone"))
        with stage(laptop) as running:
            place = Place(running, server.dsn(SUPERUSER, "alone"))
            ready(running)
            yield place, server
            place.close()


def test_a_house_in_order_is_said_to_be_well(alone: tuple[Place, LocalPostgres]) -> None:
    place, _ = alone
    said = status(place)
    assert (said.code, said.err) == (0, "")
    first, head, *rows, last = said.out.splitlines()
    assert first == f"Quotewright at {place.stage.url}, embedded bus"
    assert head.split() == [
        "service", "state", "behind", "published", "parked", "webhooks", "reminders"
    ]  # fmt: skip
    assert [row.split()[:2] for row in rows] == [[name, "ready"] for name in PREFIXES]
    assert last == "all is well"
    assert max(map(len, said.out.splitlines())) <= 80

    wide = status(place, width=160).out.splitlines()
    assert wide[1].split()[-3:] == ["database", "relay", "release"]
    assert wide[2].split()[-3:-1] == ["answers", "leads"]

    found = status(place, "--json").json
    assert (found["well"], found["needs"]) == (True, [])
    assert found["services"]["quotes"]["tables"]["parked_deals"] == 0


def test_a_parked_deal_and_a_stuck_webhook_need_a_person(
    alone: tuple[Place, LocalPostgres],
) -> None:
    place, _ = alone
    deal = str(uuid4())
    headers = {"ce_id": f"crm_projector.opportunity/{deal}/1"}
    place.produce(FACTS, deal, headers, b"no fact")
    until(lambda: place.parked("/quotes", deal), "quotes parks it")
    until(lambda: place.parked("/crm", deal), "crm_projector parks it")
    place.sql(
        "INSERT INTO approvals.deliveries (key, target, event_type, body, deal_id, state)"
        " VALUES ('k', 'approvals', 't', '{}', gen_random_uuid(), 'stuck')"
    )
    place.sql(  # where no timer runs, so that it stays
        "INSERT INTO configurator.reminders (key, kind, due_at, deal_id, body)"
        " VALUES ('k', 'nobody', now() - interval '10 minutes', gen_random_uuid(), '{}')"
    )

    def amiss() -> Said | None:
        said = status(place)
        return said if "overdue" in said.out and "stuck" in said.out else None

    said = until(amiss, "all of it is seen")
    assert said.code == 1
    assert "quotes: 1 deal parked, see `quotewright parked list`" in said.out
    assert "approvals: 1 webhook stuck" in said.out
    assert re.search(r"configurator: 1 reminder overdue, by up to 10 min \d+ s", said.out)
    assert "(docs/operations.md#alarms)" in said.out
    assert "no fact" not in said.out
    assert status(place, "--json").json["well"] is False


def test_the_lag_grows_while_the_database_is_away_and_is_gone_when_it_is_back(
    alone: tuple[Place, LocalPostgres],
) -> None:
    place, server = alone

    def lag_s() -> float:
        return scrape(place).value("consumer_lag_seconds", service="quotes", topic=FACTS) or 0.0

    assert lag_s() == 0
    server.kill()
    first = until(lag_s, "the lag is seen")
    assert until(lambda: lag_s() > first + 2, "the lag grows")
    down = scrape(place)
    assert down.value("database_up", service="quotes") == 0
    assert down.value("parked_deals", service="quotes") is None
    said = status(place)
    assert said.code == 1
    assert "quotes: the database does not answer" in said.out
    assert [row.split()[1:3] for row in said.out.splitlines()[2:8]] == [["not", "ready"]] * 6
    refused = place.customer.ask("GET", "/readyz")
    assert (refused.status_code, refused.json()["ready"]) == (503, False)

    server.start()
    until(lambda: status(place).code == 0, "all is well again", 60)
    assert lag_s() == 0


def test_a_wrong_token_is_one_sentence_and_exit_1(embedded: Place) -> None:
    said = status(embedded, token="nonsense")
    assert (said.code, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "Bearer" in said.err
    seller = token_for(embedded.stage.laptop.home, "seller-1", ["seller"])
    assert status(embedded, token=seller).err == (
        "quotewright: ask somebody who is admin [auth.role_missing]\n"
    )


def test_nobody_there_is_exit_3(embedded: Place) -> None:
    said = status(embedded, "--url", "http://127.0.0.1:9")
    assert (said.code, said.out) == (3, "")
    assert "does not answer" in said.err


@pytest.mark.kafka
def test_a_service_that_is_down_is_named_while_the_others_answer(over_kafka: Place) -> None:
    assert over_kafka.apart is not None
    over_kafka.apart.kill("pricer")
    try:
        said = status(over_kafka)
    finally:
        over_kafka.apart.start("pricer")
    assert said.code == 1
    rows = {row.split()[0]: row.split()[1:] for row in said.out.splitlines()[2:8]}
    assert rows["pricer"] == ["down"]
    assert rows["documents"][0] == "ready"
    assert "pricer: down: HTTP 502" in said.out
    assert json.loads(status(over_kafka, "--json").out)["services"]["pricer"]["ready"]
