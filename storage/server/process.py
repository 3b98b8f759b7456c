"""The process of the embedded server: born here, or found alive after a crash of the program.

The server deliberately outlives a program that is killed, so it gets a session of its own, a log
file instead of our streams, and a lock that shows to the next start that it lives.
"""

import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import trio

from storage.server.directory import LOG, PID, SOCKET, DataDirectory, DataDirectoryHeld
from storage.server.settings import USER, USER_RULES

LOG_KEPT_BYTES = 1024 * 1024
"""A longer log moves to server.log.1 when the server is started."""

_POLL_S = 0.05
_CONNECT_LIMIT_S = 1.0

# macOS: <sys/un.h>
_SOL_LOCAL = 0
_LOCAL_PEERPID = 2


class ServerProcess:
    """A server's process, of which we may or may not be the parent."""

    def __init__(
        self, pid: int, child: subprocess.Popen[bytes] | None = None, *, pidfds: bool = True
    ) -> None:
        self.pid = pid
        self._child = child
        # Names this very process, even when its number has gone to another one.
        self._pidfd = _open_pidfd(pid) if pidfds else None
        self._end: str | None = None

    def __repr__(self) -> str:
        return f"<ServerProcess {self.pid} {self.end or 'running'}>"

    @property
    def end(self) -> str | None:
        """How it ended, in words; None while it runs."""
        if self._end is None:
            if self._child is None:
                self._end = "gone" if self._is_gone() else None
            elif (code := self._child.poll()) is not None:
                self._end = _in_words(code)
        return self._end

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it: a person, or a system short of memory, but not itself."""
        child = self._child
        return self.end is not None and child is not None and child.returncode == -signal.SIGKILL

    async def wait_end(self) -> str:
        """Wait until it ends; returns how it did."""
        while (end := self.end) is None:
            if self._pidfd is None:
                await trio.sleep(_POLL_S)
            else:
                await trio.lowlevel.wait_readable(self._pidfd)
        return end

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self._end is not None:
            return  # the number may be another process' by now
        with suppress(ProcessLookupError):
            if self._child is not None:
                self._child.send_signal(number)
            elif self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, number)
            else:
                os.kill(self.pid, number)

    def runs(self, binary: Path) -> bool:
        """Whether it executes this file: not another one, nor an older one of the same name."""
        with suppress(OSError):
            return os.path.samefile(f"/proc/{self.pid}/exe", binary)
        # Without /proc nothing tells; the socket in our directory has to do.
        return not Path("/proc/self").exists()

    def close(self) -> None:
        """Let go of the process, whether it has ended or not."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _is_gone(self) -> bool:
        if self._pidfd is not None:
            watched = select.poll()
            watched.register(self._pidfd, select.POLLIN)
            return bool(watched.poll(0))
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False


def spawn(binary: Path, options: Mapping[str, str], directory: DataDirectory) -> ServerProcess:
    """Start a server in the directory. Takes milliseconds and does not wait until it answers.

    OSError when the program cannot be run. To be called in the main thread.
    """
    _tidy(directory)
    lock = directory.lock_for_server()
    try:
        with open(directory.log, "ab", opener=_private) as log:
            child = subprocess.Popen(
                [binary, *_arguments(options, directory)],
                cwd=directory.store,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the program, which stops the server when it is done with it.
                start_new_session=True,
                umask=0o077,
                pass_fds=(lock,),
            )
    finally:
        os.close(lock)
    return ServerProcess(child.pid, child)


def find_living(directory: DataDirectory) -> ServerProcess | None:
    """The server whose socket is in the directory, also when it does not answer.

    DataDirectoryHeld when it lives where we cannot see processes, as in another container.
    """
    pid = _listener(directory.socket, directory.store / PID)
    if pid == 0:
        raise DataDirectoryHeld(directory.data, None)
    return None if pid is None else ServerProcess(pid)


def _tidy(directory: DataDirectory) -> None:
    if directory.log.exists() and directory.log.stat().st_size > LOG_KEPT_BYTES:
        directory.log.rename(directory.log.with_suffix(".log.1"))
    # A server that is killed while it rewrites its file leaves the half of the new one for ever.
    for left in directory.store.glob("temp-*"):
        left.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _arguments(options: Mapping[str, str], directory: DataDirectory) -> Sequence[str]:
    # The socket's name is relative: the full path may be longer than a socket's can be.
    fixed = {
        "daemonize": "no",
        "dir": str(directory.store),
        "port": "0",
        "unixsocket": SOCKET,
        "unixsocketperm": "700",
        "logfile": LOG,
        "pidfile": PID,
    }
    words = [word for name, value in {**fixed, **options}.items() for word in (f"--{name}", value)]
    return [*words, "--user", USER, *USER_RULES]


def _listener(path: Path, pid_file: Path) -> int | None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(_CONNECT_LIMIT_S)
        try:
            peer.connect(str(path))
            return _peer_pid(peer)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (TimeoutError, BlockingIOError):
            # It hangs and its queue of connections is full.
            said = pid_file.read_text().strip() if pid_file.exists() else ""
            return int(said) if said.isdigit() else None


def _peer_pid(peer: socket.socket) -> int:
    if sys.platform == "darwin":
        return int(peer.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID))
    size = struct.calcsize("3i")
    pid: int = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return pid


def _open_pidfd(pid: int) -> int | None:
    with suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return None


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
