"""What is accepted is heeded: every option, every role, changes some number."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import codes_of, moved, printed
from impact_eval.designs.contract.example import Example, example_of
from impact_eval.designs.options import COVARIANCE
from impact_eval.stats.inference.covariances import Covariance, Source, covariances

NO_CHOICE = "no_such_choice"
SECOND, DIMENSION = "second", 7  # a second covariate; a second dimension of clusters, and its size
FEW_DRAWS = 199  # of a bootstrap: enough to see that it is heeded
NOT_COVARIANCES: tuple[object, ...] = (NO_CHOICE, 42)


def check_no_inert_option(design: type[Design]) -> None:
    """7. Every option changes some result: a row, a detail, a finding; a covariance, a number."""
    example = example_of(design).rich()
    if design.info.clusters:
        example = example.clustered()  # without, covariances for clusters are those of rows
    reference = example.fit()
    inert = [
        item.name
        for item in fields(example.design)  # type: ignore[arg-type]  # every design is a dataclass
        if _is_inert(example, item.name, reference)
    ]
    assert not inert, f"options that change no result: {inert}"
    for value in NOT_COVARIANCES if _covariances(design) else ():
        assert _result(example, COVARIANCE, value) is None, f"covariance={value!r} gave a result"


def _is_inert(example: Example, name: str, reference: Estimate) -> bool:
    """Whether no other value of an option moves a number, or one of its objects does nothing.

    Objects with a name of their own (covariances) are held to more: each that is accepted differs
    from the default, unless it is the default by its name, and they are not all the same.
    """
    values = list(_other_values(example, name))
    assert values, f"give `alternatives` of the option {name} in contract_example"
    default = printed(reference, method=False)
    found = {str(getattr(v, "label", i)): _result(example, name, v) for i, v in enumerate(values)}
    accepted = {label: numbers for label, numbers in found.items() if numbers is not None}
    refused = len(accepted) < len(found)
    if not any(hasattr(value, "label") for value in values):
        return not refused and set(accepted.values()) <= {default}
    silent = [label for label, numbers in accepted.items() if numbers == default]
    replaced = any(label not in reference.method.covariance for label in silent)
    return replaced or (len(accepted) > 1 and len(set(accepted.values())) == 1)


def _result(example: Example, name: str, value: Any) -> str | None:
    """Return what is printed with another value of an option, or None when it is refused."""
    found: list[str] = []

    def fit() -> None:
        chosen = replace(example.design, **{name: value})  # type: ignore[type-var]
        found.append(printed(replace(example, design=chosen).fit(), method=False))

    return found[0] if codes_of(fit) is None else None


def _other_values(example: Example, name: str) -> Iterator[Any]:
    """Yield the other values of an option worth trying."""
    design, value = example.design, getattr(example.design, name)
    allowed = design.info.options.get(name, ())
    if name in example.alternatives:
        yield from example.alternatives[name]
    elif allowed:
        yield from (other for other in allowed if other != value)
    elif isinstance(value, (bool, int, float, str)):
        yield from _other_plain(value)
    else:
        yield from _other_objects(design, name, value)


def _other_plain(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield value * 0.5 + 0.01
    elif isinstance(value, Enum):
        yield from (member for member in type(value) if member is not value)
    else:
        yield NO_CHOICE  # the name of a column: one that is not there must be refused


def _other_objects(design: Design, name: str, value: Any) -> Iterator[Any]:
    """Yield what the declared types of an option allow, for an option that holds an object."""
    if is_dataclass(value) and not isinstance(value, type):
        yield from _varied(value)
    for kind in _declared_types(type(design), name):
        if kind is int:
            yield from (1, 2, 3)
        elif kind is float:
            yield from (0.5, 2.0, 3.0)
        elif kind is str:
            yield NO_CHOICE
        elif typing.get_origin(kind) is tuple:
            yield from ((-1, 1), (0, 1))
        else:
            for made in _made(kind):
                yield made
                yield from _varied(made)


def _declared_types(design: type[Design], name: str) -> list[Any]:
    declared = typing.get_type_hints(design).get(name)
    union = isinstance(declared, types.UnionType) or typing.get_origin(declared) is typing.Union
    parts = list(typing.get_args(declared)) if union else [declared]
    found = [part for part in parts if part not in (None, type(None))]
    if name == COVARIANCE:  # the declaration may list what the annotation only names
        found += [kind for kind in _covariances(design) if kind not in found]
    return found


def _covariances(design: type[Design]) -> list[type[Covariance]]:
    """Return the covariances that a design takes, but those that fit it again on every draw."""
    if COVARIANCE not in {item.name for item in fields(design)}:  # type: ignore[arg-type]
        return []
    kinds = [covariances.get(name) for name in design.info.covariances]
    return [kind for kind in kinds if Source.REDRAW not in kind.sources]


def _made(kind: Any) -> list[Any]:
    """Return the object of a type when its fields all have defaults."""
    if not isinstance(kind, type) or not is_dataclass(kind):
        return []
    needed = [f for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    few: dict[str, int] = {f.name: FEW_DRAWS for f in fields(kind) if f.name == "draws"}
    made: Callable[..., Any] = kind
    return [] if needed else [made(**few)]


def _varied(value: Any) -> Iterator[Any]:
    """Yield an object with each of its choices changed, one at a time; refusals are left out."""
    for item in fields(value):
        part = getattr(value, item.name)
        if not isinstance(part, (Enum, bool, int, float)):
            continue
        for other in _other_plain(part):
            try:
                yield replace(value, **{item.name: other})
            except ImpactEvalError:
                continue


# -- roles -------------------------------------------------------------------------------------


def check_roles_are_heeded(design: type[Design]) -> None:
    """15. Dropping weights, covariates or clusters that are accepted changes something."""
    info, example = design.info, example_of(design)
    plain = example.fit()
    if info.weights and "weights" not in example.roles:
        weighted = example.weighted().fit()
        assert moved(plain, weighted, "estimate"), "weights are accepted but change nothing"
        if info.standard_error:
            assert moved(plain, weighted, "std_error"), "weights change no error"
    if info.covariates and not example.roles.get("covariates"):
        rich = example.covaried()
        bare = replace(rich, roles={**rich.roles, "covariates": ()})
        assert moved(bare.fit(), rich.fit(), "estimate"), (
            "covariates are accepted but change nothing"
        )
        _check_second_covariate(rich)
    if info.clusters and "cluster" not in example.roles:
        _check_clusters(example.clustered())


def _check_second_covariate(one: Example) -> None:
    units = one.per_unit()
    drawn = np.random.default_rng(len(units)).normal(size=units.max() + 1)[units]
    names = [*one.roles["covariates"], SECOND]
    two = one.on(one.frame.assign(**{SECOND: drawn})).with_roles(covariates=names)
    assert moved(one.fit(), two.fit(), "estimate"), "a second covariate changes nothing"


def _check_second_cluster(tied: Example, column: str) -> None:
    """Hold a second dimension of clusters to some effect, unless several are refused."""
    drawn = tied.frame.assign(**{SECOND: tied.per_unit() % DIMENSION})
    both = tied.on(drawn).with_roles(cluster=[tied.roles["cluster"], SECOND])
    if codes_of(both.fit) is None:
        assert moved(tied.fit(), both.fit(), column), f"a second cluster changes no {column}"


def _check_clusters(tied: Example) -> None:
    alone = replace(tied, roles={k: v for k, v in tied.roles.items() if k != "cluster"})
    column = "std_error" if tied.design.info.standard_error else "p_value"
    assert moved(alone.fit(), tied.fit(), column), f"clusters are accepted but change no {column}"
    _check_second_cluster(tied, column)
