"""What surrounds the interpreter of a study: no network, no other program, bounded memory.

A study folder that was received holds data. Our own notebook reads it; should something of it be
taken for a program all the same, it finds no way out. Where the system has no such wall, the
remaining ones stand.
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # linux/sched.h
_CONNECTS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_ASKS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
                   "socket.getnameinfo"})  # fmt: skip
_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn",
                     "os.startfile", "os.fork", "os.forkpty", "pty.spawn"})  # fmt: skip


class NetworkRefused(PermissionError):
    """The kernel of a study asked for the network."""


class ProcessRefused(PermissionError):
    """The kernel of a study asked to start another program."""


FAULTS = MappingProxyType(
    {
        "NetworkRefused": "network_refused",
        "ProcessRefused": "process_refused",
        "MemoryError": "memory_full",
        "_ArrayMemoryError": "memory_full",
        "ArrayMemoryError": "memory_full",
        "ArrowMemoryError": "memory_full",
        "OutOfMemoryException": "memory_full",
        "RecursionError": "nested_too_deep",
    }
)
"""Names of errors raised in a cell, and the codes that tell them."""


def bound_memory(megabytes: int) -> bool:
    """Bound what the process may allocate; return whether the system does."""
    try:
        import resource
    except ImportError:
        return False
    wanted = megabytes * 1_000_000
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, wanted))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold the data
    except (OSError, ValueError):
        return False
    return sys.platform == "linux"  # elsewhere the limit is kept in the books only


def leave_network() -> bool:
    """Give this process a network of its own, that leads nowhere; return whether that was done.

    An administrator may do so directly. Another user needs a namespace of users in which he stays
    himself: it is tried in a child first, as it cannot be left again.
    """
    if sys.platform != "linux":
        return False
    if _unshare(_NEW_NETWORK):
        return True
    child = os.fork()
    if child == 0:
        os._exit(0 if _leave_as_user() else 1)
    return os.waitpid(child, 0)[1] == 0 and _leave_as_user()


def _unshare(flags: int) -> bool:
    try:
        return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)
    except (OSError, AttributeError):
        return False


def _leave_as_user() -> bool:
    user, group = os.getuid(), os.getgid()
    if not _unshare(_NEW_USER | _NEW_NETWORK):
        return False
    own = Path("/proc/self")
    try:
        (own / "setgroups").write_text("deny", encoding="ascii")
        (own / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        (own / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError:
        return False
    return os.getuid() == user and os.getgid() == group


def refuse_ways_out(*, loopback: bool) -> None:
    """Refuse the network and other programs, whoever in this process asks for them.

    Parameters
    ----------
    loopback : bool
        Whether the machine's own address is left open, where the kernel speaks over it.
    """

    def listen(event: str, asked: tuple[Any, ...]) -> None:
        if event in _STARTS:
            raise ProcessRefused(errno.EPERM, "a study starts no other program")
        if event in _CONNECTS and not _local(asked[0], asked[1], loopback=loopback):
            raise NetworkRefused(errno.EPERM, "a study uses no network")
        if event in _ASKS and not (loopback and _is_loopback(asked[0])):
            raise NetworkRefused(errno.EPERM, "a study uses no network")

    sys.addaudithook(listen)


def _local(asking: Any, address: object, *, loopback: bool) -> bool:
    if asking.family == getattr(socket, "AF_UNIX", None):
        return True
    return loopback and isinstance(address, tuple) and _is_loopback(address[0])


def _is_loopback(host: object) -> bool:
    if host in ("localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def close_folder(study: Path, kept: Sequence[str]) -> None:
    """Let nothing of a folder be imported, even by whoever puts it on the search path.

    Parameters
    ----------
    study : Path
        Its folder; what stands in it is data.
    kept : sequence of str
        Folders that Python itself imports from: they stay, should they lie inside.
    """
    closed = study.resolve()
    folders = [Path(entry).resolve() for entry in kept if entry]
    roots = [folder for folder in folders if closed in folder.parents]

    def hook(entry: str) -> Any:
        place = Path(entry or ".").resolve()
        inside = place == closed or closed in place.parents
        if not inside or any(root == place or root in place.parents for root in roots):
            raise ImportError(entry)  # not ours to answer
        return _Nothing()

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


class _Nothing:
    """A finder that finds nothing."""

    def find_spec(self, name: str, target: object = None) -> None:
        """Find nothing."""

    def invalidate_caches(self) -> None:
        """Forget nothing."""
