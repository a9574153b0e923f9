"""Configuration sessions over real PostgreSQL: privacy, races, repeats, undo, copies, resuming."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from services.configurator import sessions as kept
from tests.integration.configurator_sessions import SESSIONS, Configurator, running

TELECOM = Path(__file__).parents[2] / "catalogs" / "telecom"
MACRO = {"station_type": "macro", "technology": "nr"}


@pytest.fixture
def service(make_database: Any, clock: Any, tmp_path: Any) -> Iterator[Configurator]:
    with running(make_database, clock, tmp_path) as found:
        yield found


def at(session: dict[str, Any], *more: str) -> str:
    return "/".join((SESSIONS, session["session_id"], *more))


def answers(session: dict[str, Any]) -> dict[str, Any]:
    return {each["attribute"]: each["value"] for each in session["decisions"]}


class TestDeciding:
    """What a session keeps, and what every answer carries."""

    def test_a_decision_stands_with_who_made_it_and_when(self, service: Configurator) -> None:
        begun = service.begins()
        found = service.decides(begun, **MACRO)
        (one, _) = found["decisions"]
        assert (one["attribute"], one["value"], one["source"]) == ("station_type", "macro", "user")
        assert (one["by"], one["at"], one["revision"]) == (
            "user/seller-1",
            "2026-03-02T09:00:00Z",
            2,
        )

    def test_an_answer_is_the_stateless_answer_with_the_same_proof(
        self, service: Configurator
    ) -> None:
        found = service.decides(service.begins(), **MACRO)
        said = [{"attribute": a, "value": v, "source": "user"} for a, v in reversed(MACRO.items())]
        path = "/configurator/products/base_station/options"
        stateless = service.asks("seller-1", "POST", path, {"decisions": said}).json()
        assert found["options"] == stateless
        proof = ("model_hash", "decisions_hash", "digest", "engine", "exact")
        assert {each: found[each] for each in proof} == {each: stateless[each] for each in proof}
        assert found["model_hash"] == found["model"]["sha256"]

    def test_an_answer_is_taken_back_and_the_whole_undone_and_done_again(
        self, service: Configurator
    ) -> None:
        begun = service.begins()
        decided = service.decides(begun, **MACRO)
        less = service.asks("seller-1", "DELETE", at(begun, "decisions", "technology")).json()
        assert answers(less) == {"station_type": "macro"}
        back = service.asks("seller-1", "POST", at(begun, "undo")).json()
        assert (answers(back), back["digest"]) == (MACRO, decided["digest"])
        again = service.asks("seller-1", "POST", at(begun, "redo")).json()
        assert (answers(again), again["digest"]) == (answers(less), less["digest"])
        assert service.asks("seller-1", "POST", at(begun, "redo")).status_code == 422

    def test_what_does_not_fit_the_model_is_refused_and_nothing_is_kept(
        self, service: Configurator
    ) -> None:
        begun = service.begins()
        said = [{"attribute": "station_type", "value": "makro", "source": "user"}]
        answer = service.asks("seller-1", "POST", at(begun, "decisions"), {"decisions": said})
        assert answer.status_code == 422
        assert "did you mean" in answer.json()["detail"]
        assert service.asks("seller-1", "GET", at(begun)).json()["revision"] == 1

    def test_only_what_changed_since_a_revision_is_told(self, service: Configurator) -> None:
        begun = service.begins()
        whole = {each["attribute"]: each for each in begun["options"]["attributes"]}
        found = service.decides(begun, station_type="micro")
        told = service.asks("seller-1", "GET", at(begun, "options?since=1")).json()
        changed = {each["attribute"]: each for each in told["attributes"]}
        now = {each["attribute"]: each for each in found["options"]["attributes"]}
        assert 0 < len(changed) < len(now)
        assert {**whole, **changed} == now
        assert told["since"] == 1

    def test_explaining_and_completing_speak_of_what_stands(self, service: Configurator) -> None:
        begun = service.begins()
        found = service.decides(begun, station_type="micro")
        barred = next(
            (each["attribute"], option["option"])
            for each in found["options"]["attributes"]
            for option in each["options"]
            if not option["selectable"] and each["attribute"] != "station_type"
        )
        asked = {"attribute": barred[0], "option": barred[1]}
        why = service.asks("seller-1", "POST", at(begun, "explain"), asked).json()
        assert why["why"]["selectable"] is False
        assert why["decisions_hash"] == found["decisions_hash"]
        answer = service.asks("seller-1", "POST", at(begun, "complete"), {})
        assert (answer.status_code, answer.json()["code"]) == (422, "configuration.refused")


class TestPrivacy:
    """A session is its owner's alone."""

    @pytest.mark.parametrize("role", ["seller", "admin"])
    def test_nobody_else_can_tell_that_it_is_there(self, service: Configurator, role: str) -> None:
        mine = service.begins()
        for method, more, body in (
            ("GET", (), None),
            ("POST", ("decisions",), {}),
            ("DELETE", ("decisions", "technology"), None),
            ("POST", ("undo",), None),
            ("POST", ("move",), {}),
            ("GET", ("options",), None),
            ("POST", ("complete",), {}),
            ("GET", ("compare", mine["session_id"]), None),
        ):
            answer = service.asks("other-1", method, at(mine, *more), body, role)
            assert (answer.status_code, answer.json()["code"]) == (
                404,
                "configuration.no_such_session",
            )
        copy = service.asks("other-1", "POST", SESSIONS, {"copy_of": mine["session_id"]}, role)
        assert copy.status_code == 404
        assert service.asks("other-1", "GET", SESSIONS, role=role).json() == []
        assert service.asks("other-1", "DELETE", at(mine), role=role).status_code == 204
        assert service.asks("seller-1", "GET", at(mine)).status_code == 200

    def test_a_session_makes_no_facts(self, service: Configurator) -> None:
        service.decides(service.begins(), **MACRO)
        assert service.rows("SELECT count(*) AS facts FROM events") == [{"facts": 0}]


