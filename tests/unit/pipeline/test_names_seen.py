"""A name that holds what nobody sees is refused in words; a free text is shown without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_studies import arms, head, work

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.study import Study

STUDY = head() + arms() + work()
ROWS = "id,aide,emploi\n" + "".join(f"{i},{i % 2},{i % 3 % 2}\n" for i in range(40))


def study(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "donnees.csv").write_text(ROWS, encoding="utf-8")
    return folder


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\u00ad", "\ufeff", "\u2066", "\u3164"])
@pytest.mark.parametrize(
    ("usual", "written"),
    [
        ('treatment = "aide"', 'treatment = "ai{}de"'),
        ('file = "donnees.csv"', 'file = "don{}nees.csv"'),
        ('column = "emploi"', 'column = "emploi{}"'),
    ],
)
def test_an_unseen_sign_in_a_name_is_refused(
    tmp_path: Path, usual: str, written: str, sign: str
) -> None:
    assert usual in STUDY
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(study(tmp_path, STUDY.replace(usual, written.format(sign))))
    assert "invisible_characters" in refused.value.codes
    told = str(refused.value)
    assert f"U+{ord(sign):04X}" in told
    assert sign not in told


def test_names_in_other_scripts_and_pictures_are_names(tmp_path: Path) -> None:
    for name in ("زیست\u200cمحیط", "❤\ufe0f aide", "Taux\u00a0%"):
        text = STUDY.replace('column = "emploi"', f'column = "{name}"')
        with pytest.raises(ImpactEvalError) as refused:
            Study.read(study(tmp_path, text))
        assert refused.value.codes == ("missing_column",)
