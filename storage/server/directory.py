"""The data directory: who holds it, and where the embedded server's files are in it.

    DATA/statflow.lock         locked by the program while it runs; holds its process id
    DATA/store/                0700; the append-only file, server.log, server.pid, server.lock
    DATA/store/s.sock          the server's socket
    DATA/store/server.lock     locked by whatever server was started here, and by nobody else

Locks are the kernel's and end with their processes, so that a crash leaves nothing to clear away.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from storage.server.settings import ServerError

SOCKET = "s.sock"
LOG = "server.log"
PID = "server.pid"

SOCKET_PATH_LIMIT_BYTES = 100
"""Systems take 104 to 108 bytes, with the zero at the end."""

_LOCK = "statflow.lock"
_SERVER_LOCK = "server.lock"


class DataDirectoryHeld(ServerError):
    """Another process works in this directory; `pid` is None when it did not say which."""

    def __init__(self, data: Path, pid: int | None) -> None:
        self.pid = pid
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"{data} is in use by {who}: stop it, or choose another directory by STATFLOW_DATA"
        )


class DataDirectoryUnusable(ServerError):
    """The directory cannot be made, entered or written."""

    def __init__(self, data: Path, reason: str) -> None:
        super().__init__(
            f"{data} cannot be used ({reason}): let this user write there,"
            " or choose another directory by STATFLOW_DATA"
        )


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A held data directory; `socket` is a path to the server's socket that is short enough."""

    data: Path
    store: Path
    socket: Path

    @property
    def log(self) -> Path:
        return self.store / LOG

    def lock_for_server(self) -> int:
        """A locked file to be inherited by a new server, so that it can be seen to live.

        A file anew each time: an orphaned child of the last server may still lock the old one.
        """
        path = self.store / _SERVER_LOCK
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(path)
        return lock

    def server_lives(self) -> bool:
        """Whether a process holds the lock that the last server was given."""
        with suppress(FileNotFoundError):
            lock = os.open(self.store / _SERVER_LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(lock)
        return False

    def disk_free_bytes(self) -> int:
        """What this user may still write on the file system of the data."""
        facts = os.statvfs(self.store)
        return facts.f_bavail * facts.f_frsize


@contextmanager
def hold_directory(data: Path) -> Generator[DataDirectory, None, None]:
    """Make the directory where it is missing, and keep every other process out of it.

    DataDirectoryHeld when another one is in, DataDirectoryUnusable when it cannot be written.
    """
    data = data.absolute()
    store = data / "store"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataDirectoryUnusable(data, error.strerror or str(error)) from error
    try:
        _lock(lock, data)
        try:
            store.mkdir(mode=0o700, exist_ok=True)
            store.chmod(0o700)
        except OSError as error:
            raise DataDirectoryUnusable(store, error.strerror or str(error)) from error
        with _short_path(store) as short:
            yield DataDirectory(data, store, short / SOCKET)
    finally:
        os.close(lock)


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(lock, 32, 0).strip()
        raise DataDirectoryHeld(data, int(said) if said.isdigit() else None) from None
    except OSError as error:
        raise DataDirectoryUnusable(data, f"no locks: {error.strerror}") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)


@contextmanager
def _short_path(store: Path) -> Generator[Path, None, None]:
    """The directory itself, or a link to it from one whose path is short.

    The socket always lies in the directory, where the next start looks for it; only the way there
    differs.
    """
    if len(os.fsencode(store / SOCKET)) <= SOCKET_PATH_LIMIT_BYTES:
        yield store
        return
    runtime = _runtime(store)
    try:
        link = runtime / "store"
        link.unlink(missing_ok=True)
        link.symlink_to(store, target_is_directory=True)
        yield link
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


def _runtime(store: Path) -> Path:
    """A short directory that only this user can enter, so that nobody else puts a link there.

    The same one at each start, for a program that is killed leaves it behind; unless somebody took
    its name.
    """
    digest = hashlib.blake2s(os.fsencode(store), digest_size=6).hexdigest()
    name = f"statflow-{os.geteuid()}-{digest}"
    room = SOCKET_PATH_LIMIT_BYTES - len(f"/{name}/store/{SOCKET}")
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) > room:
        base = "/tmp"  # nosec B108
    path = Path(base, name)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return path
    return Path(tempfile.mkdtemp(prefix="statflow-", dir=base))
