"""The results of a partner, damaged in every way: refused with the file's name, or read right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_studies import TWO_GROUPS, study_in, two_groups

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.territory_account import consolidate_studies
from impact_eval.portfolio.portfolio import Portfolio
from impact_eval.results.records import StudyResults

Damage = Callable[[str], bytes]
OUTCOME = "emploi"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    return evaluate(study_in(tmp_path_factory.mktemp("partner"), TWO_GROUPS, two_groups()))


def changed(change: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(text: str) -> bytes:
        data = json.loads(text)
        change(data)
        return json.dumps(data).encode()

    return damage


def put(path: str, value: object) -> Damage:
    """Return the damage that writes a value at a place of the results."""

    def change(data: Any) -> None:
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
        for step in steps:
            data = data[step]
        data[last] = value

    return changed(change)


def without(key: str) -> Damage:
    return changed(lambda data: data.pop(key))


def cut(part: int) -> Damage:
    return lambda text: text.encode()[: len(text.encode()) * part // 13]


def replaced(old: str, new: str) -> Damage:
    def damage(text: str) -> bytes:
        assert old in text
        return text.replace(old, new, 1).encode()

    return damage


EFFECT = "estimates.0.estimate.effects.0"
REFUSED: dict[str, Damage] = {
    **{f"cut at {part} of 13": cut(part) for part in range(1, 13)},
    "empty": lambda _: b"",
    "nulls": lambda text: bytes(len(text)),
    "utf-16": lambda text: text.encode("utf-16"),
    "latin letter": lambda text: text.encode().replace(b"Essai", b"Ess\xe9", 1),
    "no number": replaced('"std_error": ', '"std_error": NaN, "x": '),
    "infinity": replaced('"std_error": ', '"std_error": 1e400, "x": '),
    "key twice": replaced('"study": {', '"study": {}, "study": {'),
    "huge integer": put(f"{EFFECT}.n_treated", 10**400),
    "five thousand digits": replaced('"n_treated": ', '"n_treated": ' + "9" * 5_000),
    "half a character": put("study.title.fr", "Essai \ud800"),
    "escape": put("study.title.fr", "Essai \x1b[2J"),
    "null character": put("study.id", "es\x00sai"),
    "half a character in a key": put("dossier", {"\udfff": {}}),
    "brackets": lambda _: b"[" * 100_000,
    "nested": put("findings", json.loads("[" * 500 + "]" * 500)),
    "a list": lambda text: b"[" + text.encode() + b"]",
    "a text for a number": put(f"{EFFECT}.estimate", "0,12"),
    "a number for a text": put("study.title.fr", 3),
    "a list for a table": put("study", []),
    "negative error": put(f"{EFFECT}.std_error", -0.1),
    "no study": without("study"),
    "no estimates": without("estimates"),
    "no disclosure": without("disclosure"),
    "two documents": lambda text: (text + text).encode(),
}
SAME: dict[str, Damage] = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "only ascii": lambda text: json.dumps(json.loads(text), ensure_ascii=True).encode(),
}


def test_there_are_36_corruptions_at_least() -> None:
    assert len(REFUSED) >= 36


@pytest.mark.parametrize("name", REFUSED)
def test_a_damaged_file_is_refused_by_name(name: str, whole: StudyResults, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(REFUSED[name](whole.to_json()))
    with pytest.raises(ImpactEvalError) as refused:
        StudyResults.read(path)
    assert "results.json" in str(refused.value)
    str(refused.value).encode()
    with pytest.raises(ImpactEvalError) as refused:
        Portfolio.read([path])
    assert "results.json" in str(refused.value)


@pytest.mark.parametrize("name", SAME)
def test_another_way_to_write_it_is_read_the_same(
    name: str, whole: StudyResults, tmp_path: Path
) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(SAME[name](whole.to_json()))
    assert StudyResults.read(path).to_dict() == whole.to_dict()


def partners(folder: Path, whole: StudyResults, good: int) -> None:
    for i in range(good):
        data = whole.to_dict()
        assert isinstance(data["study"], dict)
        assert isinstance(data["data"], dict)
        data["study"]["id"], data["data"]["sha256"] = f"bon-{i}", f"{i + 1:064x}"
        (folder / f"bon-{i}").mkdir()
        (folder / f"bon-{i}" / "results.json").write_text(json.dumps(data), encoding="utf-8")
    for i, damage in enumerate(REFUSED.values()):
        (folder / f"abime-{i}").mkdir()
        (folder / f"abime-{i}" / "results.json").write_bytes(damage(whole.to_json()))


def test_a_portfolio_leaves_the_bad_files_and_says_which(
    whole: StudyResults, tmp_path: Path
) -> None:
    partners(tmp_path, whole, good=3)
    files = consolidate_studies(
        [tmp_path / "*" / "results.json"], outcome=OUTCOME, output=tmp_path / "ensemble"
    )
    told = json.loads(next(f for f in files if f.suffix == ".json").read_text("utf-8"))
    assert len(told["studies"]) == 3
    left = [f["values"]["file"] for f in told["findings"] if f["code"] == "results_refused"]
    assert sorted(left) == sorted(f"abime-{i}/results.json" for i in range(len(REFUSED)))


@pytest.mark.parametrize("good", [0, 1])
def test_the_command_refuses_in_words_when_one_or_none_is_left(
    whole: StudyResults, tmp_path: Path, good: int
) -> None:
    partners(tmp_path, whole, good=good)
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", "portfolio",
         str(tmp_path / "*" / "results.json"), "--outcome", OUTCOME,
         "--output", str(tmp_path / "ensemble")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert not (tmp_path / "ensemble").exists()
