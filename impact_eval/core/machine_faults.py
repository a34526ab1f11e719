"""What the machine refuses (a full disk, a closed folder, a path too long), as a refusal in words.

Readers and writers let the system's own errors rise; the doors of the library turn them into one
finding, so that nobody meets a stack trace for a full disk.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from impact_eval.core.findings import Finding, ImpactEvalError, Place

_CODES: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOSPC: "disk_full",
        errno.EDQUOT: "disk_full",
        errno.EFBIG: "disk_full",
        errno.EACCES: "not_permitted",
        errno.EPERM: "not_permitted",
        errno.EROFS: "read_only_place",
        errno.ENAMETOOLONG: "path_too_long",
        errno.ENOENT: "path_vanished",
        errno.ESTALE: "path_vanished",
        errno.ELOOP: "link_loop",
        errno.ENODEV: "not_a_plain_file",
        errno.EISDIR: "folder_for_file",
        errno.ENOTDIR: "file_for_folder",
        errno.EMFILE: "too_many_open",
        errno.ENFILE: "too_many_open",
        errno.EBUSY: "file_in_use",
        errno.ETXTBSY: "file_in_use",
    }
)


def machine_finding(error: OSError | MemoryError | RecursionError) -> Finding:
    """Return an error of the system as a finding; its place names the file, never its folders.

    Parameters
    ----------
    error : OSError, MemoryError or RecursionError

    Returns
    -------
    Finding
        `disk_full`, `not_permitted`, `read_only_place`, `path_too_long`, `path_vanished`,
        `link_loop`, `not_a_plain_file`, `folder_for_file`, `file_for_folder`, `too_many_open`,
        `file_in_use`, `machine_refused`, `memory_full`, `nested_too_deep`.

    Examples
    --------
    >>> machine_finding(OSError(28, "No space left on device", "/a/b/rapport.html")).code
    'disk_full'
    """
    if isinstance(error, MemoryError):
        return Finding.error("memory_full")
    if isinstance(error, RecursionError):
        return Finding.error("nested_too_deep")
    name = error.filename if isinstance(error.filename, str) else None
    place = Place(file=Path(name).name) if name else None
    code = _CODES.get(error.errno or 0, "machine_refused")
    if code == "machine_refused":
        return Finding.error(code, place, number=error.errno or 0)
    return Finding.error(code, place)


@contextmanager
def machine_faults_told() -> Iterator[None]:
    """Turn what the machine refuses inside the block into a refusal.

    Raises
    ------
    ImpactEvalError
        The codes of `machine_finding`.
    """
    try:
        yield
    except (OSError, MemoryError, RecursionError) as error:
        raise ImpactEvalError(machine_finding(error)) from error
