"""What changed between two editions, and why: each change is made by hand and must be told."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from value_study import value_study

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.edition_diff import About, EditionDiff, edition_diff
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.study import Study
from impact_eval.report.texts import Texts
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults

Edition = Callable[..., Path]


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Compute an edition in this process, with a table cut short or a line of the study changed."""

    def make(*, keep: int = 200, old: str = "", new: str = "") -> Path:
        folder = value_study(tmp_path_factory.mktemp("edition") / "etude")
        rows = (folder / "donnees.csv").read_text("utf-8").splitlines()
        (folder / "donnees.csv").write_text("\n".join(rows[: keep + 1]) + "\n", "utf-8")
        declared = (folder / "study.toml").read_text("utf-8")
        assert old in declared
        (folder / "study.toml").write_text(declared.replace(old, new), "utf-8")
        out = folder / "sortie"
        out.mkdir()
        release(evaluate(Study.read(folder))).results.write(out)
        return out

    return make


@pytest.fixture(scope="module")
def first(edition: Edition) -> Path:
    return edition()


def codes(found: EditionDiff, about: About) -> list[str]:
    return [change.words.code for change in found.of(about)]


def effect(folder: Path) -> float:
    """Return the difference of the two means, by hand, in points."""
    with (folder.parent / "donnees.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    arms = [[int(r["emploi"]) for r in rows if r["aide"] == arm] for arm in ("1", "0")]
    return 100 * (sum(arms[0]) / len(arms[0]) - sum(arms[1]) / len(arms[1]))


def test_an_edition_is_itself(first: Path) -> None:
    assert edition_diff(first, first).same
    assert edition_diff(first / "results.json", first.parent).same


def test_people_who_left_are_the_cause(first: Path, edition: Edition) -> None:
    fewer = edition(keep=170)
    found = edition_diff(first, fewer)
    assert codes(found, About.CAUSES) == ["diff.data_counts"]
    (cause,) = found.of(About.CAUSES)
    assert (cause.words.values["rows_before"], cause.words.values["rows"]) == (200, 170)
    (told,) = [c for c in found.of(About.RESULTS) if c.words.code == "diff.headline"]
    french = Texts("fr").words(told.words)
    assert f"+{effect(first):.0f} points" in french
    assert french.index(f"+{effect(first):.0f}") < french.rindex(f"+{effect(fewer):.0f} points")
    assert found.of(About.FILES) != ()


def test_a_new_name_moves_no_number(first: Path, edition: Edition) -> None:
    renamed = edition(old='fr = "Accompagnement"', new='fr = "Accompagnement renforcé"')
    found = edition_diff(first, renamed)
    assert codes(found, About.CAUSES) == ["diff.study"]
    assert "study.action.fr" in str(found.of(About.CAUSES)[0])
    assert "diff.headline" not in codes(found, About.RESULTS)


def test_another_seed_and_method_are_told(first: Path, edition: Edition) -> None:
    other = edition(old='[study]\nid = "essai"', new='[study]\nseed = 7\nid = "essai"')
    assert {"diff.seed"} <= set(codes(edition_diff(first, other), About.CAUSES))


def test_findings_level_and_versions_are_told(first: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(first, tmp_path / "autre"))
    data = json.loads((other / "results.json").read_text("utf-8"))
    gone = data["findings"].pop()["code"] if data["findings"] else None
    data["provenance"]["versions"]["numpy"] = "0.0"
    (other / "results.json").write_text(json.dumps(data), "utf-8")
    (other / "en-plus.csv").write_text("a\n", "utf-8")
    found = edition_diff(first, other)
    assert codes(found, About.CAUSES) == ["diff.version"]
    assert codes(found, About.FILES)[0] == "diff.file_added"
    if gone is not None:
        assert "diff.finding_lost" in codes(found, About.RESULTS)


def test_inputs_of_the_job_are_compared_when_told(first: Path, tmp_path: Path) -> None:
    folders = [Path(shutil.copytree(first, tmp_path / name)) for name in ("a", "b")]
    for folder, inputs in zip(folders, ({"x.csv": "1", "y": "2"}, {"x.csv": "3"}), strict=True):
        (folder / "status.json").write_text(json.dumps({"job": {"inputs": inputs}}), "utf-8")
    told = [str(change) for change in edition_diff(*folders).changes]
    assert told == ['causes: input_changed {"file": "x.csv"}', 'causes: input_lost {"file": "y"}']


def test_two_studies_are_refused(first: Path, tmp_path: Path) -> None:
    results = StudyResults.read(first)
    other = results.model_copy(update={"study": results.study.model_copy(update={"id": "autre"})})
    other.write(tmp_path / "results.json")
    with pytest.raises(ImpactEvalError) as refused:
        edition_diff(first, tmp_path / "results.json")
    assert refused.value.codes == ("diff_other_study",)


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 9000, b"\xff\xfe", b'{"schema": 1}'])
def test_a_damaged_edition_is_refused_in_words(raw: bytes, first: Path, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes(raw)
    with pytest.raises(ImpactEvalError) as refused:
        edition_diff(first, tmp_path)
    assert refused.value.codes[0].startswith("results_")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_change_has_its_sentence(language: str, first: Path, edition: Edition) -> None:
    found = edition_diff(first, edition(keep=150))
    for change in found.changes:
        told = Texts(language).words(change.words)
        assert "[" not in told
        assert "diff." not in told
    assert json.dumps(found.to_dict())
