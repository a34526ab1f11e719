"""A public draw: who joins when, by an order that anyone can redo with a SHA-256 program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.provenance import canonical_json
from impact_eval.plan.comparisons import refuse_not_number, refuse_not_whole
from impact_eval.stats.inference.randomisation import RandomisationTest, linear_randomisation_test
from impact_eval.stats.planning.lottery import (
    BalanceRule,
    Quota,
    declared_draw,
    draw_lottery,
    verify_lottery,
)

__all__ = ["Draw", "Quota", "draw", "draw_test", "verify_draw"]


@dataclass(frozen=True, slots=True, repr=False)
class Draw:
    """The record of a draw: enough for anyone to redo it.

    Attributes
    ----------
    text : str
        The record as canonical JSON: schema, method, seed, attempt, units, blocks, quotas, balance
        rule, order, waves, digest, and signature when there is one. To be kept with the minutes.
    """

    text: str

    def __repr__(self) -> str:
        """Say how many were drawn; units are not named."""
        record = self.to_dict()
        return (
            f"Draw(units={len(record['units'])}, seed={record['seed']!r},"
            f" attempt={record['attempt']}, digest={self.digest[:12]!r})"
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the record."""
        return str(self.to_dict()["digest"])

    @property
    def waves(self) -> dict[str, str]:
        """Wave of each unit; an empty text for the reserve."""
        return {str(k): str(v) for k, v in self.to_dict()["waves"].items()}

    def table(self) -> pd.DataFrame:
        """Return the units in the order drawn: rank, unit, block, wave (missing: reserve)."""
        record = self.to_dict()
        rows = [
            (rank, unit, record["blocks"][unit], record["waves"][unit] or None)
            for rank, unit in enumerate(record["order"], start=1)
        ]
        return pd.DataFrame(rows, columns=["rank", "unit", "block", "wave"])

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON."""
        try:
            found = json.loads(self.text)
        except (TypeError, ValueError):
            found = None
        if not isinstance(found, dict):
            raise ImpactEvalError(Finding.error("lottery_unreadable"))
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Draw:
        """Read back what `to_dict` wrote; `verify_draw` says whether it is right."""
        return cls(canonical_json(dict(data)))


def draw(
    frame: pd.DataFrame,
    *,
    unit: str,
    joining: Mapping[str, int] | Sequence[Quota],
    seed: str,
    block: str | None = None,
    balance: Sequence[str] = (),
    limit: float = 0.5,
    key: bytes | None = None,
) -> Draw:
    """Draw in public who joins in which wave; nothing is written.

    Units are put in the order of SHA-256(seed | attempt | unit), block by block, and take the
    places of the waves in turn; those left are the reserve. No generator of random numbers is
    involved: the order depends on no version of anything. The seed is made public after the list
    of units is closed (a published lottery number, a die thrown before witnesses).

    Parameters
    ----------
    frame : DataFrame
        One row per unit (territory, centre, person under a pseudonym).
    unit : str
        Column that names the units.
    joining : mapping of wave to number, or sequence of Quota
        Places of each wave, in the order waves are filled; a mapping holds for every block alike.
    seed : str
        Public, not empty.
    block : str, optional
        Column: units are drawn apart within blocks.
    balance : sequence of str
        Columns of numbers on which waves must resemble each other: drawn again until they do.
    limit : float
        Largest gap allowed between a wave and the others, in standard deviations, above zero.
    key : bytes, optional
        Secret with which the record is signed.

    Returns
    -------
    Draw

    Raises
    ------
    ImpactEvalError
        `missing_column`, `draw_unit_missing`, `units_duplicated`, `quota_too_large`,
        `quota_not_positive`, `seed_empty`, `covariate_missing`, `number_not_positive`,
        `balance_not_reached`, `key_not_bytes`.

    References
    ----------
    Morgan, K. and Rubin, D. (2012). doi:10.1214/12-AOS1008

    Examples
    --------
    >>> import pandas as pd
    >>> places = pd.DataFrame({"lieu": ["Ain", "Aube", "Cher", "Gard", "Lot"]})
    >>> done = draw(places, unit="lieu", joining={"2027": 2, "2028": 2}, seed="07-11-23")
    >>> done.waves
    {'Ain': '2027', 'Aube': '2027', 'Cher': '', 'Gard': '2028', 'Lot': '2028'}
    >>> verify_draw(done)
    ()
    """
    _refuse_table(frame, unit, block, balance, limit)
    names = [str(name) for name in frame[unit]]
    blocks = None if block is None else dict(zip(names, map(str, frame[block]), strict=True))
    rule = None
    if balance:
        columns = {
            column: dict(zip(names, _numbers(frame[column]), strict=True)) for column in balance
        }
        rule = BalanceRule(columns, limit)
    record = draw_lottery(
        names, _quotas(joining, blocks), seed, blocks=blocks, balance=rule, key=key
    )
    return Draw.from_dict(record)


def verify_draw(done: Draw | Mapping[str, Any], *, key: bytes | None = None) -> tuple[Finding, ...]:
    """Redo a recorded draw: no finding means that the record is whole and the draw is right.

    Parameters
    ----------
    done : Draw or mapping
        The draw, or its record read back from JSON.
    key : bytes, optional
        Needed to check the signature.

    Returns
    -------
    tuple of Finding
        `lottery_unreadable`, `lottery_digest_differs`, `lottery_result_differs`,
        `lottery_unsigned`, `lottery_signature_differs`.

    Raises
    ------
    ImpactEvalError
        `key_not_bytes`.

    Examples
    --------
    >>> import pandas as pd
    >>> done = draw(pd.DataFrame({"lieu": ["A", "B"]}), unit="lieu", joining={"1": 1}, seed="x")
    >>> record = done.to_dict() | {"waves": {"A": "1", "B": "1"}}
    >>> [finding.code for finding in verify_draw(record)]
    ['lottery_digest_differs', 'lottery_result_differs']
    """
    return verify_lottery(_record(done), key=key)


def draw_test(
    done: Draw | Mapping[str, Any],
    outcomes: Mapping[str, float],
    *,
    wave: str,
    draws: int = 9_999,
    seed: int = 1,
    level: float = 0.95,
) -> RandomisationTest:
    """Test the gap between a wave and all other units, by the draws that could have been.

    Under the sharp null the outcomes do not depend on the draw: p is the share of the draws allowed
    by the record (its blocks, its balance rule) whose gap is at least as large.

    Parameters
    ----------
    done : Draw or mapping
    outcomes : mapping of unit to number
        One for each unit drawn, measured before the other waves join.
    wave : str
        The wave that has joined when outcomes are measured.
    draws : int
        Redrawn when there are too many to list all.
    seed : int
    level : float
        Of the interval of a constant effect.

    Returns
    -------
    RandomisationTest
        Gap, exact or simulated p-value, interval by inversion.

    Raises
    ------
    ImpactEvalError
        `lottery_unreadable`, `draw_outcome_missing`, `unknown_option`, `no_variation_in_draw`.

    References
    ----------
    Young, A. (2019). doi:10.1093/qje/qjy029

    Examples
    --------
    >>> import pandas as pd
    >>> places = pd.DataFrame({"lieu": list("ABCDEF")})
    >>> done = draw(places, unit="lieu", joining={"2027": 3}, seed="x")
    >>> outcome = {name: 5.0 if wave else 1.0 for name, wave in done.waves.items()}
    >>> found = draw_test(done, outcome, wave="2027")
    >>> found.statistic, found.p_value, found.exact
    (4.0, 0.1, True)
    """
    record = _record(done)
    if any(finding.code == "lottery_unreadable" for finding in verify_lottery(record)):
        raise ImpactEvalError(Finding.error("lottery_unreadable"))
    declared = declared_draw(record)
    names = sorted(record["units"])
    _refuse_test(draws, seed, level)
    _refuse_outcomes(names, outcomes, wave, tuple(str(value) for value in declared.values))
    joined = np.array([value == wave for value in declared.values])
    inside = joined[declared.labels]
    y = np.array([float(outcomes[name]) for name in names])

    def scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
        into, out = values / inside.sum(), -values / (~inside).sum()
        return np.asarray(np.where(joined[None, :], into[:, None], out[:, None]))

    return linear_randomisation_test(
        declared,
        scores(y),
        rng=np.random.default_rng(seed),
        exposure=scores(inside.astype(np.float64)),
        draws=draws,
        level=level,
    )


def _record(done: Draw | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(done, (Draw, Mapping)):
        raise ImpactEvalError(Finding.error("lottery_unreadable"))
    return done.to_dict() if isinstance(done, Draw) else dict(done)


def _quotas(
    joining: Mapping[str, int] | Sequence[Quota], blocks: Mapping[str, str] | None
) -> list[Quota]:
    if not isinstance(joining, Mapping):
        given: list[Any] = list(joining) if isinstance(joining, (list, tuple)) else [joining]
        quotas = [quota for quota in given if isinstance(quota, Quota)]
        if len(quotas) < len(given):
            raise ImpactEvalError(Finding.error("joining_not_counts", name=str(joining)[:60]))
        refuse_not_whole(*((f"joining[{quota.wave}]", quota.number) for quota in quotas))
        return quotas
    refuse_not_whole(*((f"joining[{wave}]", number) for wave, number in joining.items()))
    homes: Iterable[str] = ("",) if blocks is None else sorted(set(blocks.values()))
    return [Quota(str(wave), number, home) for home in homes for wave, number in joining.items()]


def _numbers(column: pd.Series[Any]) -> list[float]:
    return [float(value) for value in pd.to_numeric(column, errors="coerce")]


def _refuse_table(
    frame: pd.DataFrame, unit: str, block: str | None, balance: Sequence[str], limit: float
) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise ImpactEvalError(Finding.error("not_a_table", found=type(frame).__name__))
    refuse_not_number(("limit", limit))
    faults = FindingCollector()
    known = [str(name) for name in frame.columns]
    roles = [("unit", unit), *([("block", block)] if block is not None else [])]
    for role, column in (*roles, *(("balance", column) for column in balance)):
        if column not in known:
            faults.add(
                Finding.error("missing_column", Place(column=column), role=role, column=column,
                              nearest=nearest(column, known), known=known[:30])
            )  # fmt: skip
    if not limit > 0:
        faults.add(Finding.error("number_not_positive", option="limit", value=limit))
    faults.raise_if_errors()
    for _, column in roles:
        blank = int(frame[column].isna().sum())
        if blank:
            faults.add(Finding.error("draw_unit_missing", Place(column=column), n=blank))
    faults.raise_if_errors()


def _refuse_test(draws: int, seed: int, level: float) -> None:
    refuse_not_whole(("draws", draws), ("seed", seed))
    refuse_not_number(("level", level))
    faults = FindingCollector()
    for option, value, low, high in (("draws", draws, 99, 10**7), ("seed", seed, 0, 2**63 - 1)):
        if not low <= value <= high:
            faults.add(
                Finding.error("option_out_of_range", option=option, value=value, low=low, high=high)
            )
    if not 0 < level < 1:
        faults.add(Finding.error("option_out_of_range", option="level", value=level, low=0, high=1))
    faults.raise_if_errors()


def _refuse_outcomes(
    names: Sequence[str], outcomes: Mapping[str, float], wave: str, waves: tuple[str, ...]
) -> None:
    faults = FindingCollector()
    told: dict[str, object] = {name: outcomes[name] for name in names if name in outcomes}
    numbers = {n for n, value in told.items() if isinstance(value, (int, float, np.number))}
    blank = [name for name in names if name not in numbers or not np.isfinite(outcomes[name])]
    if blank:
        faults.add(Finding.error("draw_outcome_missing", n=len(blank), names=tuple(blank[:5])))
    if wave not in waves or not wave:
        known = tuple(value for value in waves if value)
        faults.add(Finding.error("unknown_option", option="wave", name=wave, known=known))
    faults.raise_if_errors()
