"""The values that a finding, a refusal or a check may carry: for each name, its kind and its rule.

A sentence needs a few values (`n`, `share`, `names`…). They are declared here once, by name; where
one name means another thing under some code, the pair is declared. A name that is not here stays
inside: it does not reach a results file, let alone a reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from impact_eval.results.record_base import Rule

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]


class ValueKind(StrEnum):
    """What a value is made of."""

    COUNT = "count"  # a whole number, not negative
    NUMBER = "number"
    TEXT = "text"
    TEXTS = "texts"  # one text, or several
    FLAG = "flag"
    ANY = "any"  # a label of a period: a number or a text, one or several


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared of a value: its kind, and what the gate does with it."""

    kind: ValueKind
    rule: Rule


def _all(kind: ValueKind, rule: Rule, names: str) -> dict[str, Declared]:
    return dict.fromkeys(names.split("|"), Declared(kind, rule))


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


NAMES: Mapping[str, Declared] = MappingProxyType(
    {
        **_all(
            ValueKind.COUNT,
            Rule.PEOPLE,
            "n|of|lost|n_treated|n_comparison|n_after|n_before|dropped_before|n_controls",
        ),
        **_all(ValueKind.NUMBER, Rule.PEOPLE, "total|effective_n"),
        **_all(ValueKind.COUNT, Rule.CLUSTERS, "n_clusters|clusters"),
        **_all(
            ValueKind.COUNT,
            Rule.THINGS,
            "asked|attempts|draws|iterations|kept|n_items|n_pre|n_draws|n_periods|n_variables"
            "|n_large|n_notable|n_found|n_levels|parameters|pivot|position|restrictions|reversed"
            "|tried|width|tested|valued|dimensions|items|factors",
        ),
        **_all(ValueKind.NUMBER, Rule.STATISTIC, "estimate|effect|change|smallest|error|without"),
        **_all(
            ValueKind.NUMBER,
            Rule.RATIO,
            "alpha|alpha_other|ceiling|cfi|conf_high|conf_low|design_effect|dz|f|floor|high|highest"
            "|gap|largest|low|mean|p_value|reliability|rmsea|smallest_p|spread|srmr|statistic"
            "|value|by_chance",
        ),
        **_all(ValueKind.NUMBER, Rule.SHARE, "share|attrition|take_up|rate|overall"),
        **_all(ValueKind.NUMBER, Rule.AMOUNT, "amount|people|eligible"),
        **_all(
            ValueKind.NUMBER,
            Rule.FREE,
            "advised|allowed|anticipation|bound|df|least|level|limit|margin|most|needed|window"
            "|horizon|year|hours|expected|longest",
        ),
        **_all(
            ValueKind.TEXTS,
            Rule.LABEL,
            "item|names|variable|variables|line|lines|outcome|outcomes|instrument|norm|study"
            "|stakeholder|used|name|author|holder|moment|margins|term|terms|benchmark"
            "|category|scale|bases|covariance|file|lacking",
        ),
        **_all(ValueKind.TEXT, Rule.COLUMN, "column"),
        **_all(ValueKind.TEXTS, Rule.COLUMN, "columns"),
        **_all(
            ValueKind.TEXTS,
            Rule.CODE,
            "alternative|between|code|codes_of|declared|dates|encoding|estimator|evidence|extra"
            "|field|function|geography|guard|guards|index|inference|kind|kinds|law|mark|method"
            "|option|package|reached|reason|restriction|suspected|template|wording|by",
        ),
        **_all(
            ValueKind.FLAG, Rule.CODE, "balanced|blocks|stated|estimated|known|given|gained|exact"
        ),
        **_all(
            ValueKind.ANY,
            Rule.FREE,
            "cohort|cohorts|first|last|second|time|times|years|expires|order",
        ),
        **_all(ValueKind.ANY, Rule.LABEL, "wave|block|group|start|end"),
    }
)
_INSIDE = Declared(ValueKind.ANY, Rule.INSIDE)
_THINGS = Declared(ValueKind.COUNT, Rule.THINGS)
_CLUSTERS = Declared(ValueKind.COUNT, Rule.CLUSTERS)

