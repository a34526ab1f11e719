"""Real French roll-outs and the reference panel, through the study file and the steps."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.study import Study
from impact_eval.report.html import render_html
from impact_eval.report.narrative import report_blocks

ROWS = {"garantie_jeunes": "cas_garantie_jeunes_chomage_trim_2011_2015",
        "rsa_renove": "cas_rsa_renove_foyers_rsa_2019_2024",
        "rsa_2007": "cas_rsa_experimental_rmi_2002_2008"}  # fmt: skip
CAUSAL = {
    "fr": r"attribuable à l’action|effet de l’action(?! sur)|grâce à|a permis|a fait |a réduit",
    "en": r"attributable to the action|effect of the action(?! on)|thanks to|caused|has reduced",
}


def text_of(html: str) -> str:
    body = re.sub(r"<(style|head)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.mark.parametrize("name", ROWS)
def test_reference_and_honest_reading(french_case, shared, name):
    table = pd.read_csv(shared / "data" / "fr" / "references_did_reelles.csv")
    rows = table[table["jeu"] == ROWS[name]]
    cs = rows[rows["estimateur"].str.contains("base g-1|une cohorte")].iloc[0]
    twfe = rows[rows["estimateur"].str.contains("TWFE")].iloc[0]
    found = evaluate(Study.read(french_case(name)))
    main = found.primary.headline
    # the reference prints five decimals, and four of its standard error
    assert main.estimate == pytest.approx(cs["estimation"], abs=6e-6)
    assert main.std_error == pytest.approx(cs["erreur_type"], abs=6e-5)
    outcome = found.primary.outcome
    assert found.of(outcome, "naive").headline.estimate == pytest.approx(
        twfe["estimation"], abs=6e-6
    )
    assert found.primary.evidence.level <= 2, "an honest reading stays below attribution"
    blocks = report_blocks(found)
    for language, pattern in CAUSAL.items():
        said = text_of(render_html(blocks, {"title": "x"}, language))
        assert not re.search(pattern, said), re.search(pattern, said)


@pytest.mark.parametrize(
    ("reference_name", "options", "covariates"),
    [
        ("did_mpdta_never_nocov", 'control_group = "never_treated"', ""),
        ("did_mpdta_never_lpop_dr", 'control_group = "never_treated"', 'covariates = ["lpop"]'),
        ("did_mpdta_notyet_lpop_dr", 'control_group = "not_yet_treated"', 'covariates = ["lpop"]'),
    ],
)
def test_mpdta(mpdta_study, reference, reference_name, options, covariates):
    expected = reference(f"causal/{reference_name}")["results"]
    found = evaluate(Study.read(mpdta_study(options, covariates)))
    cells = found.of("lemp", "cells").to_estimate()
    np.testing.assert_allclose(cells.estimates, expected["att"], atol=1e-6)
    errors = [e.std_error for e in cells.effects]
    np.testing.assert_allclose(errors, expected["se"], rtol=1e-5)
    main = found.primary.headline
    assert main.estimate == pytest.approx(expected["agg_simple"]["overall_att"], abs=1e-6)
    assert main.std_error == pytest.approx(expected["agg_simple"]["overall_se"], rel=1e-5)
    event = found.of("lemp", "event").to_estimate()
    at = {int(e.time): e for e in event.effects if e.time is not None}
    dynamic = expected["agg_dynamic"]
    for time, att, se in zip(dynamic["at"], dynamic["att"], dynamic["se"], strict=True):
        assert at[time].estimate == pytest.approx(att, abs=1e-6)
        assert at[time].std_error == pytest.approx(se, rel=1e-5)
