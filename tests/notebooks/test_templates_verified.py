"""A folder made by each shipped template verifies, where it was written, by a true second run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from impact_eval.pipeline.edition_checks import recorded_template
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.templates import template_names
from impact_eval.pipeline.verification import verify

pytestmark = pytest.mark.long  # two runs by template


@pytest.mark.parametrize("template", template_names())
def test_what_a_template_makes_is_verified(template: str, root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "etude"
    ignored = shutil.ignore_patterns("sortie")
    shutil.copytree(root / "datasets" / "mobilite_bassins", folder, ignore=ignored)
    done = run(folder, output=tmp_path / "ailleurs" / "edition", template=template)
    assert recorded_template(done.folder) == template
    found = verify(done.folder, study=folder)
    assert found.verified, [str(one) for one in found.differences]
