"""What leaks is found, by its kind and its file, and what does not is not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from small_studies import INCOME, arms, head, work
from typer.testing import CliRunner

from impact_eval.cli import app
from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.checker import write_checker_page
from impact_eval.pipeline.content import content_checksum
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.leak_numbers import number_leaks
from impact_eval.pipeline.leak_report import Leak, LeakKind, gathered
from impact_eval.pipeline.leak_tokens import Token, TokenIndex, TokenKind, study_tokens
from impact_eval.pipeline.leaks import find_leaks
from impact_eval.pipeline.schema import FOLDER
from impact_eval.pipeline.study import Study
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults

HOME = "/" + "home/"  # no path of a machine is written in the project
STUDY = head(title="Essai de Bourg") + arms(unit="personne") + work() + INCOME


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("etude")
    rng = np.random.default_rng(4)
    rows = ["personne,aide,emploi,revenu,prenom,rappel zyxwtitre"]
    for i in range(80):
        job, income = int(rng.random() < 0.5), round(float(rng.normal(1000, 200)), 2)
        rows.append(f"Q{i:02d}X,{i % 2},{job},{income},Zyxwina{i},Bourg {i}")
    (folder / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return Study.read(folder)


@pytest.fixture(scope="module")
def whole(study: Study) -> StudyResults:
    return evaluate(study)


@pytest.fixture
def output(study: Study, whole: StudyResults, tmp_path: Path) -> Path:
    folder = tmp_path / "sortie"
    folder.mkdir()
    release(whole).results.write(folder)
    return folder


def kinds(folder: Path, study: Study) -> dict[LeakKind, str]:
    return {leak.kind: leak.file for leak in find_leaks(folder, study).leaks}


def test_nothing_leaks(output: Path, study: Study) -> None:
    report = find_leaks(output, study)
    assert report.leaks == ()
    assert report.clean
    assert report.computed
    assert report.tokens >= 160  # labels, first names, heading


def test_tokens_are_what_nobody_needs_to_read_the_report(study: Study) -> None:
    tokens = {token.words: token.kind for token in study_tokens(study)}
    assert tokens["q05x",] is TokenKind.UNIT
    assert tokens["zyxwina5",] is TokenKind.PERSON
    assert tokens["rappel", "zyxwtitre"] is TokenKind.HEADING
    assert tokens["bourg", "5"] is TokenKind.CELL
    assert ("bourg",) not in tokens  # the study file says it
    assert ("emploi",) not in tokens
    assert ("1",) not in tokens


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("vu : ZYXWINA12.", LeakKind.PERSON),
        ("la personne q07x", LeakKind.UNIT),
        ("Rappel  Zyxwtitre", LeakKind.HEADING),
        ("hébergé à bourg 17", LeakKind.CELL),
        (HOME + "lea/etude/donnees.csv", LeakKind.PATH),
        ("C:" + r"\Users\Lea\etude", LeakKind.PATH),
        ("Traceback (most recent call last):", LeakKind.TRACEBACK),
        ("/x/ipykernel_4312/1.py", LeakKind.KERNEL),
        ("2 85 05 78 006 084 36", LeakKind.NUMBER_OF_A_PERSON),
        ("lea.martin@exemple.org", LeakKind.EMAIL),
        ("06 12 34 56 78", LeakKind.PHONE),
        ("FR76 3000 6000 0112 3456 7890 189", LeakKind.IBAN),
    ],
)
def test_each_kind_of_text(output: Path, study: Study, text: str, kind: LeakKind) -> None:
    (output / "note.txt").write_text(f"début {text} fin", encoding="utf-8")
    assert kinds(output, study) == {kind: "note.txt"}


@pytest.mark.parametrize(
    "text",
    ["0.612345678901234", "2024-01-01", "1234567.89", "a@b", "Accompagnement à Bourg", "Zyxw",
     "https://www.insee.fr/home/x", "sha 2850578006084360000"],
)  # fmt: skip
def test_what_is_nobodys(output: Path, study: Study, text: str) -> None:
    (output / "note.txt").write_text(f"début {text} fin", encoding="utf-8")
    assert kinds(output, study) == {}


def test_a_long_token_is_found_where_it_is_cut() -> None:
    index = TokenIndex([Token(TokenKind.PERSON, ("jean", "zyxwabulon"))])
    assert index.found_in("Jean Zyxwa-\nbulon")
    assert index.found_in("JeanZyxwabulon")
    assert not index.found_in("Jean Zyxwabu lonette".replace(" lon", " mon"))
    phone = TokenIndex([Token(TokenKind.PERSON, ("0612345678",))])
    assert phone.found_in("au 06 12 34 56 78")
    assert not phone.found_in("0.30612345678123")


def test_a_withheld_value_is_found_wherever_it_stands(
    output: Path, study: Study, whole: StudyResults
) -> None:
    exact = whole.headlines[1].headline.std_error
    assert exact is not None
    assert release(whole).results.headlines[1].headline.std_error != exact
    french = f"{exact:,.4f}".replace(",", "\u202f").replace(".", ",")
    (output / "page.html").write_text(f"<p>à {french} € près</p>", encoding="utf-8")
    assert kinds(output, study) == {LeakKind.WITHHELD_VALUE: "page.html"}


def test_small_and_close_counts(whole: StudyResults) -> None:
    published = release(whole).results
    assert number_leaks(published) == ()
    first = published.estimates[0]
    row = first.headline

    def with_counts(treated: int, comparison: int) -> StudyResults:
        changed = row.model_copy(update={"n_treated": treated, "n_comparison": comparison})
        fit = first.estimate.model_copy(update={"effects": (changed,)})
        record = first.model_copy(update={"estimate": fit})
        return published.model_copy(update={"estimates": (record, *published.estimates[1:])})

    assert (row.n_treated, row.n_comparison) == (40, 40)
    assert {leak.kind for leak in number_leaks(with_counts(40, 7))} >= {LeakKind.SMALL_COUNT}
    close = {leak.kind for leak in number_leaks(with_counts(38, 40))}
    assert close == {LeakKind.CLOSE_COUNTS}


def test_rows_lost_are_given_back_by_rows_kept(whole: StudyResults) -> None:
    published = release(whole).results
    step = published.data.flow[0]
    flow = (
        step.model_copy(update={"n": 120, "dropped": 0}),
        step.model_copy(update={"n": 117, "dropped": None}),
    )
    data = published.data.model_copy(update={"flow": flow})
    found = number_leaks(published.model_copy(update={"data": data}))
    bounded = [leak for leak in found if leak.kind is LeakKind.BOUNDED_COUNT]
    assert [leak.where for leak in bounded] == [("data.flow[1].dropped",)]


def test_leaks_are_told_by_kind_and_file() -> None:
    one = Leak(LeakKind.PERSON, "a", 1, ("x",), ("a…",))
    other = Leak(LeakKind.PERSON, "a", 2, ("y",), ("b…",))
    assert gathered([one, other]) == (Leak(LeakKind.PERSON, "a", 3, ("x", "y"), ("a…", "b…")),)
    assert "b…" not in json.dumps(other.to_dict())


def test_a_study_that_was_not_run_has_nothing_to_attack(study: Study, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ImpactEvalError) as refused:
            find_leaks(folder)
        assert refused.value.codes == ("leaks_no_folder",)


def test_the_command_refuses_and_names_nobody(output: Path, study: Study) -> None:
    own = study.folder / "sortie"
    own.mkdir(exist_ok=True)
    (own / "results.json").write_bytes((output / "results.json").read_bytes())
    runner = CliRunner()
    clean = runner.invoke(app, ["check", "--leaks", str(study.folder)])
    assert clean.exit_code == 0, clean.output
    (own / "note.txt").write_text("Zyxwina12", encoding="utf-8")
    told = runner.invoke(app, ["check", "--leaks", str(study.folder)])
    assert told.exit_code == 1
    assert "note.txt" in told.output
    machine = runner.invoke(app, ["check", "--leaks", "--json", str(own)])
    assert machine.exit_code == 1
    assert json.loads(machine.output)["leaks"][0] == {
        "kind": "person", "file": "note.txt", "n": 1, "where": ["text"],
    }  # fmt: skip
    for text in (told.output, machine.output):
        assert "zyxwina" not in text.casefold()
    (own / "note.txt").unlink()


def test_the_checkers_page(output: Path, whole: StudyResults) -> None:
    published = release(whole).results
    (output / "tables").mkdir()
    (output / "tables" / "table-01.csv").write_text("n,effet\nwithheld,0.1\n", encoding="utf-8")
    checked = write_checker_page(output, published, ("fr", "en"))
    rows = {row.name: row for row in checked.outputs}
    assert set(rows) == {"results.json", "tables/table-01.csv"}
    table = rows["tables/table-01.csv"]
    assert (table.kind, table.status, table.suppressed) == ("table", "pass", 1)
    assert table.summary == "pass; 1 cells suppressed"
    assert rows["results.json"].status == "pass"
    assert content_checksum(output / "results.json") == rows["results.json"].sha256
    later = published.provenance.model_copy(update={"run_at": "2031-01-01T00:00:00+00:00"})
    published.model_copy(update={"provenance": later}).write(output)
    moment = content_checksum(output / "results.json")
    assert moment == rows["results.json"].sha256  # the moment of the run does not count
    (output / "tables" / "table-01.csv").write_text("n,effet\n12,0.1\n", encoding="utf-8")
    assert content_checksum(output / "tables" / "table-01.csv") != table.sha256
    page = (output / "controle-fr.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page
    assert "Tous les fichiers passent" in page
    assert "Signature" in page
    assert table.sha256 in page
    english = (output / "check-en.html").read_text(encoding="utf-8")
    assert english.count("<tr>") == 1 + 2 + 1 + len(checked.rules)
    schema = json.loads((FOLDER / "outputs-1.json").read_text("utf-8"))
    written = json.loads((output / "controle.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(written)


def test_the_checkers_page_is_in_the_language_of_who_signs(
    output: Path, whole: StudyResults
) -> None:
    published = release(whole).results
    (output / "journal.log").write_text("Écrire à lea@exemple.fr", encoding="utf-8")
    checked = write_checker_page(output, published, ("fr", "en"))
    assert [(found.kind, found.n) for found in checked.outputs[0].found] == [(LeakKind.EMAIL, 1)]
    french = (output / "controle-fr.html").read_text(encoding="utf-8")
    body = french.split("<body")[1]
    assert "Fichiers sur des ménages" in body
    assert "1 fichier passe, mais demande l’accord d’une personne." in body
    assert "Des adresses électroniques (1)." in body
    assert "Un effectif de moins de 11 personnes" in body
    assert body.count("secret secondaire") == 1  # a rule is told once, not in every row
    for word in ("cells suppressed", "threshold", "menages", "email"):
        assert word not in body.replace("lea@exemple.fr", ""), word


def test_a_file_that_leaks_fails_and_a_lower_threshold_asks_for_a_person(
    output: Path, whole: StudyResults
) -> None:
    published = release(whole).results
    (output / "journal.log").write_text(HOME + "lea/x", encoding="utf-8")
    checked = write_checker_page(output, published, ("fr",))
    status = {row.name: row.status for row in checked.outputs}
    assert status == {"journal.log": "fail", "results.json": "pass"}
    lowered = published.disclosure.model_copy(update={"threshold": 5})
    other = published.model_copy(update={"disclosure": lowered})
    checked = write_checker_page(output, other, ("fr",))
    assert {row.name: row.status for row in checked.outputs} == {
        "journal.log": "fail", "results.json": "review",
    }  # fmt: skip


def test_a_small_count_in_a_table(output: Path, study: Study) -> None:
    (output / "table-01.csv").write_text("step,n\nlost,4\nkept,40\nother,withheld\n", "utf-8")
    found = find_leaks(output, study).leaks
    assert [(leak.kind, leak.file, leak.n) for leak in found] == [
        (LeakKind.SMALL_COUNT, "table-01.csv", 1)
    ]
