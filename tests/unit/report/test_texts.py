"""The catalogues: same keys and placeholders, every message renders, codes used are written."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable, Place
from impact_eval.report.formats import FORMAT_NAMES, MISSING
from impact_eval.report.texts import (
    Text,
    Texts,
    own_folder,
    placeholders,
    read_topics,
    render_error,
    user_language,
)
from impact_eval.report.typography import typography_fr

FR, EN = Texts("fr"), Texts("en")

# English words that are not French words either.
LEAKS = re.compile(
    r"\b(?:"
    "the|of|and|with|from|for|which|this|that|are|not|have|been|will|must|should|"
    "their|these|your|you|data|set|file|row|rows|column|sample|size|treated|outcome|"
    "effect|estimate|unknown|missing|value|values|each|more|less|than|between|into"
    r")\b"
)
FINDING_MAKERS = {"error", "warning", "info"}


def sample_values(text: Text) -> dict[str, object]:
    samples: dict[str | None, object] = {"list": ("a", "b"), "date": "2026-11-23"}
    return {name: samples.get(fmt, 3) for name, fmt in placeholders(text)}


def test_both_languages_have_the_same_keys() -> None:
    assert sorted(set(FR.codes()) ^ set(EN.codes())) == []


def test_both_languages_have_the_same_placeholders() -> None:
    differ = [
        key
        for key in FR.codes()
        if key in EN.codes()
        and {n for n, _ in placeholders(FR.source(key))}
        != {n for n, _ in placeholders(EN.source(key))}
    ]
    assert differ == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_key_is_written_twice(language: str) -> None:
    _, clashes = read_topics(own_folder(), language)
    assert clashes == ()


@pytest.mark.parametrize("texts", [FR, EN], ids=("fr", "en"))
def test_every_message_renders(texts: Texts) -> None:
    for key in texts.codes():
        source = texts.source(key)
        assert {fmt for _, fmt in placeholders(source)} <= {*FORMAT_NAMES, None}, key
        said = texts.say(key, **sample_values(source))
        assert said, key
        assert not re.search(r"[{}]", said), key


def test_french_typography_holds_in_what_is_said() -> None:
    for key in FR.codes():
        said = FR.say(key, **sample_values(FR.source(key)))
        assert typography_fr(said) == said, key
        assert "'" not in re.sub(r"\W'|'\W", "", said), key


def test_no_english_leaks_into_french() -> None:
    found = {}
    for key in FR.codes():
        words = re.sub(r"\{[^}]*\}|«[^»]*»|`[^`]*`|\w+_\w+", " ", FR.source(key).many).lower()
        leaks = LEAKS.findall(words)
        if leaks:
            found[key] = leaks
    assert found == {}


def codes_used(root: Path) -> dict[str, str]:
    """Finding and reason codes that appear as literals in the source, with their file."""
    found: dict[str, str] = {}
    for path in sorted((root / "impact_eval").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            if not (isinstance(owner, ast.Name) and node.args):
                continue
            code = node.args[0]
            if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
                continue
            if owner.id == "Finding" and node.func.attr in FINDING_MAKERS:
                found[f"finding.{code.value}"] = path.name
            if owner.id == "NotApplicable" and node.func.attr == "because":
                found[f"reason.{code.value}"] = path.name
    return found


def test_every_code_used_is_written(root: Path) -> None:
    missing = {c: f for c, f in codes_used(root).items() if c not in FR or c not in EN}
    assert missing == {}


def words_used(root: Path) -> set[str]:
    """Literal codes passed to `say(...)` and `texts.say(...)` on the report floor."""
    found: set[str] = set()
    for path in (root / "impact_eval" / "report").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            code = node.args[0]
            if name in ("say", "pick") and isinstance(code, ast.Constant):
                found.add(str(code.value))
    for path in (root / "impact_eval" / "report" / "templates").glob("*.j2"):
        found |= set(re.findall(r'say\(["\']([a-z0-9_.]+)["\']', path.read_text("utf-8")))
    return found


def test_every_word_the_report_uses_is_written(root: Path) -> None:
    used = words_used(root)
    assert len(used) > 100
    assert sorted(code for code in used if code not in FR) == []


def test_plural_follows_each_language() -> None:
    assert "lignes ont" in FR.say("flow.lost", n=2)
    assert "ligne a" in FR.say("flow.lost", n=0)
    assert "rows were" in EN.say("flow.lost", n=0)
    assert "row was" in EN.say("flow.lost", n=1)


def test_p_values_read_well() -> None:
    folder_text = FR.say("number.p", x=0.0001)
    assert folder_text == "moins de 0,001"


def test_an_unknown_text_is_refused_with_the_nearest() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        FR.say("sentence.level1.upp")
    assert caught.value.codes == ("unknown_text",)
    assert caught.value.findings[0].values["nearest"] is not None


def test_a_missing_value_is_refused_by_name() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        FR.say("finding.unknown_name")
    assert caught.value.codes == ("missing_text_value",)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        Texts("de")
    assert caught.value.codes == ("unknown_language",)


def test_an_error_is_told_in_five_parts() -> None:
    error = ImpactEvalError(
        [
            Finding.error(
                "unknown_name",
                Place(file="étude.toml", key="method.name"),
                kind="design",
                name="didd",
                nearest="did",
                known=("did", "twfe"),
            ),
            Finding.error("option_out_of_range", option="level", value=2, low=0, high=1),
        ]
    )
    told = render_error(error, "fr")
    for part in ("2 erreurs", "didd", "étude.toml", "method.name", "did", "Pour corriger", "level"):
        assert part in told
    assert "Did you mean" in render_error(error, "en")


def test_an_error_without_text_still_shows_its_values() -> None:
    told = render_error(ImpactEvalError(Finding.error("never_written", n=3)), "fr")
    assert "never_written" in told
    assert "3" in told


def test_reasons_and_labels_never_fail() -> None:
    assert "ligne" in FR.reason(NotApplicable.because("no_testable_row"))
    assert "xyz" in FR.reason(NotApplicable.because("xyz", n=1))
    assert FR.label("ma_colonne") == "ma_colonne"
    assert FR.label("estimate") == "Estimation"


def test_values_of_users_are_never_changed() -> None:
    said = FR.say("finding.unknown_name", kind="design", name="l'eau: {x}")
    assert "l'eau: {x}" in said


def test_words_nest_and_pick_a_language() -> None:
    words = {"code": "error.nearest", "values": {"name": {"fr": "emploi", "en": "work"}}}
    assert "emploi" in FR.words(words)
    assert "work" in EN.words(words)
    assert EN.words({"fr": "seul"}) == "seul"
    assert FR.words(None) == MISSING


def test_another_package_brings_its_texts(tmp_path: Path) -> None:
    for language, text in (("fr", "Bonjour !"), ("en", "Hello!")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "mine.toml").write_text(
            f'[method.mine]\nname = "{text}"\n', encoding="utf-8"
        )
    assert Texts("fr", extra=[tmp_path]).say("method.mine.name") == "Bonjour\u202f!"
    (tmp_path / "fr" / "mine.toml").write_text('[error]\nhead = "x"\n', encoding="utf-8")
    with pytest.raises(ImpactEvalError) as caught:
        Texts("fr", extra=[tmp_path])
    assert caught.value.codes == ("duplicate_text",)


def test_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMPACT_EVAL_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert user_language() == "fr"
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert user_language() == "fr"
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert user_language() == "en"
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert user_language() == "en"
    monkeypatch.setenv("IMPACT_EVAL_LANGUAGE", "fr")
    assert user_language() == "fr"
    monkeypatch.setenv("IMPACT_EVAL_LANGUAGE", "english")
    assert user_language() == "en"


def test_a_language_may_have_a_code_of_three_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impact_eval.report.texts.language_codes", lambda: ("fr", "en", "gsw"))
    for name in ("IMPACT_EVAL_LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for told in ("gsw", "gsw_CH.UTF-8", "gsw@euro"):
        monkeypatch.setenv("LANG", told)
        assert user_language() == "gsw"
    monkeypatch.setenv("LANG", "POSIX")
    assert user_language() == "fr"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_finding_holds_only_what_is_shown(root: Path, language: str) -> None:
    """A part under a name that nobody reads would be silence: `fix` for `repair`, say."""
    read = {"text", "text_one", "plural", "repair", "why", "expected", "noted", "untold"}
    unread = {
        f"{path.name}: {code}.{part}"
        for path in (root / "impact_eval" / "report" / "locale" / language).glob("*.toml")
        for code, parts in tomllib.loads(path.read_text("utf-8")).get("finding", {}).items()
        for part in parts
        if part not in read
    }
    assert unread == set()
