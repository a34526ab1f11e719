"""A scale whose numbers contradict one another is refused when it is read, each by its name."""

from __future__ import annotations

import pytest

from impact_eval import ImpactEvalError
from impact_eval.report.texts import Texts
from impact_eval.survey.instrument_file import instruments, parse_instrument

SCALE = """
schema = "impact-eval/instrument/1"
id = "essai"
version = "2026.1"
language = "fr"
construct = "social_support"
direction = "higher_is_better"
low = 1
high = 4
health = false
citation = "Nobody (2026)."
items = [{ id = "a" }, { id = "b", reversed = true }, { id = "c" }]
responses = [{ code = 1, fr = ["Non"] }, { code = 2, fr = ["Peu"] }, { code = 4, fr = ["Oui"] }]
cutoffs = [
  { id = "faible", low = 3, high = 6, source = "S", population = "P", year = 2006 },
  { id = "fort", low = 7, high = 12, source = "S", population = "P", year = 2006 },
]
change = [{ kind = "mcid", value = 2, source = "S" }]

[scoring]
rule = "sum"
low = 3
high = 12
missing = { least = 2, source = "S" }

[rights]
wording = "A"
terms = "Free"
"""
FAULTS = {
    "code out of range": ("code = 4", "code = 5", "answer_out_of_range"),
    "code twice": ("code = 4", "code = 2", "answer_given_twice"),
    "words twice": ('fr = ["Oui"]', 'fr = ["non"]', "answer_given_twice"),
    "empty words": ('fr = ["Oui"]', 'fr = [""]', "answer_without_words"),
    "empty wording": ('{ id = "a" }', '{ id = "a", text = { fr = " " } }', "answer_without_words"),
    "more answers than items": ("least = 2", "least = 9", "least_over_items"),
    "range of another scale": ("low = 3\nhigh = 12", "low = 0\nhigh = 12", "score_range_differs"),
    "range of a sum for a mean": ('rule = "sum"', 'rule = "mean"', "score_range_differs"),
    "range crossed": ("low = 3\nhigh = 12", "low = 12\nhigh = 3", "empty_range"),
    "cut-off crossed": ("low = 3, high = 6", "low = 6, high = 3", "cutoff_out_of_range"),
    "cut-off beyond the score": ("high = 12, source", "high = 30, source", "cutoff_out_of_range"),
    "cut-offs that overlap": ("low = 7", "low = 6", "cutoffs_overlap"),
    "cut-offs of one name": ('id = "fort"', 'id = "faible"', "cutoffs_overlap"),
    "year of five digits": ("year = 2006 },\n]", "year = 20255 },\n]", "fact_year_out_of_range"),
    "change beyond the score": ("value = 2", "value = 40", "change_over_range"),
    "text for a bound": ("low = 1\n", 'low = "1"\n', "wrong_type"),
    "yes for a bound": ("low = 1\n", "low = true\n", "wrong_type"),
    "text for yes": ("reversed = true", 'reversed = "yes"', "wrong_type"),
    "number for yes": ("health = false", "health = 0", "wrong_type"),
    "text for a year": ("year = 2006 },\n]", 'year = "2006" },\n]', "wrong_type"),
}


def test_the_scale_is_right_before_it_is_spoilt() -> None:
    assert parse_instrument(SCALE, file="essai.toml", local=False).scoring.high == 12


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_refused_with_its_place(name: str, local: bool) -> None:
    old, new, code = FAULTS[name]
    assert old in SCALE
    with pytest.raises(ImpactEvalError) as refusal:
        parse_instrument(SCALE.replace(old, new, 1), file="essai.toml", local=local)
    assert code in refusal.value.codes
    assert all(f.place is not None and f.place.key for f in refusal.value.findings)
    assert all(f"finding.{code}" in Texts(language) for language in ("fr", "en"))


def test_two_sources_may_cut_a_score_in_two_ways() -> None:
    other = '{ id = "haut", low = 5, high = 12, source = "T", population = "Q", year = 2010 },\n]'
    text = SCALE.replace("]\nchange", f"  {other}\nchange", 1)
    assert len(parse_instrument(text, file="essai.toml", local=False).cutoffs) == 3


def test_the_catalogue_passes() -> None:
    assert len(instruments()) >= 25
