"""Each code block of the documentation runs as it is written.

A fragment that cannot is marked `<!-- not run: reason -->` just before its fence: there are few.
"""

from __future__ import annotations

import doctest
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from impact_eval import ImpactEvalError, Study
from impact_eval.pipeline.methods_declared import make_design
from impact_eval.pipeline.study_models import DataPart, MethodPart
from impact_eval.value import ValueMap

HELPERS = runpy.run_path(str(Path(__file__).with_name("doc_blocks.py")))
ROOT = Path(__file__).resolve().parents[2]
BLOCKS: list[Any] = list(HELPERS["blocks"](ROOT))
MOST_NOT_RUN = 3
SHOWN = {"", "text", "{toctree}"}  # what a program prints, and the lists of pages
STUDIES = ("my-action", "mon-action")
# What a design noticed is no fault of a page: the reader sees it, and the page may be about it.
QUIET = """import warnings, impact_eval
warnings.simplefilter("ignore", impact_eval.FindingWarning)
"""
WORDS = {"name", "compares", "believes", "breaks"}  # of a method


def _of(*languages: str) -> list[Any]:
    return [b for b in BLOCKS if b.language in languages and b.not_run is None]


def _pages(*languages: str) -> list[str]:
    return list(dict.fromkeys(block.page for block in _of(*languages)))


