"""`quotewright book` and `quotewright whatif` on a running house: every verb, right and wrong."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from structlog.testing import capture_logs

from infra import log as logs
from quotewright import cli, options
from quotewright.client import Client, token_for
from quotewright.laptop import ROOT
from tests.e2e.place import Place

BOOKS = ROOT / "catalogs" / "telecom" / "price_books"
NOBODY = "0b6e6f5e-7d0a-5f5b-9d3e-0c4a7c1f2a10"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command in this process, as `test_command.py` does in one of its own."""
    opened: list[Client] = []

    def opens(*words: str) -> Client:
        opened.append(Client(*words))
        return opened[-1]

    monkeypatch.setattr(options, "Client", opens)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "200")

    def go(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["quotewright", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    with capture_logs():  # the house logs in this process, into what the command writes
        yield go
    for each in opened:
        each.close()


@pytest.fixture
def house(embedded: Place) -> Sequence[str]:
    """The words that say which house is asked."""
    return ("--url", embedded.stage.url, "--home", str(embedded.stage.laptop.home))


@pytest.fixture
def seller(embedded: Place) -> Sequence[str]:
    """The words of somebody who may not touch prices."""
    return ("--token", token_for(embedded.stage.laptop.home, "seller-1", ["seller"]))


def a_draft(folder: Path, version: int, **changes: object) -> Path:
    """Write a version of a book of our own, with the prices of the telecom list."""
    tree = yaml.safe_load((BOOKS / "telecom-list-2.yaml").read_text())
    days = {"first": f"{2030 + version}-01-01", "last": None}
    tree |= {
        "id": "of-commands",
        "version": version,
        "effective": days,
        "status": "draft",
        **changes,
    }
    path = folder / f"telecom-list-{version}.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


class TestBooks:
    """A version is drafted, published, listed and retired."""

    def test_a_book_is_published_and_retired(
        self, run: Run, house: Sequence[str], tmp_path: Path
    ) -> None:
        path = a_draft(tmp_path, 41)
        said = run("book", "publish", path, "--reason", "try", "--draft-only", *house)
        assert (said.code, said.err) == (0, "")
        assert "of-commands version 41: kept as a draft, " in said.out
        assert "of-commands 41  draft" in run("book", "list", *house).out
        said = run("book", "publish", path, "--reason", "prices of 2071", *house)
        assert said.out.splitlines()[-1] == (
            "of-commands version 41: published, in force from 2071-01-01"
        )
        again = run("book", "publish", path, "--reason", "prices of 2071", *house)
        assert (again.code, again.out) == (1, "")
        assert "what is published stays as it is; write version: 42" in again.err
        retired = run("book", "retire", "of-commands", 41, "--reason", "was a try", *house)
        assert retired.out == "of-commands version 41: retired\n"
        listed = run("book", "list", *house).out
        assert "of-commands 41  retired  2071-01-01 to further notice" in listed
        assert "user/manager-1: was a try" in listed

    def test_tables_of_rates_are_listed_too(self, run: Run, house: Sequence[str]) -> None:
        said = run("book", "list", "--kind", "fx", *house)
        assert "telecom-fx 1  published  2026-01-01 to further notice" in said.out

    def test_what_the_lint_refuses_is_not_published(
        self, run: Run, house: Sequence[str], tmp_path: Path
    ) -> None:
        path = a_draft(tmp_path, 43, effective={"first": "2073-01-01", "last": "2072-01-01"})
        said = run("book", "publish", path, "--reason", "prices of 2073", *house)
        assert (said.code, said.err.count("\n")) == (1, 1)
        assert "effective" in said.err

    @pytest.mark.parametrize(
        ("name", "version", "words"),
        [
            ("telecom-list", "99", "there is no price book telecom-list version 99"),
            ("no-such-book", "1", "there is no price book no-such-book version 1"),
            ("../../quotes", "1", "Not Found"),
            ("telecom list", "1", "path.key"),
        ],
    )
    def test_an_unknown_book_is_one_sentence_and_exit_1(
        self, run: Run, house: Sequence[str], name: str, version: str, words: str
    ) -> None:
        said = run("book", "retire", name, version, "--reason", "was a try", *house)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert words in said.err

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("id: x\nrules: [\n", "is no clean YAML: line 3, column 1"),
            ("hello\n", "is not a mapping; start with `id:`"),
            ("", "is not a mapping; start with `id:`"),
            ("name: x\n", "the document has no id or no version; begin it with both"),
            ("id: x\nversion: 3\n", "currency: Field required"),
        ],
    )
    def test_a_file_that_is_no_book_is_one_sentence_and_exit_1(
        self, run: Run, house: Sequence[str], tmp_path: Path, text: str, words: str
    ) -> None:
        path = tmp_path / "wrong.yaml"
        path.write_text(text)
        said = run("book", "publish", path, "--reason", "prices", *house)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert words in said.err

    def test_a_report_that_can_not_be_written_is_one_sentence(
        self, run: Run, tmp_path: Path
    ) -> None:
        (tmp_path / "list.csv").write_text("sku,price\nQW-SUP-PLUS,1300\n")
        onto = ("--onto", BOOKS / "telecom-list-2.yaml", "--effective", "2071-01-01")
        out = tmp_path / "no folder" / "next.yaml"
        said = run("book", "import", tmp_path / "list.csv", *onto, "--out", out)
        why = f"{out} can not be written (No such file or directory)"
        what = "name a file in a folder that is there [refused]"
        assert (said.code, said.err) == (1, f"quotewright: {why}; {what}\n")
        sheet = run("book", "import", tmp_path / "list.csv", *onto, "--sheet", "Prices")
        assert "list.csv: is no workbook and has no sheets" in sheet.err


