"""A model that was proved is kept ready: the next start says the same, or reads and proves anew."""

import os
import pickle
from datetime import date
from hashlib import sha256
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from shutil import copy, copytree

import pytest

from contracts.configuration import Decision, RequestedItem
from contracts.values import Quantity
from services.configurator import shelf
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.answers.explaining import conflict
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.products.product import ModelRefused
from services.configurator.keeping import Keeper
from tests.unit.configurator.test_configurator_tables import MODEL

TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
DAY = date(2026, 6, 1)


@pytest.fixture
def a_catalogue(tmp_path):
    """A catalogue of one small model with a table."""
    models = tmp_path / "catalogue" / "models"
    (models / "tables").mkdir(parents=True)
    (models / "skid.yaml").write_text(MODEL)
    (models / "tables" / "sites.csv").write_text("pump,outdoor\nlow,*\nhigh,no\n")
    (tmp_path / "catalogue" / "parts.yaml").write_text("parts: []\n")
    return tmp_path / "catalogue"


@pytest.fixture
def a_keeper(tmp_path):
    return Keeper(tmp_path / "kept")


@pytest.fixture
def counted(monkeypatch):
    """The names of the models that were read and proved."""
    found = []
    proved = shelf.publish
    monkeypatch.setattr(
        shelf, "publish", lambda model, parts: found.append(model.id) or proved(model, parts)
    )
    return found


def kept_files(tmp_path):
    return sorted((tmp_path / "kept").iterdir())


def test_a_kept_model_is_not_proved_again(a_catalogue, a_keeper, counted):
    shelf.load(a_catalogue, a_keeper)
    shelf.load(a_catalogue, a_keeper)
    assert counted == ["pump_skid"]


def test_a_kept_model_has_its_pin_and_answers_byte_for_byte_the_same(tmp_path):
    catalogue = tmp_path / "catalogue"
    (catalogue / "models").mkdir(parents=True)
    copy(TELECOM / "parts.yaml", catalogue)
    copy(TELECOM / "models" / "microwave_link.yaml", catalogue / "models")
    anew = shelf.load(catalogue).product("microwave_link", DAY)
    shelf.load(catalogue, Keeper(tmp_path / "kept"))
    kept = shelf.load(catalogue, Keeper(tmp_path / "kept")).product("microwave_link", DAY)
    assert kept.pin == anew.pin
    for attribute in anew.model.attributes:
        if attribute.kind == "multi":
            continue
        for value in anew.space.variables[anew.space.places[attribute.id][0]].values[:2]:
            decision = Decision(attribute=attribute.id, value=value, source="user")
            ask = RequestedItem(
                item_id="one", product="microwave_link", quantity=Quantity(1), decisions=(decision,)
            )
            assert configure(kept, ask) == configure(anew, ask)
            clashes = [conflict(each, binding(each, [decision])) for each in (kept, anew)]
            assert clashes[0] == clashes[1]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("models/skid.yaml", MODEL.replace("outdoors.", "outside.")),
        ("models/tables/sites.csv", "pump,outdoor\nlow,no\nhigh,*\n"),
        ("parts.yaml", "parts: [{sku: P-1, name: Pump, kind: hardware}]\n"),
    ],
)
def test_what_a_model_is_made_of_is_read_again_when_it_changes(
    a_catalogue, a_keeper, counted, file, text
):
    shelf.load(a_catalogue, a_keeper)
    (a_catalogue / file).write_text(text)
    assert next(shelf.load(a_catalogue, a_keeper).versions()).pin == (
        next(shelf.load(a_catalogue).versions()).pin
    )
    assert counted == ["pump_skid"] * 3


def test_another_engine_proves_again(a_catalogue, tmp_path, counted):
    for engine in ("of today", "of tomorrow"):
        shelf.load(a_catalogue, Keeper(tmp_path / "kept", engine))
    assert counted == ["pump_skid"] * 2


def test_a_model_with_faults_is_refused_at_every_start(a_catalogue, a_keeper, tmp_path):
    shelf.load(a_catalogue, a_keeper)
    (a_catalogue / "models" / "tables" / "sites.csv").write_text("pump,outdoor\nlow,*\n")
    for _ in range(2):
        with pytest.raises(ModelRefused, match=r"'pump\.high' can never be chosen"):
            shelf.load(a_catalogue, a_keeper)
    assert len(kept_files(tmp_path)) == 1


class Hostile:
    """What would make a folder where it is read back."""

    def __init__(self, folder):
        self._folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self._folder,)


def signed(path, kept):
    """What a file with this name would hold, as a keeper writes it."""
    both = b"".join(sha256(each).digest() for each in (path.name.encode(), kept))
    return f"{sha256(both).hexdigest()}\n".encode() + kept


