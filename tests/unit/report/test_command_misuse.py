"""A misuse of the command is told in the language of the user, with exit code 2."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

MISUSES = {
    "check": ("Il manque : DOSSIER.", "Missing: FOLDER."),
    "check --nope": ("L’option « --nope » n’existe pas.", "There is no option “--nope”."),
    "check here there": (
        "La commande comporte des mots en trop.",
        "The command has words in excess.",
    ),
    "run here --output": (
        "L’option « --output » demande une valeur.",
        "The option “--output” needs a value.",
    ),
    "portfolio one --output there": ("Il manque : --outcome.", "Missing: --outcome."),
}
ENGLISH = ("Missing argument", "No such", "Try '", "Got unexpected", "Error", "Usage")


@pytest.mark.parametrize("words", MISUSES)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_misuse_is_told_in_the_users_language(words: str, language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", *words.split()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "IMPACT_EVAL_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    told = re.sub("[\u00a0\u202f]", " ", done.stderr).splitlines()
    assert done.returncode == 2
    assert MISUSES[words][language == "en"] in told
    assert "Traceback" not in done.stderr
    if language == "fr":
        assert not [word for word in ENGLISH if word in done.stderr]