class TestWhatIfs:
    """A what-if is begun, listed, shown, taken along and cancelled."""

    def test_it_runs_to_its_end(self, run: Run, house: Sequence[str], tmp_path: Path) -> None:
        name = ("--name", "the same book", "--tier", "no such tier")
        said = run("whatif", "run", "telecom-list/2", *name, *house)
        assert (said.code, said.out.splitlines()[0]) == (0, "the same book: done, 0 of 0 quotes")
        what_if = said.out.splitlines()[1].removeprefix("id ")
        assert f"{what_if}  done      100 %  the same book" in run("whatif", "list", *house).out
        assert run("whatif", "show", what_if, *house).out == said.out
        cancelled = run("whatif", "cancel", what_if, *house)
        assert (cancelled.code, cancelled.err.count("\n")) in {(0, 0), (1, 1)}
        for form in ("csv", "parquet"):
            path = tmp_path / f"quotes.{form}"
            wrote = run("whatif", "export", what_if, path, "--form", form, *house)
            assert wrote.out == f"wrote {path}\n"
            assert path.stat().st_size
        folder = run("whatif", "export", what_if, tmp_path, *house)
        assert (folder.code, folder.err.count("\n")) == (1, 1)
        assert "can not be written (Is a directory)" in folder.err

    def test_a_file_and_single_changes_are_tried(
        self, run: Run, house: Sequence[str], tmp_path: Path
    ) -> None:
        changes = tmp_path / "changes.yaml"
        changes.write_text("without: [quantity-antenna]\n")
        none = ("--tier", "no such tier", "--no-approvals")
        for words in (("--file", a_draft(tmp_path, 44)), ("telecom-list/2", "--changes", changes)):
            said = run("whatif", "run", *words, *none, *house)
            assert (said.code, ": done, 0 of 0 quotes" in said.out) == (0, True), said.err

    @pytest.mark.parametrize(
        ("words", "code", "told"),
        [
            (["telecom-list/99"], 1, "there is no price book telecom-list version 99"),
            (["telecom-list/2", "--first", "soon"], 1, "quotes.first: "),
            (["telecom-list/2", "--on-day", "soon"], 1, "day: "),
            (
                ["telecom-list/2", "--first", "2027-02-01", "--last", "2026-01-01"],
                1,
                "2027-02-01 is after last 2026-01-01; turn them round",
            ),
            ([], 2, "give a version, a version with --changes, or --file"),
            (["telecom-list"], 2, "write it as telecom-list/3"),
            (["telecom-list/2", "--compare-with", "2"], 2, "write it as telecom-list/3"),
            (["telecom-list/2", "--changes", "/no/such/file"], 2, "does not exist"),
            (["telecom-list/2", "--changes", "/"], 2, "is a directory"),
        ],
    )
    def test_a_wrong_ask_says_what_is_wrong_with_it(
        self, run: Run, house: Sequence[str], words: list[str], code: int, told: str
    ) -> None:
        said = run("whatif", "run", *words, *house)
        assert (said.code, said.out) == (code, "")
        assert told in " ".join(said.err.split())

    def test_changes_that_change_nothing_known_are_told(
        self, run: Run, house: Sequence[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "changes.yaml"
        path.write_text("entris: []\n")
        said = run("whatif", "run", "telecom-list/2", "--changes", path, *house)
        assert (said.code, said.err.count("\n")) == (1, 1)
        assert "changed.changes.entris" in said.err

    @pytest.mark.parametrize("verb", ["show", "cancel", "export"])
    @pytest.mark.parametrize(
        ("what_if", "told"), [(NOBODY, "there is no such what-if"), ("nope", "what_if_id")]
    )
    def test_an_unknown_what_if_is_one_sentence_and_exit_1(
        self,
        run: Run,
        house: Sequence[str],
        tmp_path: Path,
        verb: str,
        what_if: str,
        told: str,
    ) -> None:
        to = (tmp_path / "quotes.csv",) if verb == "export" else ()
        said = run("whatif", verb, what_if, *to, *house)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert told in said.err
        assert not (tmp_path / "quotes.csv").exists()


VERBS = [
    ("book", "list"),
    ("book", "publish", str(BOOKS / "telecom-list-1.yaml"), "--reason", "prices"),
    ("book", "retire", "telecom-list", "2", "--reason", "was a try"),
    ("whatif", "list"),
    ("whatif", "run", "telecom-list/2"),
    ("whatif", "show", NOBODY),
    ("whatif", "cancel", NOBODY),
    ("whatif", "export", NOBODY, "quotes.csv"),
]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
class TestEveryVerb:
    """Who may not, and who asks nobody, is told so in one sentence."""

    def test_without_a_house_it_is_exit_3(
        self, run: Run, tmp_path: Path, words: tuple[str, ...]
    ) -> None:
        said = run(*words, "--home", tmp_path)
        assert (said.code, said.out, said.err.count("\n")) == (3, "", 1)
        assert "no house runs here: start one with `quotewright demo`" in said.err

    def test_a_seller_may_only_look_at_the_list_of_books(
        self, run: Run, house: Sequence[str], seller: Sequence[str], words: tuple[str, ...]
    ) -> None:
        said = run(*words, *house, *seller)
        if words == ("book", "list"):
            assert (said.code, said.err) == (0, "")
            return
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert said.err.startswith("quotewright: ask somebody who is admin or ")
        assert "[auth.role_missing]" in said.err
