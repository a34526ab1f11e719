"""Small random studies of invented people: what `evaluate` and the gate are held to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from small_studies import head

HEAD = (
    head("hasard", "Étude au hasard")
    + """rows_are = "{rows_are}"
[privacy]
profile = "{profile}"
"""
)
OUTCOMES = """[[outcomes]]
id = "emploi"
label = "Emploi"
column = "emploi"
unit = "{unit}"
primary = true
[[outcomes]]
id = "revenu"
label = "Revenu"
column = "revenu"
unit = "eur"
[[outcomes]]
id = "aide"
label = "Aide"
column = "allocation"
unit = "eur"
"""
SCORED = """[[outcomes]]
id = "humeur"
label = "Humeur"
instrument = "humeur"
unit = "score"
method = { name = "before_after" }
[[instruments]]
id = "humeur"
scale = "gad-7"
wave = "vague"
waves = ["T0", "T1"]
[instruments.data]
file = "questionnaire.csv"
[instruments.data.roles]
unit = "id"
time = "vague"
[instruments.items]
"""


@dataclass(frozen=True)
class Spec:
    """What a random study is made from."""

    seed: int
    n: int
    treated: int
    design: str  # "difference_in_means", "before_after", "did"
    yes: tuple[float, float]
    missing: float
    outlier: bool
    answers: int  # people of the questionnaire; 0 without one
    answers_missing: float
    territories: bool
    profile: str
    percent: bool


@st.composite
def specs(draw: st.DrawFn, *, small: bool = False) -> Spec:
    """Draw a study; `small` keeps to two groups and no questionnaire, for speed."""
    n = draw(st.integers(12, 60))
    designs = ["difference_in_means"] if small else ["difference_in_means", "before_after", "did"]
    territories = draw(st.booleans()) and not small
    return Spec(
        seed=draw(st.integers(0, 10_000)),
        n=n,
        treated=draw(st.integers(3, n - 3)),
        design="difference_in_means" if territories else draw(st.sampled_from(designs)),
        yes=(
            draw(st.sampled_from((0.03, 0.1, 0.3, 0.5, 0.9, 1.0))),
            draw(st.sampled_from((0.1, 0.4))),
        ),
        missing=draw(st.sampled_from((0.0, 0.03, 0.1, 0.3))),
        outlier=draw(st.booleans()),
        answers=0 if small else draw(st.sampled_from((0, 5, 12, 20, 30))),
        answers_missing=draw(st.sampled_from((0.0, 0.02, 0.1))),
        territories=territories,
        profile=draw(st.sampled_from(("menages", "menages", "caf", "sante"))),
        percent=draw(st.booleans()),
    )


def write_study(folder: Path, spec: Spec) -> Path:
    """Write the study file and its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    roles = '[data.roles]\nunit = "id"\n'
    if spec.design != "difference_in_means":
        roles += 'time = "vague"\n'
    if spec.design != "before_after":
        roles += 'treatment = "aide"\n'
    body = HEAD.format(
        profile=spec.profile, rows_are="territories" if spec.territories else "people"
    )
    body += roles + f'[method]\nname = "{spec.design}"\n'
    body += OUTCOMES.format(unit="percent" if spec.percent else "share")
    if spec.answers:
        body += SCORED + "\n".join(f'gad{k} = "q{k}"' for k in range(1, 8)) + "\n"
        (folder / "questionnaire.csv").write_text(_answers(spec), encoding="utf-8")
    (folder / "study.toml").write_text(body, encoding="utf-8")
    (folder / "donnees.csv").write_text(_table(spec), encoding="utf-8")
    return folder


def _table(spec: Spec) -> str:
    rng = np.random.default_rng(spec.seed)
    waves = ("",) if spec.design == "difference_in_means" else ("2023", "2024")
    income = np.round(rng.gamma(8, 150, spec.n), 2)
    if spec.outlier:
        income[0] = 98_765.43
    order = rng.permutation(spec.n)
    rows = ["id,vague,aide,emploi,revenu,allocation"]
    for j, wave in enumerate(waves):
        for i in range(spec.n):
            arm = int(order[i] < spec.treated)
            treated = arm if spec.design != "did" else arm * j
            rate = spec.yes[0] if arm and j == len(waves) - 1 else spec.yes[1]
            job = int(rng.random() < rate) * (100 if spec.percent else 1)
            cells = [job, income[i] + 30 * j * arm + round(rng.normal(0, 20), 2), income[i] / 2]
            told = ["" if rng.random() < spec.missing else f"{cell:.10g}" for cell in cells]
            rows.append(f"X{i:03d},{wave},{treated},{','.join(told)}")
    return "\n".join(rows) + "\n"


def _answers(spec: Spec) -> str:
    rng = np.random.default_rng(spec.seed + 1)
    level = rng.normal(size=spec.answers)
    rows = ["id,vague," + ",".join(f"q{k}" for k in range(1, 8))]
    for wave, shift in (("T0", 0.5), ("T1", 0.0)):
        for i in range(spec.answers):
            scores = np.clip(np.round(1.2 + level[i] + shift + rng.normal(size=7) * 0.6), 0, 3)
            told = ["" if rng.random() < spec.answers_missing else f"{int(s)}" for s in scores]
            rows.append(f"X{i:03d},{wave},{','.join(told)}")
    return "\n".join(rows) + "\n"
