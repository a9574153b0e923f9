"""Set-up on a bare machine: what it asks for, what it says, what it refuses. Nothing is installed here."""

import hashlib
from pathlib import Path

import pytest

from infra import local_jars, setup, steps


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make this machine look bare: no venv, no jars, no uv, no programs, no libraries, nobody special."""
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "TOOLS", tmp_path / ".tools")
    monkeypatch.setattr(setup, "TRYTON", tmp_path / ".local" / "tryton" / "venv")
    monkeypatch.setattr(local_jars, "JARS", tmp_path / "libs")
    monkeypatch.setattr("infra.setup.shutil.which", lambda _: None)
    monkeypatch.setattr("infra.setup.importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("infra.setup.ctypes.CDLL", _no_library)
    monkeypatch.setattr("infra.setup.os.geteuid", lambda: 1000)


def _no_library(name: str) -> None:
    raise OSError(name)


PDF = ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]


@pytest.mark.usefixtures("bare")
class TestPackages:
    """What a bare machine is asked to install."""

    @pytest.mark.parametrize(
        ("needs", "packages"),
        [
            (["venv"], ["python3-venv"]),
            (["tryton"], ["python3-venv"]),
            (["venv", "pdf"], ["python3-venv", *PDF]),
            (["pdf-tools"], ["poppler-utils"]),
            (["browser"], ["chromium-headless-shell", "libatomic1"]),
            (["kafka"], ["default-jre-headless", "maven"]),
        ],
    )
    def test_only_what_the_needs_lack(self, needs: list[str], packages: list[str]) -> None:
        assert setup.missing_packages(needs) == packages

    def test_a_user_without_sudo_gets_one_line_to_run(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(
            "infra.setup.shutil.which",
            lambda name: "/usr/bin/apt-get" if name == "apt-get" else None,
        )
        monkeypatch.setattr("infra.setup.works", lambda _: False)
        assert setup.main(["venv", "pdf", "kafka"]) == 1
        told = [line for line in capsys.readouterr().err.splitlines() if "apt-get" in line]
        wanted = "apt-get update && apt-get install -y --no-install-recommends python3-venv"
        assert told == [f"  {wanted} {' '.join(PDF)} default-jre-headless maven"]

    def test_elsewhere_than_on_debian_the_packages_are_named(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert setup.main(["pdf-tools"]) == 1
        assert "please install what Debian calls: poppler-utils" in capsys.readouterr().err


class TestBrowser:
    """Any Chromium will do; apt's is the shell where there is one."""

    @pytest.mark.parametrize("name", ["chromium-headless-shell", "chromium"])
    def test_one_that_is_there_is_taken(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "infra.setup.shutil.which", lambda asked: f"/opt/{name}" if asked == name else None
        )
        monkeypatch.setattr("infra.setup.ctypes.CDLL", lambda _: None)
        assert setup.missing_packages(["browser"]) == []

    @pytest.mark.parametrize(
        ("known", "installed"),
        [
            ({"chromium", "chromium-headless-shell"}, "chromium-headless-shell"),
            ({"chromium"}, "chromium"),
            (set[str](), None),
        ],
    )
    def test_apt_is_asked_for_what_it_has_or_the_reader_is_told(
        self, known: set[str], installed: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[list[str]] = []
        monkeypatch.setattr("infra.setup.shutil.which", lambda _: "/usr/bin/apt-get")
        monkeypatch.setattr("infra.setup.os.geteuid", lambda: 0)
        monkeypatch.setattr(setup, "works", lambda command: command[-1] in known)
        monkeypatch.setattr(setup, "run", lambda command, *, quiet: ran.append(list(command)))
        wanted = ["chromium-headless-shell", "libatomic1"]
        if installed is None:
            with pytest.raises(steps.SetupFailed, match="please install Chromium"):
                setup.install_packages(wanted)
        else:
            setup.install_packages(wanted)
            assert ran[-1][-2:] == [installed, "libatomic1"]


class TestJars:
    """Kafka's jars are those of the sum list, or set-up stops."""

    @pytest.fixture
    def maven(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """Stand in for Maven: it "copies" one jar; return the sum list to write."""
        monkeypatch.setattr(local_jars, "JARS", tmp_path / "libs")
        monkeypatch.setattr(local_jars, "SUMS", tmp_path / "jars.sha256")
        monkeypatch.setattr(local_jars, "_check_java", lambda: None)

        def copy(_command: list[str], *, quiet: bool) -> None:
            assert quiet
            (tmp_path / "libs.new").mkdir()
            (tmp_path / "libs.new" / "a.jar").write_bytes(b"a")

        monkeypatch.setattr(local_jars, "run", copy)
        return tmp_path / "jars.sha256"

    def test_the_right_ones_are_put_in_place_once(self, maven: Path) -> None:
        maven.write_text(f"{hashlib.sha256(b'a').hexdigest()}  a.jar\n", encoding="utf-8")
        assert not local_jars.jars_are_there()
        local_jars.fetch_jars()
        assert local_jars.jars_are_there()
        maven.write_text(f"{hashlib.sha256(b'b').hexdigest()}  a.jar\n", encoding="utf-8")
        assert not local_jars.jars_are_there(), "another sum list asks for them anew"

    @pytest.mark.parametrize(
        ("sums", "named"),
        [
            ("{b}  a.jar\n", "a.jar"),
            ("{a}  a.jar\n{b}  b.jar\n", "b.jar"),
            ("{b}  b.jar\n", "a.jar, b.jar"),
        ],
    )
    def test_wrong_missing_and_unknown_ones_are_named(
        self, maven: Path, sums: str, named: str
    ) -> None:
        digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in "ab"}
        maven.write_text(sums.format(**digests), encoding="utf-8")
        with pytest.raises(steps.SetupFailed, match=f"sha256: {named}$"):
            local_jars.fetch_jars()
        assert not local_jars.jars_are_there()


def test_an_unknown_need_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["vevn"]) == 1
    assert "venv, pdf, pdf-tools, kafka, browser, tryton" in capsys.readouterr().err


def test_a_failing_program_is_named_with_its_output(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    with pytest.raises(steps.SetupFailed, match="ended with 3, see above"):
        steps.run(["sh", "-c", "echo lost; exit 3"], quiet=True)
    assert b"lost" in capfdbinary.readouterr().err


def test_a_running_server_keeps_its_data_from_clean(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    lock = tmp_path / ".local" / "demo" / "postgres.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w", encoding="utf-8") as held:
        assert steps.locked(held.fileno())
        held.write("process 7 (demo)\n")
        held.flush()
        with pytest.raises(steps.SetupFailed, match=r"in use by process 7 \(demo\)"):
            setup.clean()
    assert lock.exists()
