"""A real PostgreSQL server for tests: Debian's binaries, a temporary folder, a unix socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


def find_binaries() -> Path | None:
    """Return the folder of the newest server's programs, None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: int(f.parent.name))
    found = [folder for folder in folders if (folder / "postgres").exists()]
    if found:
        return found[-1]
    installed = shutil.which("postgres")
    return Path(installed).parent if installed and shutil.which("initdb") else None


class PostgresServer:
    """A server that can be stopped and started; it forgets nothing but in a power cut."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = user
        self._numbers = count()

    def initialize(self) -> None:
        """Make an empty cluster."""
        self._run(
            "initdb",
            "--no-sync",
            "--auth=trust",
            "--username=multitap",
            "--encoding=UTF8",
            "--locale=C",
            f"--pgdata={self._folder / 'data'}",
        )

    def start(self) -> None:
        """Start, and return once connections are taken."""
        options = [f"-c {setting}" for setting in _FAST]
        options += [f"-k {self._folder}", "-c listen_addresses=''", "-c max_connections=60"]
        self._run(
            "pg_ctl",
            "start",
            "--wait",
            "--silent",
            f"--pgdata={self._folder / 'data'}",
            f"--log={self._folder / 'log'}",
            f"--options={' '.join(options)}",
        )

    def stop(self, *, mode: str = "immediate") -> None:
        """Stop at once, or as `mode` of pg_ctl says."""
        self._run(
            "pg_ctl",
            "stop",
            "--wait",
            "--silent",
            f"--mode={mode}",
            f"--pgdata={self._folder / 'data'}",
        )

    def create_database(self) -> str:
        """Make an empty database, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        name = conninfo_to_dict(url)["dbname"]
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))

    def _url(self, database: str) -> str:
        return f"postgresql://multitap@/{database}?host={self._folder}"

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        # The log of a server that pg_ctl starts must not hold this process's pipes open.
        subprocess.run(  # noqa: S603 - programs of the server's package
            [str(self._binaries / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )


@contextmanager
def running_server(binaries: Path) -> Generator[PostgresServer, None, None]:
    """Start a server in a folder of its own, and remove both."""
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        server = PostgresServer(binaries, folder, user)
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