class TestRaces:
    """Two devices, repeated commands, and entries that never change."""

    def test_a_command_sent_twice_is_one_entry(self, service: Configurator) -> None:
        body = {"product": "base_station"}
        first = service.asks("seller-1", "POST", SESSIONS, body, idempotency_key="k-1").json()
        again = service.asks("seller-1", "POST", SESSIONS, body, idempotency_key="k-1").json()
        assert first == again
        said = {"decisions": [{"attribute": "technology", "value": "nr", "source": "user"}]}
        path = at(first, "decisions")
        for _ in range(2):
            found = service.asks("seller-1", "POST", path, said, idempotency_key="k-2").json()
            assert found["revision"] == 2
        other = {"decisions": [{"attribute": "technology", "value": "lte", "source": "user"}]}
        reused = service.asks("seller-1", "POST", path, other, idempotency_key="k-2")
        assert (reused.status_code, reused.json()["code"]) == (409, "command.reused")

    def test_the_same_key_undoes_one_step_only(self, service: Configurator) -> None:
        begun = service.begins()
        service.decides(begun, station_type="macro")
        service.decides(begun, technology="nr")
        for _ in range(3):
            found = service.asks("seller-1", "POST", at(begun, "undo"), idempotency_key="u-1")
        assert answers(found.json()) == {"station_type": "macro"}

    def test_who_saw_an_older_revision_is_told(self, service: Configurator) -> None:
        begun = service.begins()
        service.decides(begun, station_type="macro")
        said = {"take_back": ["station_type"]}
        late = service.asks("seller-1", "POST", at(begun, "decisions"), said, if_match='"1"')
        assert (late.status_code, late.json()["code"]) == (409, "configuration.session_changed")
        timely = service.asks("seller-1", "POST", at(begun, "decisions"), said, if_match='"2"')
        assert (timely.status_code, timely.headers["etag"]) == (200, '"3"')

    def test_devices_at_the_same_moment_lose_nothing(self, service: Configurator) -> None:
        begun = service.begins()
        names = [
            each["attribute"] for each in begun["options"]["attributes"] if each["kind"] == "flag"
        ][:4]
        assert len(names) > 1
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: service.decides(begun, **{name: True}), names * 3))
        found = service.asks("seller-1", "GET", at(begun)).json()
        assert answers(found) == dict.fromkeys(sorted(names), True)
        assert found["revision"] == 1 + len(names)

    def test_entries_never_change_and_go_with_their_session_only(
        self, service: Configurator
    ) -> None:
        begun = service.begins()
        with service.service.plumbing.pool.connection() as connection:
            for statement in ("UPDATE session_entries SET by = 'x'", "DELETE FROM session_entries"):
                with pytest.raises(psycopg.errors.RaiseException, match="never changes"):
                    connection.execute(statement)
        assert service.asks("seller-1", "DELETE", at(begun)).status_code == 204
        assert service.rows("SELECT * FROM session_entries") == []
        assert service.asks("seller-1", "GET", at(begun)).status_code == 404

    def test_a_person_has_a_bounded_number_of_sessions(
        self, service: Configurator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kept, "SESSIONS_MAX", 3)
        body = {"product": "base_station"}
        with ThreadPoolExecutor(4) as pool:
            every = list(
                pool.map(lambda _: service.asks("seller-1", "POST", SESSIONS, body), range(8))
            )
        assert sorted(each.status_code for each in every) == [201] * 3 + [422] * 5
        assert service.asks("seller-2", "POST", SESSIONS, body).status_code == 201

    def test_what_nobody_touches_for_long_is_forgotten(self, service: Configurator) -> None:
        old = service.begins()
        service.clock.now += timedelta(days=60)
        service.decides(old, station_type="macro")
        service.clock.now += timedelta(days=89)
        service.begins("seller-2")
        assert service.asks("seller-1", "GET", at(old)).status_code == 200
        service.clock.now += timedelta(days=2)
        service.begins("seller-2")
        assert service.asks("seller-1", "GET", at(old)).status_code == 404


