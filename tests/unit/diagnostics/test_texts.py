"""Every code a check or a rule can emit has its words in both languages."""

import re
from pathlib import Path

import pytest

from impact_eval.diagnostics import checks
from impact_eval.diagnostics.evidence import RAISES, RULES
from impact_eval.report.texts import own_folder, read_topics

OWN = ("pretrends", "balance", "attrition", "honest_did", "placebo", "leave_one_out",
       "anticipation", "composition", "overlap", "confounding", "few_clusters", "bacon",
       "negative_weights", "synthetic_fit")  # fmt: skip


@pytest.fixture(scope="module", params=("fr", "en"))
def keys(request: pytest.FixtureRequest) -> set[str]:
    return set(read_topics(own_folder(), request.param)[0])


def sources(root: Path) -> str:
    files = [*(root / "impact_eval/diagnostics").glob("*.py")]
    files += [root / f"impact_eval/stats/panels/{name}.py" for name in ("honest", "extreme_rays")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_names_questions_and_passing_sentences(keys: set[str]) -> None:
    for name in checks.names():
        if name in OWN:
            assert {f"check.{name}.{part}" for part in ("name", "question", "passed")} <= keys


def test_reasons_of_checks(keys: set[str], root: Path) -> None:
    text = sources(root)
    emitted = set(re.findall(r'(?:PASSED|WARNING|FAILED), "(\w+)"', text))
    emitted |= set(re.findall(r'reason="(\w+)"', text)) | {"honest_fragile", "honest_never_breaks"}
    written = {key.split(".")[2] for key in keys if key.startswith("check.")}
    assert emitted <= written


def test_reasons_why_not(keys: set[str], root: Path) -> None:
    text = sources(root)
    emitted = set(re.findall(r'NotApplicable\.because\(\s*"(\w+)"', text))
    emitted |= set(re.findall(r'not_applicable\(\s*\w*\.?code, "(\w+)"', text))
    missing = {code for code in emitted if f"reason.{code}.text" not in keys}
    assert not missing


def test_evidence_levels_reasons_and_raises(keys: set[str]) -> None:
    for level in range(5):
        assert {f"evidence.level_{level}.{p}" for p in ("name", "meaning", "wording")} <= keys
    binding = {
        f"{rule.check}_{answer.value}"
        for rule in RULES
        for answer in rule.answers
        if rule.cap < max(rule.ceilings)
    }
    binding -= {"balance_missing"} - keys
    for code in binding:
        lowers_three = any(
            rule.cap < 3 for rule in RULES if f"{rule.check}_" in code and rule.answers
        )
        assert lowers_three
        assert f"evidence_reason.{code}.text" in keys, code
        assert f"evidence_raise.{code}.text" in keys, code
    for raising in RAISES.values():
        assert {f"evidence_raise.{code}.text" for code in raising} <= keys
    assert "evidence_reason.design_ceiling.text" in keys


def test_findings_of_synthetic_designs(keys: set[str], root: Path) -> None:
    folder = root / "impact_eval"
    files = [*folder.glob("designs/synthetic*.py"), folder / "stats/panels/synthetic_inference.py"]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    emitted = set(re.findall(r'Finding\.\w+\(\s*"(\w+)"', text))
    emitted |= set(re.findall(r'because\(\s*"(\w+)"', text))
    assert len(emitted) > 8
    assert not {code for code in emitted if f"finding.{code}.text" not in keys}
    for method in ("synthetic_did", "synthetic_control"):
        assert {f"method.{method}.{p}" for p in ("name", "compares", "believes", "breaks")} <= keys