@pytest.mark.parametrize(
    "kept",
    [
        lambda _: b"",
        lambda _: b"half a file",
        lambda path: signed(path, b"no pickle"),
        lambda path: signed(path, pickle.dumps("no product")),
    ],
    ids=["empty", "half", "no pickle", "no product"],
)
def test_what_is_kept_wrongly_is_made_anew(a_catalogue, a_keeper, tmp_path, counted, kept):
    shelf.load(a_catalogue, a_keeper)
    (path,) = kept_files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(kept(path))
    shelf.load(a_catalogue, a_keeper)
    assert counted == ["pump_skid"] * 2
    assert len(path.read_bytes()) == len(whole)


def test_a_kept_file_runs_nothing(a_catalogue, a_keeper, tmp_path, counted):
    shelf.load(a_catalogue, a_keeper)
    (path,) = kept_files(tmp_path)
    path.write_bytes(signed(path, pickle.dumps(Hostile(tmp_path / "made"))))
    shelf.load(a_catalogue, a_keeper)
    assert counted == ["pump_skid"] * 2
    assert not (tmp_path / "made").exists()


def test_a_file_that_others_may_write_is_not_read(a_catalogue, a_keeper, tmp_path, counted):
    shelf.load(a_catalogue, a_keeper)
    (path,) = kept_files(tmp_path)
    path.chmod(0o666)
    shelf.load(a_catalogue, a_keeper)
    assert counted == ["pump_skid"] * 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_can_not_be_written_costs_time_only(a_catalogue, tmp_path, counted):
    (tmp_path / "file").write_text("")
    for _ in range(2):
        shelf.load(a_catalogue, Keeper(tmp_path / "file" / "kept"))
    assert counted == ["pump_skid"] * 2


def test_the_newest_files_are_kept_only(a_catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr("services.configurator.keeping.FILES_MAX", 2)
    for number in range(4):
        shelf.load(a_catalogue, Keeper(tmp_path / "kept", f"engine {number}"))
    assert len(kept_files(tmp_path)) == 2


def test_a_file_that_was_copied_over_another_model_is_not_that_model(
    a_catalogue, a_keeper, tmp_path
):
    shelf.load(a_catalogue, a_keeper)
    (first,) = kept_files(tmp_path)
    (a_catalogue / "models" / "skid.yaml").write_text(MODEL.replace("outdoors.", "outside."))
    pin = next(shelf.load(a_catalogue, a_keeper).versions()).pin
    (second,) = set(kept_files(tmp_path)) - {first}
    copy(first, second)
    assert next(shelf.load(a_catalogue, a_keeper).versions()).pin == pin


def test_a_disk_that_is_full_costs_time_only_and_nothing_is_left_half(
    a_catalogue, a_keeper, tmp_path
):
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (1000, before[1]))
    try:
        assert len(list(shelf.load(a_catalogue, a_keeper).versions())) == 1
    finally:
        setrlimit(RLIMIT_FSIZE, before)
    assert kept_files(tmp_path) == []


def test_a_product_is_never_written_through_a_link(a_catalogue, a_keeper, tmp_path):
    shelf.load(a_catalogue, a_keeper)
    (path,) = kept_files(tmp_path)
    path.unlink()
    (tmp_path / "precious").write_text("of somebody")
    for link in (path, path.with_name(f".{path.name}.{os.getpid()}")):
        link.symlink_to(tmp_path / "precious")
    shelf.load(a_catalogue, a_keeper)
    assert (tmp_path / "precious").read_text() == "of somebody"
    assert not path.is_symlink()


def test_what_is_not_ours_stays_in_the_folder_and_hinders_nothing(
    a_catalogue, tmp_path, monkeypatch
):
    monkeypatch.setattr("services.configurator.keeping.FILES_MAX", 2)
    (tmp_path / "kept" / "folder").mkdir(parents=True)
    (tmp_path / "kept" / "notes.txt").write_text("of somebody")
    (tmp_path / "kept" / "link").symlink_to(tmp_path / "nowhere")
    for name in ("folder", "notes.txt"):
        os.utime(tmp_path / "kept" / name, (0, 0))
    for number in range(4):
        shelf.load(a_catalogue, Keeper(tmp_path / "kept", f"engine {number}"))
    names = {each.name for each in kept_files(tmp_path)}
    assert {"folder", "notes.txt", "link"} < names
    assert len(names) == 5


def test_every_model_of_the_catalogues_can_be_kept(tmp_path, counted):
    for name in ("telecom", "industrial"):
        catalogue = copytree(TELECOM.parent / name, tmp_path / name)
        keeper = Keeper(tmp_path / "kept")
        first = [each.pin for each in shelf.load(catalogue, keeper).versions()]
        del counted[:]
        assert [each.pin for each in shelf.load(catalogue, keeper).versions()] == first
        assert counted == []
