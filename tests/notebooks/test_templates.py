"""The soft-outcome and social-value templates, on what people really send."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest
from one_process import without_kernel
from value_study import value_study

from impact_eval.pipeline.runner import run
from impact_eval.results.account_records import account_from_record

ITEMS = ["worth", "qualities", "failure", "able", "proud", "attitude", "satisfied", "respect",
         "useless", "no_good"]  # fmt: skip
EXPORTS = {
    "limesurvey_codes.csv": "RSES[SQ0{n:02d}]",
    "limesurvey_full_cp1252.csv": "À quel point êtes-vous d’accord ? [Affirmation n° {n}]",
    "google_forms_fr.csv": "À quel point êtes-vous d'accord ? [Affirmation n° {n}]",
    "kobo_xml_values.csv": "estime/rses_{n}",
    "suivi_asso.xlsx": "Estime de soi / Q{n}",
}
ANSWERS = ["Tout à fait en désaccord", "Plutôt en désaccord", "Plutôt en accord",
           "Tout à fait en accord"]  # fmt: skip
STUDY = """schema = "impact-eval/study/1"
[study]
id = "estime"
title = {{ fr = "Estime de soi des participants", en = "Self-esteem of participants" }}
territory = "51"
pillar = "emploi"
action = {{ fr = "Ateliers", en = "Workshops" }}
period = ["2024-01", "2024-12"]
[data]
file = "{file}"
[[outcomes]]
id = "estime"
label = {{ fr = "Estime de soi", en = "Self-esteem" }}
instrument = "estime"
unit = "score"
primary = true
[[instruments]]
id = "estime"
scale = "rses-fr"
[instruments.data]
file = "{file}"
[instruments.items]
{items}
"""


def reports(shared, folder, file):
    folder.mkdir()
    shutil.copyfile(shared / "data" / "messy" / file, folder / file)
    items = "\n".join(
        f"{item} = {json.dumps(EXPORTS[file].format(n=n), ensure_ascii=False)}"
        for n, item in enumerate(ITEMS, start=1)
    )
    (folder / "study.toml").write_text(STUDY.format(file=file, items=items), encoding="utf-8")
    if file == "limesurvey_codes.csv":  # AO01 alone could be the highest answer as well
        (folder / "limesurvey_codes.codes.toml").write_text(codebook(), encoding="utf-8")
    with without_kernel():  # how each file is scored is held here, not where
        return run(folder, template="soft_outcomes")


def codebook():
    """Return what the codes of the questionnaire mean, as its form says."""
    parts = ['schema = "impact-eval/codebook/1"']
    for n in range(1, 11):
        parts.append(f'[columns."{EXPORTS["limesurvey_codes.csv"].format(n=n)}"]')
        parts += [f'labels.{code} = "{words}"' for code, words in enumerate(ANSWERS, start=1)]
    return "\n".join(parts)


def file_notes(file: str) -> tuple[str, ...]:
    """Return what a report tells of how a file was read; of a clean one, nothing."""
    told = {
        "limesurvey_codes.csv": ("limesurvey_codes",),  # one reply was never sent
        "limesurvey_full_cp1252.csv": ("cp1252",),
        "suivi_asso.xlsx": ("suivi_asso",),
    }
    return told.get(file, ())


# the lines of a file that are no rows, and what reading it changed, in a box that names the file:
# each tool writes in its way
LINES = re.compile(
    r'<div class="tablebox"(?:(?!</div>).)*?<caption[^>]*>[^<]*[«“][^<]*\.(?:csv|xlsx)\b.*?</div>',
    re.DOTALL,
)
READING = re.compile(r'<div class="messages">\s*<h3>[^<]*\.(?:csv|xlsx)\b.*?</div>', re.DOTALL)


def body(html: str) -> str:
    """Return what a reader reads, without the fingerprints of the file."""
    text = re.sub(r"<(style|head)\b.*?</\1>", " ", html, flags=re.S)
    text = text[: min(text.index(f'id="{end}"') for end in ("codes", "provenance"))]
    text = READING.sub(" ", LINES.sub(" ", text))
    text = re.sub(r"\b(Tableau|Table) \d+\.", r"\1", text)  # the table of lines has a number
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    return re.sub(r"\((?:colonne|column) [^)]*\)", "", text)  # each tool names its columns its way


def test_five_exports_one_scored_report(shared, tmp_path):
    truth = pd.read_csv(shared / "data" / "messy" / "canonical.csv")
    expected = truth["rses_total_half_rule"].dropna()
    seen = {}
    for file in EXPORTS:
        done = reports(shared, tmp_path / file.replace(".", "_"), file)
        score = done.results.scores[0]
        assert score.n == len(expected), file
        pages = [path.read_text(encoding="utf-8") for path in done.reports]
        told = [READING.findall(page) for page in pages]
        assert [len(boxes) for boxes in told] == [len(file_notes(file))] * 2, file
        for note in file_notes(file):
            assert all(note in boxes[0] for boxes in told), file
        seen[file] = (
            score.model_dump(exclude={"findings", "codes"}),  # a file has words, or numbers
            [[(row.answer, row.points) for row in table.rows] for table in score.codes],
            *(body(page) for page in pages),
        )
    first = seen.pop("limesurvey_codes.csv")
    for file, found in seen.items():
        assert found == first, file


def follows(folder):
    """Hold that the ratio halves when the share of others displaced goes from 20 % to 60 %."""
    with without_kernel():
        before = run(folder, template="social_value")
    text = (folder / "carte.toml").read_text(encoding="utf-8")
    changed = text.replace('displacement = "20 %"', 'displacement = "60 %"')
    assert changed != text
    (folder / "carte.toml").write_text(changed, encoding="utf-8")
    with without_kernel():
        after = run(folder, template="social_value")
    assert not after.resumed, "a changed map is another computation"
    # the ledger holds it, where the report tells no ratio (no effect clear of zero) too
    accounts = [account_from_record(r.results.value) for r in (before, after)]
    ratios = [float(account.sroi().ratio) for account in accounts]
    assert ratios[1] == pytest.approx(ratios[0] / 2, rel=1e-9)
    for old, new in zip(before.reports, after.reports, strict=True):
        assert old == new
    balance = accounts[1].balance
    assert after.results.value.balance.closes
    assert balance.accounts == balance.social
    assert float(balance.transfers) == 0


def test_social_value_follows_one_changed_displacement(tmp_path):
    folder = value_study(tmp_path / "etude")
    text = (folder / "carte.toml").read_text(encoding="utf-8")
    line = "duration = 1\n"
    assert text.count(line) == 1
    told = text.replace(line, f'{line}displacement = "20 %"\n')
    (folder / "carte.toml").write_text(told, encoding="utf-8")
    follows(folder)


def _keep_one_in_three(folder):
    """Leave a third of the people, and the report of one language."""
    rows = pd.read_csv(folder / "donnees.csv", dtype=str)
    kept = rows["id"].str[1:].astype(int) % 3 == 0
    rows[kept].to_csv(folder / "donnees.csv", index=False)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    changed = text.replace('languages = ["fr", "en"]', 'languages = ["fr"]')
    assert changed != text
    (folder / "study.toml").write_text(changed, encoding="utf-8")


@pytest.mark.long  # the same of a study with dates of entry, questionnaires and benefits
def test_the_value_of_a_whole_study_follows_one_changed_displacement(dataset):
    folder = dataset("mobilite_bassins")
    _keep_one_in_three(folder)  # the ratio follows whatever the estimate is
    follows(folder)
