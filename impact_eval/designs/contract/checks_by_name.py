"""All the checks of the battery, by name, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from impact_eval.designs.base import Design
from impact_eval.designs.contract.arithmetic import (
    check_affine_outcome,
    check_missing_outcomes_counted,
    check_sign_flip,
    check_weight_is_row_twice,
    check_weight_scale,
)
from impact_eval.designs.contract.counting import check_counts
from impact_eval.designs.contract.covariance_asked import check_covariance_asked
from impact_eval.designs.contract.few_told import check_few_told
from impact_eval.designs.contract.findings_kept import check_findings_kept
from impact_eval.designs.contract.heeding import check_no_inert_option, check_roles_are_heeded
from impact_eval.designs.contract.invariances import (
    check_deterministic,
    check_inputs_unchanged,
    check_order_and_labels,
    check_sample_unchanged,
)
from impact_eval.designs.contract.refusing import check_bad_input, check_denied_is_refused
from impact_eval.designs.contract.reporting import (
    check_inference_is_of_the_error,
    check_influence,
    check_result_shape,
    check_undefined_has_reason,
)
from impact_eval.designs.contract.simulated import (
    check_error_is_the_spread,
    check_size_and_coverage,
    check_truth_is_recovered,
)
from impact_eval.designs.contract.writing import check_outcomes_apart, check_written_otherwise

CHECKS: Mapping[str, Callable[[type[Design]], None]] = MappingProxyType(
    {
        "inputs_unchanged": check_inputs_unchanged,
        "sample_unchanged": check_sample_unchanged,
        "deterministic": check_deterministic,
        "order_and_labels": check_order_and_labels,
        "written_otherwise": check_written_otherwise,
        "outcomes_apart": check_outcomes_apart,
        "affine_outcome": check_affine_outcome,
        "weight_scale": check_weight_scale,
        "weight_is_row_twice": check_weight_is_row_twice,
        "sign_flip": check_sign_flip,
        "no_inert_option": check_no_inert_option,
        "roles_are_heeded": check_roles_are_heeded,
        "denied_is_refused": check_denied_is_refused,
        "bad_input": check_bad_input,
        "missing_outcomes_counted": check_missing_outcomes_counted,
        "counts": check_counts,
        "result_shape": check_result_shape,
        "undefined_has_reason": check_undefined_has_reason,
        "inference_is_of_the_error": check_inference_is_of_the_error,
        "influence": check_influence,
        "covariance_asked": check_covariance_asked,
        "findings_kept": check_findings_kept,
        "few_told": check_few_told,
        "truth_is_recovered": check_truth_is_recovered,
        "error_is_the_spread": check_error_is_the_spread,
        "size_and_coverage": check_size_and_coverage,
    }
)
