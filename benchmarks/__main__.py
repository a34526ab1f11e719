"""Run every benchmark in turn and write `docs/reference/speed.md`.

    python -m benchmarks [--peer] [--quick] [NAME ...]

`--peer` also installs and times the published programs, in their own environments under `.bench/`.
`--quick` keeps to the small sizes. With names, only those are run and the page is left as it is.
"""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.timing import PEERS, in_own_process, machine

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "speed.md"
PACKAGES = ("impact_eval", "numpy", "scipy", "pandas")
PROGRAMS = re.compile(
    r"(diff_diff|pyfixest|wildboottest|pingouin|semopy|girth|mirt)-([\d.]+)\.dist"
)
QUICK = ("--sizes", "1000", "10000")
HEAD = """# Speed

Measured by `python -m benchmarks{asked}` on {day}.

- {machine}
- {versions}
- peers: {peers}

CPU seconds of one thread, warm, unless a table says otherwise. A ratio is to the fastest peer on
the same data in the same run; figures of another machine differ, ratios much less.
"""


def names() -> list[str]:
    """Return the benchmarks there are."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def _words(source: str, asked: argparse.Namespace) -> list[str]:
    """Return the options that a script knows among those asked."""
    words = ["--peer"] if asked.peer and '"--peer"' in source else []
    return [*words, *QUICK] if asked.quick and '"--sizes"' in source else words


def run(name: str, asked: argparse.Namespace) -> tuple[str, str]:
    """Return the title of a benchmark and what it printed."""
    source = (HERE / f"bench_{name}.py").read_text(encoding="utf-8")
    title = (ast.get_docstring(ast.parse(source)) or name).splitlines()[0]
    try:
        said = in_own_process(f"benchmarks.bench_{name}", *_words(source, asked))
    except subprocess.CalledProcessError as failed:
        tail = failed.stderr.strip().splitlines()[-1:] or ["no message"]
        return title, f"not measured: {tail[0]}"
    return title, said.rstrip()


def _versions() -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _peers() -> str:
    """Return the programs installed in the peers' environments, with their versions."""
    folders = PEERS.glob("*/lib/python*/site-packages/*.dist-info")
    found = {m[1]: m[2] for path in sorted(folders) if (m := PROGRAMS.match(path.name))}
    return ", ".join(f"{name} {number}" for name, number in found.items()) or "none installed"


def main() -> None:
    """Run what is asked, print it, and write the page when everything was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=", ".join(names()))
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    flags = (" --peer" if asked.peer else "") + (" --quick" if asked.quick else "")
    day = dt.datetime.now(tz=dt.UTC).date().isoformat()
    head: dict[str, str] = {"asked": flags, "day": day, "machine": machine()}
    lines: list[str] = []
    for name in asked.name or names():
        title, said = run(name, asked)
        print(f"\n== {title}\n{said}", flush=True)
        lines.append(f"## {title.rstrip('.')}\n\n```text\n{said}\n```\n")
    if not asked.name:
        page = HEAD.format(**head, versions=_versions(), peers=_peers())
        PAGE.write_text("\n".join([page, *lines]), encoding="utf-8", newline="\n")
        print(f"\nwritten: {PAGE.relative_to(HERE.parent).as_posix()}")


if __name__ == "__main__":
    main()
