"""What an installation brings: the page of licences, and the bill of materials (CycloneDX 1.6).

Versions and hashes come from `requirements.lock`, licences from what each distribution says of
itself. Two runs write the same bytes: no date, no random serial number.

Run `python docs/supply.py` for the page, `python docs/supply.py --sbom FILE` for the bill.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "licences.md"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LONGEST = 60  # a licence told by its whole text is named by its classifier


@dataclass(frozen=True, slots=True)
class Pinned:
    """One distribution of the lock: its name, its version, the hashes of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """One distribution of the base installation."""

    name: str
    version: str
    licence: str
    size: int  # bytes


def locked() -> dict[str, Pinned]:
    """Return the distributions of the lock by name; the last pin of a name is for newer Pythons."""
    out: dict[str, Pinned] = {}
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    for block in blocks:
        pin = _PIN.match(block)
        if pin is not None:
            name = canonicalize_name(pin[1])
            out[name] = Pinned(name, pin[2], tuple(sorted(_HASH.findall(block))))
    return out


def project() -> tuple[str, list[str]]:
    """Return our version and what the base installation requires."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return told["version"], told["dependencies"]


def base() -> list[Installed]:
    """Return the distributions of the base installation, those they require included."""
    seen: dict[str, Installed] = {}
    waiting = [(Requirement(line), "") for line in project()[1]]
    visited: set[tuple[str, str]] = set()
    while waiting:
        wanted, extra = waiting.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        found = metadata.distribution(name)
        seen[name] = Installed(name, found.version, licence_of(found), _size(found))
        for asked in ("", *wanted.extras):
            if (name, asked) not in visited:
                visited.add((name, asked))
                waiting += [(Requirement(line), asked) for line in found.requires or ()]
    return [seen[name] for name in sorted(seen)]


def licence_of(found: metadata.Distribution) -> str:
    """Return the licence that a distribution declares, the shortest of its ways to say it."""
    told = found.metadata
    classifiers = [
        line.split("::")[-1].strip()
        for line in told.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    named = [line for line in classifiers if line != "OSI Approved"]
    text = told.get("License-Expression") or told.get("License") or ""
    if text and len(text) <= _LONGEST and "\n" not in text:
        return text.strip()
    return ", ".join(named) or "not declared"


def _size(found: metadata.Distribution) -> int:
    return sum(file.size or 0 for file in found.files or ())


def page() -> str:
    """Return the page of licences."""
    held = base()
    pins = locked()
    total = sum(one.size for one in held) / 1e6
    lines = [
        "# Licences of what is installed", "",
        "What `pip install impact_eval` brings, without any extra: made by `python docs/supply.py` "
        "from the lock and from what each distribution says of itself. None is under the GPL or "
        "the AGPL; a test holds it.", "",
        f"{len(held)} distributions, {total:.0f} MB unpacked.", "",
        "| distribution | version | licence | MB |", "|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {one.name} | {pins[one.name].version if one.name in pins else one.version} "
        f"| {one.licence.replace('|', '/')} | {one.size / 1e6:.1f} |"
        for one in held
    ]
    return "\n".join(lines) + "\n"


def bill() -> dict[str, object]:
    """Return the bill of materials of the base installation."""
    version, _ = project()
    pins = locked()
    held = base()
    licences = {one.name: one.licence for one in held}
    parts = [_component(pins[one.name], licences[one.name]) for one in held if one.name in pins]
    known = json.dumps(parts, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, known)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library", "bom-ref": "impact_eval", "name": "impact_eval",
                "version": version, "licenses": [{"license": {"name": "MIT"}}],
            }
        },
        "components": parts,
        "dependencies": [
            {"ref": "impact_eval", "dependsOn": sorted(str(part["bom-ref"]) for part in parts)}
        ],
    }  # fmt: skip


def _component(pin: Pinned, licence: str) -> dict[str, object]:
    purl = f"pkg:pypi/{pin.name}@{pin.version}"
    return {
        "type": "library", "bom-ref": purl, "name": pin.name, "version": pin.version,
        "purl": purl, "licenses": [{"license": {"name": licence}}],
        "properties": [{"name": "sha256", "value": digest} for digest in pin.hashes],
    }  # fmt: skip


def main(arguments: list[str]) -> Iterator[Path]:
    """Write the page, or the bill where it is asked."""
    if arguments[:1] == ["--sbom"]:
        target = Path(arguments[1])
        text = json.dumps(bill(), ensure_ascii=False, indent=1) + "\n"
    else:
        target, text = PAGE, page()
    target.write_text(text, encoding="utf-8", newline="\n")
    yield target


if __name__ == "__main__":
    print(*main(sys.argv[1:]))
