"""What the repository holds: nothing of one machine, no stored output, templates without logic."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

REGISTRIES = re.compile(
    r"https?://(?:[\w.-]*\.)?(?:pypi|pythonhosted|anaconda|conda|npmjs|artifactory|nexus)"
    r"[\w.-]*|--(?:extra-)?index-url|/simple/",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.~-])/(?:root|home|work|Users|tmp|mnt)/\w|[A-Z]:\\\\?Users")
SELF = "tests/architecture/test_repository.py"
BINARY = {".xlsx", ".parquet", ".png", ".sav", ".dta", ".pdf", ".docx"}
LOGIC = re.compile(r"^\s*(?:def|class|for|if|while|with|try)\b", re.MULTILINE)
CELLS, LINES = 12, 90


def _tracked(root: Path) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: what is tracked is not known")
    names = [name for name in done.stdout.split("\0") if name and name != SELF]
    return [root / n for n in names if Path(n).suffix not in BINARY and (root / n).is_file()]


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): p.read_text(encoding="utf-8", errors="replace")
        for p in _tracked(root)
    }


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE], ids=["registry", "machine"])
def test_nothing_of_one_machine(texts: dict[str, str], pattern: re.Pattern[str]) -> None:
    found = {name: m[0] for name, text in texts.items() if (m := pattern.search(text))}
    assert len(texts) > 300
    assert not found


def test_the_patterns_see_what_they_look_for() -> None:
    assert REGISTRIES.search("https://pypi.example/x")
    assert REGISTRIES.search("pip install --index-url http://x")
    assert MACHINE.search("open('/ho" + "me/someone/x')")
    assert not MACHINE.search("docs/home/index, ~/t" + "mp/x, https://host/wo" + "rk/x")


@pytest.fixture(scope="module")
def notebooks(root: Path) -> dict[str, list[dict[str, object]]]:
    paths = sorted((root / "notebooks").glob("*.ipynb"))
    assert paths
    return {p.name: json.loads(p.read_text("utf-8"))["cells"] for p in paths}


def test_notebooks_hold_no_output(notebooks: dict[str, list[dict[str, object]]]) -> None:
    for name, cells in notebooks.items():
        kept = [c["id"] for c in cells if c.get("outputs") or c.get("execution_count")]
        assert not kept, name


def test_templates_are_thin(notebooks: dict[str, list[dict[str, object]]]) -> None:
    for name, cells in notebooks.items():
        code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        assert len(code) <= CELLS, name
        assert sum(len(cell.splitlines()) for cell in code) <= LINES, name
        assert not [cell for cell in code if LOGIC.search(cell)], (
            f"{name}: logic goes in the library"
        )
