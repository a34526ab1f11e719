"""The archive to hand over: the published edition alone, never anything that names somebody."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from one_process import without_kernel
from value_study import value_study

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import pack as module
from impact_eval.pipeline.leak_report import Leak, LeakKind, LeakReport
from impact_eval.pipeline.pack import pack
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.urgent import OPERATOR_NOTE


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study run once, with the operator's own edition and all that must stay beside it."""
    folder = value_study(tmp_path_factory.mktemp("remise") / "etude")
    declared = (folder / "study.toml").read_text("utf-8")
    own = declared + "[privacy]\ninternal_edition = true\n"
    (folder / "study.toml").write_text(own, "utf-8")
    with without_kernel():
        run(folder)
    (folder / OPERATOR_NOTE).write_text("P017 : rappeler", "utf-8")
    return folder


def held(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_archive_holds_the_edition_and_nothing_else(study: Path, tmp_path: Path) -> None:
    one, other = (pack(study, to=tmp_path / name).path for name in ("a.zip", "b.zip"))
    assert one.read_bytes() == other.read_bytes()
    content = held(one)
    published = {
        path.relative_to(study / "sortie").as_posix(): path.read_bytes()
        for path in (study / "sortie").rglob("*")
        if path.is_file() and path.name != "status.json"
    }
    inside = "essai/edition/"
    assert {n.removeprefix(inside): c for n, c in content.items() if n.startswith(inside)} == (
        published
    )
    assert set(content) - {inside + name for name in published} == {
        "essai/LISEZMOI.txt", "essai/README.txt",
    }  # fmt: skip
    assert (study / "interne").is_dir()
    assert b"P017" not in b"".join(content.values())
    for name in ("essai/LISEZMOI.txt", "essai/README.txt"):
        text = content[name].decode("utf-8")
        assert all(f"edition/{file} " in text for file in published)
        assert "[" not in text


def test_nothing_is_replaced(study: Path, tmp_path: Path) -> None:
    there = tmp_path / "a.zip"
    there.write_bytes(b"mine")
    for to, code in ((there, "pack_exists"), (study / "sortie" / "x.zip", "pack_inside")):
        with pytest.raises(ImpactEvalError) as refused:
            pack(study, to=to)
        assert refused.value.codes == (code,)
    assert there.read_bytes() == b"mine"
    with pytest.raises(ImpactEvalError) as refused:
        pack(study, to=tmp_path / "absent" / "a.zip")
    assert refused.value.codes == ("path_vanished",)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_an_edited_edition_is_not_packed(study: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "etude"))
    (copy / "sortie" / "notes.txt").write_text("P017", "utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        pack(copy)
    assert refused.value.codes == ("pack_not_verified", "verify_unlisted")
    assert not list(copy.glob("*.zip"))


def test_a_name_beside_the_parts_of_a_workbook_is_not_packed(study: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "etude"))
    with zipfile.ZipFile(copy / "sortie" / "compte-fr.xlsx", "a") as archive:
        archive.comment = b"P017"
    with pytest.raises(ImpactEvalError) as refused:
        pack(copy)
    assert refused.value.codes == ("pack_not_verified", "verify_form")
    assert not list(copy.glob("*.zip"))


def test_an_edition_that_leaks_is_not_packed(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak = Leak(LeakKind.EMAIL, "rapport-fr.html", 2, ("text",))
    report = LeakReport((leak,), ("rapport-fr.html",), 1, True, True)
    monkeypatch.setattr(module, "find_leaks", lambda *_: report)
    with pytest.raises(ImpactEvalError) as refused:
        pack(study, to=tmp_path / "a.zip")
    assert refused.value.codes == ("pack_leaks", "leak_email")
    assert not list(tmp_path.iterdir())


def test_the_operators_own_edition_is_never_packed(study: Path, tmp_path: Path) -> None:
    with pytest.raises(ImpactEvalError):
        pack(study / "interne", to=tmp_path / "a.zip", study=study)
    assert not list(tmp_path.iterdir())


def test_an_edition_behind_its_study_is_handed_over_with_a_word(
    study: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(study, tmp_path / "etude"))
    assert pack(folder, to=tmp_path / "avant.zip").behind == ()
    with (folder / "donnees.csv").open("a", encoding="utf-8") as stream:
        stream.write("P900,1,1\n")
    with (folder / "carte.toml").open("a", encoding="utf-8") as stream:
        stream.write("# relue\n")
    assert pack(folder, to=tmp_path / "apres.zip").behind == ("carte.toml", "donnees.csv")
