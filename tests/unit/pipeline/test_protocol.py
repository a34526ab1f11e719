"""A frozen protocol binds: what changed after it is found, whatever became of its file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from impact_eval import Study, evaluate
from impact_eval.pipeline.protocol import FILE, freeze, protocol_record
from impact_eval.report.html import render_html
from impact_eval.report.narrative_action import action_blocks
from impact_eval.results.study_records import ProtocolRecord

TABLE = "id,t,g,aide,y,z\n" + "\n".join(f"P{i},1,1,{i % 2},{i},{i}" for i in range(30)) + "\n"
STUDY: dict[str, Any] = {
    "schema": "impact-eval/study/1",
    "study": {
        "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
        "action": "Accompagnement", "period": ["2024-01", "2024-12"],
    },
    "protocol": {"question": "Aide-t-on ?", "notes": "Pas de sous-groupe.", "smallest_effect": 0.1},
    "data": {"file": "d.csv", "roles": {"unit": "id", "treatment": "aide"}},
    "method": {"name": "difference_in_means"},
    "outcomes": [
        {"id": "emploi", "label": "Emploi", "column": "y", "unit": "score", "primary": True},
        {"id": "revenu", "label": "Revenu", "column": "z", "unit": "eur"},
    ],
}  # fmt: skip


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """The folder of a study whose protocol is frozen."""
    (tmp_path / "d.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "study.toml").write_text(tomli_w.dumps(STUDY), encoding="utf-8")
    freeze(tmp_path)
    return tmp_path


def after(folder: Path, *path: str | int, to: Any) -> ProtocolRecord:
    """Change one key of the study after it was frozen, and return what is told of it."""
    study = json.loads(json.dumps(STUDY))
    part: Any = study
    for step in path[:-1]:
        part = part[step] if isinstance(step, int) else part.setdefault(step, {})
    part[path[-1]] = to
    (folder / "study.toml").write_text(tomli_w.dumps(study), encoding="utf-8")
    return protocol_record(Study.read(folder))


def edited(folder: Path, change: Any, *, rehash: bool = False) -> ProtocolRecord:
    """Edit the frozen file by hand, and return what is told of it."""
    from impact_eval.core.provenance import canonical_json, sha256

    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    change(content)
    if rehash:
        content["study_sha256"] = sha256(canonical_json(content["parts"]))
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")
    return protocol_record(Study.read(folder))


def test_nothing_changed(frozen: Path) -> None:
    told = protocol_record(Study.read(frozen))
    assert (told.readable, told.intact, told.changed) == (True, True, ())
    assert told.frozen_on is not None
    assert told.frozen_sha256 == json.loads((frozen / FILE).read_text("utf-8"))["study_sha256"]


CHANGES: list[tuple[tuple[str | int, ...], Any, tuple[str, ...]]] = [
    (("study", "action"), "Autre chose", ("study.action",)),
    (("study", "period"), ["2024-01", "2025-12"], ("study.period[2]",)),
    (("study", "seed"), 7, ("study.seed",)),
    (("protocol", "smallest_effect"), 0.3, ("protocol.smallest_effect",)),
    (("protocol", "notes"), "Par sexe.", ("protocol.notes",)),
    (("data", "roles", "cluster"), "g", ("data.roles.cluster",)),
    (("data", "rows_are"), "territories", ("data.rows_are",)),
    (("method", "name"), "before_after", ("method.name",)),
    (("method", "covariance"), "HC1", ("method.covariance",)),
    (("outcomes", 1, "smallest_effect"), 0.3, ("outcomes[2].smallest_effect",)),
    (("outcomes", 0, "direction"), "lower_is_better", ("outcomes[1].direction",)),
    (("outcomes",), STUDY["outcomes"][:1], ("outcomes",)),
]


@pytest.mark.parametrize(("path", "to", "keys"), CHANGES, ids=[keys[0] for *_, keys in CHANGES])
def test_what_changed_after_is_named_as_the_study_file_writes_it(
    frozen: Path, path: tuple[str | int, ...], to: Any, keys: tuple[str, ...]
) -> None:
    told = after(frozen, *path, to=to)
    assert told.changed == keys
    assert told.intact is True


def test_what_decides_nothing_may_change(frozen: Path) -> None:
    assert after(frozen, "report", "languages", to=["fr"]).changed == ()


def test_a_date_written_another_way_is_no_change(frozen: Path) -> None:
    assert after(frozen, "study", "period", to=["01/2024", "12/2024"]).changed == ()


@pytest.mark.parametrize("text", ["{", "", "[]", "null", '{"parts": 3}', "[" * 5000])
def test_a_file_that_was_cut_cannot_be_read(frozen: Path, text: str) -> None:
    (frozen / FILE).write_text(text, encoding="utf-8")
    told = protocol_record(Study.read(frozen))
    assert (told.readable, told.intact, told.frozen_on, told.changed) == (False, None, None, ())


def test_a_file_edited_by_hand_is_found_out(frozen: Path) -> None:
    def raise_the_bar(content: dict[str, Any]) -> None:
        content["parts"]["protocol"]["smallest_effect"] = 0.3

    told = edited(frozen, raise_the_bar)
    assert (told.readable, told.intact) == (True, False)
    assert told.changed == ("protocol.smallest_effect",)


def test_a_day_moved_back_is_found_out(frozen: Path) -> None:
    """An earlier day is what a protocol written after looking would claim."""
    told = edited(frozen, lambda content: content.update(frozen_on="2020-01-01"))
    assert (told.readable, told.intact, told.changed) == (True, False, ())


def test_a_protocol_signed_without_its_day_is_still_read(frozen: Path) -> None:
    told = edited(frozen, lambda content: None, rehash=True)
    assert told.intact is True


def test_a_key_twice_in_the_file_cannot_be_read(frozen: Path) -> None:
    file = frozen / FILE
    text = file.read_text(encoding="utf-8").replace('"parts"', '"parts": {}, "parts"', 1)
    file.write_text(text, encoding="utf-8")
    assert protocol_record(Study.read(frozen)).readable is False


def test_a_file_edited_into_no_study_is_compared_as_it_stands(frozen: Path) -> None:
    def spoil(content: dict[str, Any]) -> None:
        content["parts"]["study"]["pillar"] = "autre"

    told = edited(frozen, spoil)
    assert (told.readable, told.intact, told.changed) == (True, False, ("study.pillar",))


def test_numbers_that_json_does_not_know_are_no_hash(frozen: Path) -> None:
    def spoil(content: dict[str, Any]) -> None:
        content["parts"]["protocol"]["smallest_effect"] = float("nan")

    assert edited(frozen, spoil).readable is False


def test_a_key_that_came_since_is_no_change(frozen: Path) -> None:
    """A protocol frozen before a key existed holds it at its default."""

    def older(content: dict[str, Any]) -> None:
        del content["parts"]["data"]["rows_are"]
        del content["parts"]["outcomes"][0]["smallest_effect"]

    told = edited(frozen, older, rehash=True)
    assert (told.intact, told.changed) == (True, ())
    assert after(frozen, "data", "rows_are", to="people").changed == ("data.rows_are",)


def test_without_a_file_nothing_is_vouched_for(frozen: Path) -> None:
    (frozen / FILE).unlink()
    told = after(frozen, "protocol", "frozen_on", to="2024-01-15")
    assert (told.frozen_on, told.frozen_sha256, told.readable) == ("2024-01-15", None, None)


# -- told in the report ----------------------------------------------------------------------


def told_in(folder: Path, language: str) -> str:
    """Return the words of the section on the action and the question."""
    blocks = action_blocks(evaluate(Study.read(folder)))
    html = render_html(blocks, {}, language)
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))


TOLD = {
    "changed": ("plus petit effet utile (outcomes[2].smallest_effect)",
                "smallest effect that would matter (outcomes[2].smallest_effect)"),
    "cut": ("ne peut pas être lu", "cannot be read"),
    "edited": ("modifié après coup", "edited afterwards"),
    "absent": ("sans fichier qui permette de le vérifier", "without a file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOLD)
def test_the_report_tells_what_became_of_the_protocol(frozen: Path, kind: str) -> None:
    def raise_the_bar(content: dict[str, Any]) -> None:
        content["parts"]["protocol"]["smallest_effect"] = 0.3

    if kind == "changed":
        after(frozen, "outcomes", 1, "smallest_effect", to=0.3)
    elif kind == "cut":
        (frozen / FILE).write_text("{", encoding="utf-8")
    elif kind == "edited":
        edited(frozen, raise_the_bar)
    else:
        (frozen / FILE).unlink()
        after(frozen, "protocol", "frozen_on", to="2024-01-15")
    for language, words in zip(("fr", "en"), TOLD[kind], strict=True):
        assert words in told_in(frozen, language)


def test_the_notes_of_the_protocol_are_told(frozen: Path) -> None:
    assert "Pas de sous-groupe." in told_in(frozen, "fr")