class TestNewerModels:
    """A session stands on the version that it began with, until it is moved."""

    @pytest.fixture
    def service(self, make_database: Any, clock: Any, tmp_path: Path) -> Iterator[Configurator]:
        catalogue = tmp_path / "catalogue"
        shutil.copytree(TELECOM, catalogue)
        first = (catalogue / "models" / "base_station.yaml").read_text(encoding="utf-8")
        second = re.sub(r"^version: \d+", "version: 99", first, flags=re.MULTILINE)
        second = re.sub(r"^effective: .*", "effective: 2026-03-10", second, flags=re.MULTILINE)
        (catalogue / "models" / "base_station_99.yaml").write_text(second, encoding="utf-8")
        with running(make_database, clock, tmp_path, catalog_dir=catalogue) as found:
            yield found

    def test_it_says_what_the_newer_version_makes_of_it_and_moves(
        self, service: Configurator
    ) -> None:
        begun = service.decides(service.begins(), **MACRO)
        assert begun["newer"] is None
        service.clock.now += timedelta(days=10)
        found = service.asks("seller-1", "GET", at(begun)).json()
        assert found["model"] == begun["model"]
        assert (found["newer"]["model"]["version"], found["newer"]["verdict"]) == (99, "open")
        assert "Still to be answered" in found["newer"]["message"]
        moved = service.asks("seller-1", "POST", at(begun, "move"), {"drop": ["technology"]}).json()
        assert (moved["model"]["version"], moved["newer"]) == (99, None)
        assert answers(moved) == {"station_type": "macro"}
        back = service.asks("seller-1", "POST", at(begun, "undo")).json()
        assert (back["model"], answers(back)) == (begun["model"], MACRO)

    def test_one_on_a_version_that_is_gone_can_only_be_moved(self, service: Configurator) -> None:
        begun = service.begins()
        with service.service.plumbing.pool.connection() as connection:
            connection.execute("ALTER TABLE session_entries DISABLE TRIGGER entry_stays")
            connection.execute(
                "UPDATE session_entries SET body = jsonb_set(body, '{model,sha256}', %s)",
                (Jsonb("0" * 64),),
            )
        answer = service.asks("seller-1", "GET", at(begun))
        assert (answer.status_code, answer.json()["code"]) == (422, "configuration.version_gone")
        moved = service.asks("seller-1", "POST", at(begun, "move"), {})
        assert moved.json()["model"] == begun["model"]


