"""What the section of a scale says: which way is better, what is kept back, what is not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_studies import study_in

from impact_eval import evaluate
from impact_eval.report.blocks import Messages, Note, Paragraph, Table
from impact_eval.report.narrative_soft import soft_outcome_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults

BODY = """[data.roles]
unit = "id"
time = "vague"
[[outcomes]]
id = "anxiete"
label = "Anxiété"
instrument = "ons"
part = "anxious"
unit = "score"
primary = true
method = { name = "before_after" }
[[instruments]]
id = "ons"
scale = "ons4"
wave = "vague"
waves = ["T0", "T1"]
data = { file = "donnees.csv", roles = { unit = "id", time = "vague" } }
items = { satisfied = "a", worthwhile = "b", happy = "c", anxious = "d" }
[[instruments]]
id = "seul"
scale = "ucla-3"
wave = "vague"
waves = ["T0", "T1"]
data = { file = "donnees.csv", roles = { unit = "id", time = "vague" } }
items = { companionship = "e", left_out = "f", isolated = "g" }
"""


def rows(n: int = 120) -> list[str]:
    """Every satisfaction but a few is middling; anxiety and loneliness take all their levels."""
    rng = np.random.default_rng(3)
    out = ["id,vague,a,b,c,d,e,f,g"]
    for i in range(n):
        for wave in ("T0", "T1"):
            few = 1 if i < 3 else int(rng.integers(5, 11))
            lone = int(rng.integers(1, 4))
            out.append(f"P{i},{wave},{few},{few},{few},{rng.integers(0, 11)},{lone},{lone},{lone}")
    return out


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder: Path = tmp_path_factory.mktemp("ons")
    return release(evaluate(study_in(folder, BODY, rows()))).results


def plain(text: str) -> str:
    return re.sub(r"\s", " ", text)


def sentences(results: StudyResults, language: str = "fr") -> Iterator[str]:
    texts = Texts(language)
    for block in soft_outcome_blocks(results):
        if isinstance(block, Paragraph):
            yield plain(" ".join(texts.words(words) for words in block.words))
        elif isinstance(block, Note):
            yield plain(texts.words(block.words))
        elif isinstance(block, Table):
            yield plain(texts.words(block.caption))
        elif isinstance(block, Messages):
            yield from (plain(texts.words(item)) for item in block.items)


def test_each_part_says_which_way_is_better(results: StudyResults) -> None:
    told = list(sentences(results))
    (happy,) = (t for t in told if "bonheur hier » a évolué" in t)
    (anxious,) = (t for t in told if "anxiété hier » a évolué" in t)
    assert happy.endswith("Un score plus haut est meilleur.")
    assert anxious.endswith("Un score plus bas est meilleur.")


def test_a_total_that_is_never_made_is_not_said_withheld(results: StudyResults) -> None:
    told = " ".join(sentences(results))
    assert "ne s’additionnent pas" in told
    assert "les chiffres de cette échelle ne sont pas publiés" not in told
    (whole,) = (score for score in results.scores if score.id == "ons")
    assert whole.low is None
    assert whole.high is None


def test_levels_kept_back_are_said_so(results: StudyResults) -> None:
    told = list(sentences(results))
    assert any("satisfaction dans la vie » : les nombres de personnes par niveau" in t
               for t in told)  # fmt: skip
    assert any("Solitude (trois questions) » : où se situent" in t for t in told)


@pytest.mark.parametrize(
    ("language", "population", "unread"),
    [("fr", "Angleterre, personnes de 52 ans ou plus", "À vérifier"),
     ("en", "England, people aged 52 or over", "To be checked")],
)  # fmt: skip
def test_a_level_that_was_not_read_says_so_on_its_own_line(
    results: StudyResults, language: str, population: str, unread: str
) -> None:
    (line,) = (t for t in sentences(results, language) if population in t)
    assert "Steptoe" in line
    assert unread in line


def test_a_scale_kept_back_says_it_once(tmp_path: Path) -> None:
    few = release(evaluate(study_in(tmp_path, BODY, rows(8)))).results
    told = [t for t in sentences(few) if t.startswith("« Solitude")]
    assert any("les chiffres de cette échelle ne sont pas publiés" in t for t in told)
    assert not any("les nombres de personnes par niveau" in t for t in told)


def test_the_limit_of_one_person_is_explained_once(tmp_path: Path) -> None:
    """Its source is that of the total; the parts only give their own number."""
    rng, items = np.random.default_rng(5), range(1, 13)
    lines = ["id,vague," + ",".join(f"q{k}" for k in items)]
    for i in range(80):
        level = rng.normal()
        for wave in ("T0", "T1"):
            marks = np.clip(np.round(4 + level + rng.normal(size=12)), 1, 7).astype(int)
            lines.append(f"P{i},{wave}," + ",".join(map(str, marks)))
    columns = ", ".join(f'mspss{k} = "q{k}"' for k in items)
    body = (
        BODY.partition("[[instruments]]")[0].replace('part = "anxious"\n', "")
        + f"""
[[instruments]]
id = "ons"
scale = "mspss"
wave = "vague"
waves = ["T0", "T1"]
data = {{ file = "donnees.csv", roles = {{ unit = "id", time = "vague" }} }}
items = {{ {columns} }}
"""
    )
    told = list(sentences(release(evaluate(study_in(tmp_path, body, lines))).results))
    assert sum("peut venir du hasard des réponses" in t for t in told) == 1
    assert sum("cette limite est de" in t for t in told) == 3


OWN = """
id = "ons4"
name = { fr = "Notre échelle", en = "Our scale" }
direction = "higher_is_better"
low = 0
high = 10
items = [{ id = "a" }, { id = "b" }]
[scoring]
rule = "sum"
missing = { least = 2, source = "Choix de l’équipe" }
"""


def test_a_users_own_scale_bears_its_own_name(tmp_path: Path) -> None:
    """It may have the identifier of a scale of the catalogue: it is not called as that one."""
    part = """[[instruments]]
id = "notre"
scale = "ons4"
definition = "notre.toml"
wave = "vague"
waves = ["T0", "T1"]
data = { file = "donnees.csv", roles = { unit = "id", time = "vague" } }
items = { a = "d", b = "e" }
"""
    (tmp_path / "notre.toml").write_text(OWN, encoding="utf-8")
    results = release(evaluate(study_in(tmp_path, BODY + part, rows(60)))).results
    (score,) = (score for score in results.scores if score.id == "notre")
    assert score.local
    assert score.name is not None
    assert (score.name.fr, score.name.en) == ("Notre échelle", "Our scale")
    assert any(t.startswith("« Notre échelle » a évolué") for t in sentences(results))