# Codes whose `n` counts what are not people.
_OF_THINGS = _codes(
    "average_of_fewer|rows_without_effect|cohorts_not_balanced|event_times_unknown|cells_no_overlap"
    "|blank_columns_dropped|blank_rows_dropped|cells_not_identified|cells_not_imputable"
    "|cfa_not_identified|cfa_groups_differ|coded_both_ways|cohorts_outside_window|collinear_columns"
    "|constant_or_collinear_items|covariance_not_psd|event_times_dropped|header_rows_dropped"
    "|headers_joined|honest_gap|identifying_columns|index_weight_negative|invariance_few_items"
    "|items_not_balanced|periods_uneven|reference_of_cohorts|no_own_error|no_pre_period"
    "|one_arm_block|one_pre_period|margin_dealt"
    "|pretrends_rank|quality_general_factor|quality_improper|quality_read_dif"
    "|quality_read_item_fit|quality_read_parallel|quality_several_perhaps"
    "|quality_several_things|reference_period|restriction_too_tight"
    "|restrictions_singular|several_waves_pooled|title_rows_dropped|too_few_factors"
    "|too_few_imputations|too_few_items|too_few_periods_conformal|too_few_placebos"
    "|too_few_pre_periods|too_few_scales|too_many_categories|too_many_factors|too_many_rays"
    "|too_few_groups|dif_one_group|dif_two_groups_only|invariance_one_group|irt_needs_binary"
    "|synthetic_no_error|note_rows_dropped|stray_cells|tool_rows_dropped|far_cells"
    "|treatment_constant_within"
)
_OF_CLUSTERS = _codes(
    "few_clusters|few_treated_clusters|one_cluster_cohort|randomisation_cannot_reject"
    "|wild_cannot_reject"
    "|comparison_of_one_unit|territory_with_hole"
)
# Codes whose `n` counts everybody a number rests on, or all who are treated, and those whose `n`
# counts who was left out of the people of a result: with those people, they are everybody.
OF_EVERYONE = _codes(
    "quality_no_alpha|quality_nothing_common|quality_interval_wide|quality_floor|quality_ceiling"
    "|small_group_change|few_clusters"
)
OF_TREATED = _codes(
    "few_treated_units|few_treated_clusters|entry_between_waves|guard_people_beyond_study"
    "|declared_beyond_study|declared_beyond_alike"
)
OF_LEFT_OUT = _codes("missing_outcome|missing_pairs|always_treated_dropped")
# Amounts that are the `n` of their code times what is told elsewhere: they would give it back.
TIMES_COUNT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(_codes("declared_beyond_study|declared_beyond_alike"), ("low", "high"))
)
PAIRS: Mapping[tuple[str, str], Declared] = MappingProxyType(
    {
        **{(code, "n"): _THINGS for code in _OF_THINGS},
        **{(code, "n"): _CLUSTERS for code in _OF_CLUSTERS},
        ("no_residual_df", "n"): Declared(ValueKind.COUNT, Rule.PEOPLE),
        ("bootstrap_singular_draws", "n"): _THINGS,
        ("bootstrap_singular_draws", "total"): _THINGS,
        ("quality_read_dif", "of"): _THINGS,
        ("quality_read_item_fit", "of"): _THINGS,
        ("quality_read_hierarchical", "total"): Declared(ValueKind.NUMBER, Rule.RATIO),
        ("fewer_horizons", "found"): _THINGS,
        ("fewer_leads", "found"): _THINGS,
        ("headers_joined", "levels"): _THINGS,
        ("guard_overridden", "found"): Declared(ValueKind.TEXT, Rule.CODE),
        ("guard_overridden", "reason"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("outcome_left_out", "reason"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("outcome_left_out_alone", "reason"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("outcome_left_out", "share"): Declared(ValueKind.NUMBER, Rule.AMOUNT),
        ("guard_projected", "share"): Declared(ValueKind.NUMBER, Rule.AMOUNT),
        ("guard_one_line_dominates", "share"): Declared(ValueKind.NUMBER, Rule.AMOUNT),
        ("guard_attribution_over_one", "share"): Declared(ValueKind.NUMBER, Rule.AMOUNT),
        ("guard_one_outcome_dominates", "share"): Declared(ValueKind.NUMBER, Rule.AMOUNT),
        ("guard_left_out_for_its_result", "reason"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("share_made_uncertain", "column"): Declared(ValueKind.TEXT, Rule.CODE),
        ("guard_share_takes_all", "column"): Declared(ValueKind.TEXT, Rule.CODE),
        ("direction_against_study", "found"): Declared(ValueKind.TEXT, Rule.CODE),
        ("direction_against_study", "expected"): Declared(ValueKind.TEXT, Rule.CODE),
        **{
            (code, name): Declared(ValueKind.NUMBER, Rule.AMOUNT)
            for code in _codes("declared_beyond_study|declared_beyond_alike")
            for name in ("found", "low", "high")
        },
        ("duration_perhaps_months", "found"): Declared(ValueKind.TEXT, Rule.FREE),
        ("duration_without_unit", "found"): Declared(ValueKind.TEXT, Rule.FREE),
        ("map_rows_not_lines", "n"): _THINGS,
        ("map_defaults", "pairs"): Declared(ValueKind.TEXTS, Rule.FREE),
        ("parameter_changed", "found"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("sources_conflict", "others"): Declared(ValueKind.TEXTS, Rule.LABEL),
        ("constant_item", "value"): _INSIDE,
        ("recoded_by_label", "pairs"): Declared(ValueKind.TEXTS, Rule.FREE),
        ("coded_both_ways", "pairs"): Declared(ValueKind.TEXTS, Rule.FREE),
        ("quality_read_ends", "floor"): Declared(ValueKind.NUMBER, Rule.SHARE),
        ("quality_read_ends", "ceiling"): Declared(ValueKind.NUMBER, Rule.SHARE),
        ("labels_upside_down", "labels"): Declared(ValueKind.TEXTS, Rule.LABEL),
        ("always_treated", "first"): Declared(ValueKind.ANY, Rule.FREE),
        ("entry_between_waves", "first"): Declared(ValueKind.TEXT, Rule.FREE),
        ("entry_between_waves", "last"): Declared(ValueKind.TEXT, Rule.FREE),
        ("covariance_unknown", "first"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("covariance_unknown", "second"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("dif_small_group", "group"): _INSIDE,
        ("share_made_uncertain", "n"): _THINGS,
        **{
            (code, "column"): Declared(ValueKind.TEXT, Rule.CODE)  # of the map, not of the data
            for code in _codes(
                "share_made_uncertain|guard_share_takes_all|deadweight_on_net_effect"
                "|accounts_differ|account_other_setting"
            )
        },
        ("deadweight_on_net_effect", "share"): Declared(ValueKind.NUMBER, Rule.FREE),  # typed
        ("share_made_uncertain", "solidity"): Declared(ValueKind.TEXT, Rule.CODE),
        ("price_index_derived", "years"): Declared(ValueKind.ANY, Rule.FREE),
        ("same_data", "other"): Declared(ValueKind.TEXT, Rule.LABEL),
        ("account_other_setting", "found"): Declared(ValueKind.TEXT, Rule.FREE),
        ("account_other_setting", "needed"): Declared(ValueKind.TEXT, Rule.FREE),
    }
)


def declared(code: str, name: str) -> Declared:
    """Return what is declared of a value of a code; what nobody declared stays inside."""
    return PAIRS.get((code, name)) or NAMES.get(name) or _INSIDE


def fits(value: object, kind: ValueKind) -> bool:
    """Whether a value is of a kind; an empty one always is: withheld, or not known."""
    if value is None:
        return True
    if kind is ValueKind.FLAG:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return kind is ValueKind.ANY
    match kind:
        case ValueKind.COUNT:
            return isinstance(value, int) and value >= 0
        case ValueKind.NUMBER:
            return isinstance(value, (int, float))
        case ValueKind.TEXT:
            return isinstance(value, str)
        case ValueKind.TEXTS:
            parts = value if isinstance(value, tuple) else (value,)
            return all(isinstance(part, str) for part in parts)
        case _:
            return isinstance(value, (str, int, float, tuple))