def _text(page: str, language: str) -> str:
    return "\n".join(block.text for block in _of(language) if block.page == page)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a page is read, with the data that it names."""
    HELPERS["prepare"](ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(ROOT), str(folder), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def test_every_block_is_of_a_known_kind_and_few_are_left_out() -> None:
    assert {b.language for b in BLOCKS} <= SHOWN | {"python", "pycon", "toml", "sh"}
    assert sum(b.not_run is not None for b in BLOCKS) <= MOST_NOT_RUN
    assert len(_of("python", "pycon", "toml", "sh")) > 25


@pytest.mark.parametrize("page", _pages("pycon"))
def test_sessions_print_what_is_shown(page: str, folder: Path) -> None:
    example = doctest.DocTestParser().get_doctest(_text(page, "pycon"), {}, page, None, 0)
    done = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.parametrize("page", _pages("python"))
def test_programs_run(page: str, folder: Path) -> None:
    if "portfolio" in _text(page, "python").lower():
        HELPERS["results_for"](folder, ("studies/nord", "studies/sud", "studies/est"))
    (folder / "program.py").write_text(QUIET + _text(page, "python"), encoding="utf-8")
    done = _run([sys.executable, "-W", "error", "program.py"], folder)
    assert done.returncode == 0, done.stderr


# -- TOML ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block", _of("toml"), ids=lambda b: f"{b.page}:{b.line}" if hasattr(b, "page") else str(b)
)
def test_files_are_read(block: Any, folder: Path) -> None:
    read = tomllib.loads(block.text)
    schema = read.get("schema", "")
    if schema == "impact-eval/study/1":
        _study(block.text, folder)
    elif schema == "impact-eval/value-map/1":
        (folder / "carte.toml").write_text(block.text, encoding="utf-8")
        assert ValueMap.read(folder / "carte.toml").lines
    elif "instruments" in read:
        scored = _study(HELPERS["STUDY"].format(id="essai") + block.text, folder)
        assert [i.id for i in scored.declaration.instruments] == ["estime"]
        assert len(scored.declaration.instruments[0].items) == 10
    elif "data" in read:  # the part of a study file that says where its columns are
        assert DataPart.model_validate(read["data"]).waves is not None
    elif "parameter" in read:
        _parameter(block.text)
    elif isinstance(read.get("method", {}).get("name"), str):  # a study file's, made as declared
        assert make_design(MethodPart.model_validate(read["method"])).info.name
    elif "method" in read:  # its words are read, in tests/contract/test_contributing.py
        assert all(set(words) >= WORDS for words in read["method"].values())
    else:
        assert set(read) == {"project"}, "a file that no reader of the project takes"
        assert all("impact_eval." in group for group in read["project"]["entry-points"])


def _study(text: str, folder: Path) -> Study:
    """Read a study whose tables hold the columns that it names."""
    raw = tomllib.loads(text)
    data = raw["data"]
    columns = [c for c in data["roles"].values() if isinstance(c, str)]
    columns += [outcome["column"] for outcome in raw["outcomes"]]
    head = ",".join(dict.fromkeys(columns))
    row = ",".join("1" for _ in head.split(","))
    (folder / data["file"]).write_text(f"{head}\n{row}\n", encoding="utf-8")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return Study.read(folder)


def _parameter(text: str) -> None:
    """Add a figure to the catalogue, and read the whole by its own reader."""
    from decimal import Decimal

    from impact_eval.value.map.parameters import read_catalogue

    folder = ROOT / "impact_eval" / "value" / "catalogue"
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.toml")}
    for words in ("headings.toml", "spoken_words.toml", "units.toml"):  # they hold no figure
        texts.pop(words)
    texts["social_fr.toml"] += "\n" + text
    assert read_catalogue(texts).get("thing@2025").amount.value == Decimal("120.5")


# -- the command -----------------------------------------------------------------------------


def _lines(page: str) -> list[list[str]]:
    lines = (line.split("#")[0].strip() for line in _text(page, "sh").splitlines())
    return [shlex.split(line) for line in lines if line]


def _needs_run(words: list[str]) -> bool:
    return words[0] == "verify" or "--leaks" in words


def _slow(page: str) -> bool:
    return any(words[1] == "run" or _needs_run(words[1:]) for words in _lines(page))


COMMANDS = [
    pytest.param(page, marks=pytest.mark.long if _slow(page) else ()) for page in _pages("sh")
]


@pytest.mark.parametrize("page", COMMANDS)
def test_commands_run(page: str, folder: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for words in _lines(page):
        if words[0] == "make":
            assert words[1] in targets
            continue
        assert words[0] == "impact-eval"
        done = _run([sys.executable, "-m", "impact_eval.cli", *_ready(words[1:], folder)], folder)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"


def _ready(words: list[str], folder: Path) -> list[str]:
    """Lay what a command needs, as its page says, and return its words as a shell gives them."""
    command, *rest = words
    if command == "portfolio":
        where = "studies/" if any(word.startswith("studies/") for word in rest) else ""
        HELPERS["results_for"](folder, tuple(f"{where}{n}" for n in ("nord", "sud", "est")))
        found = [sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in rest]
        return [command, *(word for several in found for word in several)]
    for name in set(rest) & set(STUDIES):
        if command != "new":
            HELPERS["fill"](folder / name, ROOT)
        if _needs_run(words) and not (folder / name / "sortie").is_dir():
            made = _run([sys.executable, "-m", "impact_eval.cli", "run", name], folder)
            assert made.returncode == 0, made.stderr
    return words


INLINE = re.compile(r"`impact-eval ([^`]+)`")


def _named() -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), words)
        for page in HELPERS["pages"](ROOT)
        for words in INLINE.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("page", "words"), _named(), ids=[f"{p}:{w}" for p, w in _named()])
def test_commands_named_in_a_sentence_exist(page: str, words: str) -> None:
    """A command that a sentence names is one, with the options that it shows."""
    from typer.main import get_command

    from impact_eval.cli import app

    group: Any = get_command(app)
    name, *rest = words.split()
    assert name in group.commands, f"{page}: impact-eval {name}"
    options = {opt for parameter in group.commands[name].params for opt in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= options, f"{page}: {words}"


def test_a_study_of_the_pages_is_refused_when_it_should_be(folder: Path) -> None:
    """The reader of the blocks is the real one: a misspelt key does not pass."""
    text = next(b.text for b in _of("toml") if "impact-eval/study/1" in b.text)
    with pytest.raises(ImpactEvalError):
        _study(text.replace('pillar = "emploi"', 'pilar = "emploi"'), folder)
