"""A study from its folder to its reports: what is written, what resumes, what is refused."""

from __future__ import annotations

import json
import re
import shutil

import nbformat
import pytest
from one_process import executed_here, without_kernel

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import runner
from impact_eval.pipeline.difference_records import Aspect
from impact_eval.pipeline.differences import differences
from impact_eval.pipeline.notebook import RunStatus, canonical, execute
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.states import RunState, read_status
from impact_eval.pipeline.templates import check_parameters, read_notebook, template_path
from impact_eval.pipeline.verification import verify
from impact_eval.results.records import StudyResults, comparable


@pytest.fixture(scope="module")
def finished(tmp_path_factory, request):
    """One run of the randomised study, shared by the tests that only read it."""
    root = request.getfixturevalue("root")
    folder = tmp_path_factory.mktemp("study") / "etude"
    shutil.copytree(root / "datasets" / "rendez_vous_droits", folder)
    return run(folder)


def test_outputs(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert {"results.json", "notebook.ipynb", "rapport-fr.html", "report-en.html",
            "ro-crate-metadata.json", "status.json", "tables",
            "controle.json", "controle-fr.html", "check-en.html"} == names  # fmt: skip
    assert (finished.folder.parent / "publications.json").is_file(), "the ledger of releases"
    assert finished.results.primary.evidence.level == 4
    effect, truth = finished.results.primary.headline, 0.11
    assert effect.conf_low <= truth <= effect.conf_high


def test_no_path_of_the_machine_no_network_no_script(finished):
    for path in finished.folder.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        assert str(finished.folder.parent) not in text, path.name
        assert "Traceback" not in text
        if path.suffix == ".html":
            assert "<script" not in text
            assert not re.findall(r"""(?:src|href)=["']https?://""", text)


def test_notebook_ships_no_row_of_a_person(finished):
    notebook = nbformat.read(finished.folder / "notebook.ipynb", as_version=4)
    text = json.dumps(notebook)
    assert not re.search(r"\bB0\d{4}\b", text), "an identifier left the study"


def test_second_run_is_the_same_but_for_its_time(finished):
    again = run(finished.folder.parent, output=finished.folder.parent / "bis", fresh=True)
    assert differences(comparable(finished.results), comparable(again.results)) == []
    files = [path.relative_to(finished.folder) for path in finished.folder.rglob("*.*")]
    assert len(files) > 12
    for name in files:
        same = (finished.folder / name).read_bytes() == (again.folder / name).read_bytes()
        assert same or name.name in ("results.json", "status.json"), name  # they say when
    ledger = json.loads((finished.folder.parent / "publications.json").read_text("utf-8"))
    assert len(ledger["entries"]) == 1, "nothing new was told"


def test_the_notebook_of_a_kernel_is_the_one_executed_here(finished):
    """What the other tests run without a kernel (`one_process.py`) is what a kernel gives."""
    folder = finished.folder.parent
    given = {"study": "study.toml", "language": "fr"}
    made = executed_here(template_path("study_report"), given, folder=folder).notebook
    told = nbformat.writes(canonical(made)) + "\n"
    assert told == (finished.folder / "notebook.ipynb").read_text("utf-8")


def test_same_job_is_not_computed_again(finished):
    again = run(finished.folder.parent)
    assert again.resumed
    assert again.results == finished.results


def test_interrupted_export_resumes(dataset, monkeypatch):
    folder = dataset("association_avant_apres")
    declared = (folder / "study.toml").read_text(encoding="utf-8")
    own = declared.replace("[privacy]", '[privacy]\nprofile = "interne"')
    (folder / "study.toml").write_text(own, encoding="utf-8")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, without_kernel():
        patched.setattr(runner, "write_edition", stop)
        with pytest.raises(KeyboardInterrupt):
            run(folder)
    assert [path.name for path in (folder / "sortie").iterdir()] == ["status.json"], (
        "half an output"
    )
    assert read_status(folder / "sortie").state is RunState.KILLED
    monkeypatch.setattr(runner, "_execute", stop)  # the computation must not start again
    done = run(folder)
    assert done.resumed
    assert (folder / "sortie" / "results.json").is_file()
    assert {path.name for path in folder.glob(".*")} == set(), "no working folder is left"
    assert {path.name for path in (folder / "interne").iterdir()} == {
        "results.json", "interne-fr.html", "interne-en.html", "status.json",
    }  # fmt: skip
    assert not list((folder / "sortie").rglob("*interne*"))
    for name in ("controle.json", "controle-fr.html", "ro-crate-metadata.json"):
        text = (folder / "sortie" / name).read_text(encoding="utf-8")
        assert not re.search(r"interne[-/]", text), f"{name} lists the operator's own edition"


@pytest.fixture(scope="module")
def cut_short(tmp_path_factory, root):
    """A run that ends just before its folder is put in place, what it had told, and the next."""
    folder = tmp_path_factory.mktemp("coupee") / "etude"
    shutil.copytree(root / "datasets" / "association_avant_apres", folder)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched, without_kernel():
        patched.setattr(runner, "put_in_place", stop)
        with pytest.raises(KeyboardInterrupt):
            run(folder)
    assert [path.name for path in (folder / "sortie").iterdir()] == ["status.json"]
    ledger = (folder / "publications.json").read_text(encoding="utf-8")
    return ledger, run(folder)


def test_the_ledger_is_written_before_anybody_can_read_the_edition(cut_short):
    ledger, done = cut_short
    path = done.folder.parent / "publications.json"
    assert json.loads(ledger)["entries"]
    assert path.read_text(encoding="utf-8") == ledger
    path.unlink()
    assert run(done.folder.parent).resumed
    assert path.read_text(encoding="utf-8") == ledger


def test_before_after_never_claims_an_effect(cut_short):
    _, done = cut_short
    assert done.results.primary.evidence.level == 1
    for path, causal in (("rapport-fr.html", r"attribuable|effet de l’action"),
                         ("report-en.html", r"attributable|effect of the action")):  # fmt: skip
        html = (done.folder / path).read_text(encoding="utf-8")
        main = html[html.index("<main") : html.index("</main>")]
        summary = main[: main.index("</section>")]
        assert not re.search(causal, summary)


def test_verify_sees_a_changed_number(finished, tmp_path):
    folder = tmp_path / "copie"
    shutil.copytree(finished.folder.parent, folder)
    path = folder / "sortie" / "results.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    row = data["estimates"][0]["estimate"]["effects"][0]
    true, row["estimate"] = row["estimate"], 0.5
    path.write_text(json.dumps(data), encoding="utf-8")
    with without_kernel():
        differ = verify(folder / "sortie").differences
    told = [one for one in differ if one.aspect is Aspect.CONSISTENT]
    assert {d.finding.code for d in told} == {
        "results_invalid",
        "verify_key",
    }  # out of its interval
    row["estimate"] = true + 0.01
    path.write_text(json.dumps(data), encoding="utf-8")
    (folder / "sortie" / "rapport-fr.html").write_text("autre chose", encoding="utf-8")
    with without_kernel():
        found = verify(folder / "sortie")
    assert (found.complete, found.stable, found.consistent) == (True, True, False)
    assert not found.verified
    assert [str(difference) for difference in found.differences] == [
        "rapport-fr.html: row=1 [verify_line]",
        "results.json: key=estimates[0].estimate.effects[0].estimate [verify_key]",
    ]


def test_verify_holds_on_what_was_published(finished):
    found = verify(finished.folder)
    assert found.verified, found.differences


def test_refusal_inside_the_notebook_keeps_its_code(dataset):
    folder = dataset("association_avant_apres")
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(
        text.replace("(0 à 10) / Sortie", "(0 à 10) / Sorti"), encoding="utf-8"
    )
    with pytest.raises(ImpactEvalError) as refused:
        run(folder)
    assert refused.value.codes == ("missing_column",)
    assert refused.value.findings[0].values["nearest"] == "Satisfaction (0 à 10) / Sortie"
    assert [path.name for path in (folder / "sortie").iterdir()] == ["status.json"]
    told = read_status(folder / "sortie")
    assert (told.state, [reason.code for reason in told.reasons]) == (
        RunState.FAILED, ["missing_column"],
    )  # fmt: skip


def _notebook(tmp_path, source):
    notebook = nbformat.v4.new_notebook()
    cells = ['study = "study.toml"\nlanguage = "fr"', source, "1 + 1"]
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in cells]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.cells[1].metadata["tags"] = ["compute"]
    path = tmp_path / "template.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("1 / 0", RunStatus.FAILED),
        ("import sys; sys.exit(0)", RunStatus.FAILED),
        ("import os; os._exit(0)", RunStatus.KILLED),
        ("import time; time.sleep(60)", RunStatus.TIMEOUT),
        ("%no_such_magic", RunStatus.FAILED),
        ("x = 1", RunStatus.OK),
    ],
)
def test_status_is_what_happened(tmp_path, source, status):
    seconds = 3 if status is RunStatus.TIMEOUT else 20
    done = execute(_notebook(tmp_path, source), {}, folder=tmp_path, timeout=seconds)
    assert (done.status is RunStatus.OK) == (status is RunStatus.OK)
    if status is not RunStatus.OK:
        assert done.status in (status, RunStatus.TRUNCATED)
        assert done.findings, "what stopped is named"


def test_parameters_are_typed_and_known():
    notebook = read_notebook(template_path("study_report"))
    assert check_parameters(notebook, {"study": "01"}, "study_report") == {"study": "01"}
    with pytest.raises(ImpactEvalError) as refused:
        check_parameters(notebook, {"stdy": "a", "language": 1}, "study_report")
    assert set(refused.value.codes) == {"unknown_parameter", "wrong_parameter_type"}


def test_results_round_trip(finished, tmp_path):
    path = finished.results.write(tmp_path / "results.json")
    assert StudyResults.read(path) == finished.results
    path.write_text(
        path.read_text(encoding="utf-8").replace('"study"', '"studi"', 1), encoding="utf-8"
    )
    with pytest.raises(ImpactEvalError) as refused:
        StudyResults.read(path)
    assert refused.value.codes == ("results_invalid",)