class TestDatedRules:
    """A session is judged by the rules of the day on which somebody looks at it."""

    @pytest.fixture
    def service(self, make_database: Any, clock: Any, tmp_path: Path) -> Iterator[Configurator]:
        catalogue = tmp_path / "catalogue"
        shutil.copytree(TELECOM, catalogue)
        path = catalogue / "models" / "base_station.yaml"
        rule = (
            "rules:\n"
            "  - {id: BS-ENDED-01, owner: sales, rule: station_type != micro,"
            ' valid_from: 2026-03-10, message: "Micro stations are not sold any more."}\n'
        )
        text = path.read_text(encoding="utf-8").replace("rules:\n", rule, 1)
        path.write_text(text, encoding="utf-8")
        with running(make_database, clock, tmp_path, catalog_dir=catalogue) as found:
            yield found

    def test_a_rule_binds_every_answer_about_a_session_from_its_first_day_on(
        self, service: Configurator
    ) -> None:
        begun = service.decides(service.begins(), station_type="micro")
        assert begun["options"]["valid"]
        service.clock.now += timedelta(days=10)
        found = service.asks("seller-1", "GET", at(begun)).json()
        assert (found["model"], found["newer"]) == (begun["model"], None)
        assert [each["id"] for each in found["options"]["contradiction"]["rules"]] == [
            "BS-ENDED-01"
        ]
        assert found["digest"] != begun["digest"]
        assert not service.asks("seller-1", "GET", at(begun, "options")).json()["valid"]
        refused = service.asks("seller-1", "POST", at(begun, "complete"), {})
        assert refused.json()["reason"] == "configuration.contradiction"


class TestCopies:
    """Copies, items of quotes, and two configurations side by side."""

    def test_a_copy_goes_on_by_itself(self, service: Configurator) -> None:
        first = service.decides(service.begins(), **MACRO)
        copy = service.begins(copy_of=first["session_id"], name="Option B")
        assert (answers(copy), copy["digest"]) == (MACRO, first["digest"])
        assert (copy["copied_from"], copy["name"]) == (first["session_id"], "Option B")
        service.decides(copy, station_type="micro")
        assert answers(service.asks("seller-1", "GET", at(first)).json()) == MACRO
        told = service.asks("seller-1", "GET", at(first, "compare", copy["session_id"])).json()
        different = {each["id"]: each["words"] for each in told["comparison"]["answers"]}
        assert "in the first" in different["station_type"]
        assert "technology" not in different
        assert told["left"]["decisions_hash"] == first["decisions_hash"]

    def test_an_item_of_a_quote_is_where_a_session_begins(self, service: Configurator) -> None:
        decision = {"attribute": "station_type", "value": "macro", "source": "requirement"}
        older = {"attribute": "gone", "value": "x", "source": "user"}
        item = {
            "item_id": "site",
            "product": "base_station",
            "quantity": "2",
            "label": "North",
            "decisions": [decision, older],
        }
        service.peers.items = [item]
        begun = service.begins(quote="Q-1001", item_id="site")
        assert (begun["name"], begun["place"]["quote"]) == ("North", "Q-1001")
        assert begun["decisions"][0]["source"] == "requirement"
        assert begun["left_out"] == ["gone"]
        answer = service.asks("seller-1", "POST", SESSIONS, {"quote": "Q-1001", "item_id": "south"})
        assert (answer.status_code, answer.json()["code"]) == (404, "configuration.no_such_item")

    def test_nothing_begins_with_nothing(self, service: Configurator) -> None:
        answer = service.asks("seller-1", "POST", SESSIONS, {})
        assert (answer.status_code, answer.json()["field"]) == (422, "product")

    def test_another_device_goes_on_where_the_first_stopped(self, service: Configurator) -> None:
        begun = service.begins(product="base_station", name="North")
        service.decides(begun, **MACRO)
        (listed,) = service.asks("seller-1", "GET", SESSIONS).json()
        assert (listed["session_id"], listed["name"], listed["revision"]) == (
            begun["session_id"],
            "North",
            2,
        )
        found = service.asks("seller-1", "GET", at(listed)).json()
        assert answers(found) == MACRO
