r"""Phase-in lottery: a public draw that anyone can redo with a pencil and a SHA-256 program.

Units (territories, centres) are ordered within their block by the hexadecimal digits of

    SHA-256( seed | attempt | unit )          (UTF-8 text, separated by vertical bars)

and take the waves in the order of the quotas; those beyond the quotas form the reserve list, in the
same order. No random number generator is involved: the order depends on no version of anything. The
seed should be made public after the list of units is closed (a published lottery number, a die
thrown before witnesses).

With a balance rule, attempt 0, 1, 2… is drawn until every wave differs from the others by no more
than `limit` standard deviations on every covariate; the rule belongs to the record, since inference
must redraw under it.

The record is plain JSON. `digest` is the SHA-256 of its canonical form; `signature`, when a key is
given, its HMAC-SHA-256.

References
----------
Morgan, K. and Rubin, D. (2012), re-randomisation. doi:10.1214/12-AOS1008
FIPS 180-4 (SHA-256); RFC 2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core import Finding, FindingCollector, ImpactEvalError
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.stats.inference.randomisation import Accept, DeclaredDraw, declare_draw

FloatArray = NDArray[np.float64]

SCHEMA = "impact-eval/lottery/1"
METHOD = "sha256-order/1"
_ATTEMPTS = 10_000


@dataclass(frozen=True, slots=True)
class BalanceRule:
    """Redraw until waves resemble each other.

    Attributes
    ----------
    covariates : mapping of str to mapping of unit to float
    limit : float
        Largest gap allowed, in standard deviations, between a wave and all other units.
    """

    covariates: Mapping[str, Mapping[str, float]]
    limit: float = 0.5


@dataclass(frozen=True, slots=True)
class Quota:
    """How many units of a block join in a wave, in the order waves are filled."""

    wave: str
    number: int
    block: str = ""


def draw_lottery(
    units: Sequence[str],
    quotas: Sequence[Quota],
    seed: str,
    *,
    blocks: Mapping[str, str] | None = None,
    balance: BalanceRule | None = None,
    key: bytes | None = None,
) -> dict[str, Any]:
    """Draw who joins in which wave, and return the record of the draw.

    Parameters
    ----------
    units : sequence of str
        Their order does not matter.
    quotas : sequence of Quota
        Per block; what is left over is the reserve.
    seed : str
        Public.
    blocks : mapping of unit to block, optional
    balance : BalanceRule, optional
    key : bytes, optional
        Secret of the signature.

    Returns
    -------
    dict
        JSON-able: schema, method, seed, attempt, units, blocks, quotas, balance, waves (unit to
        wave), order, digest, and signature when there is a key.

    Raises
    ------
    ImpactEvalError
        All at once: `units_duplicated`, `block_missing`, `quota_too_large`, `quota_not_positive`,
        `seed_empty`, `covariate_missing`; then `balance_not_reached`. Before all, `key_not_bytes`.

    Examples
    --------
    >>> record = draw_lottery(
    ...     ["Ain", "Aube", "Cher", "Gard"], [Quota("2027", 2), Quota("2028", 2)], seed="07-11-23"
    ... )
    >>> record["waves"]
    {'Ain': '2027', 'Aube': '2027', 'Cher': '2028', 'Gard': '2028'}
    >>> verify_lottery(record)
    ()
    """
    _refuse_key(key)
    names = sorted(units)
    known = dict.fromkeys(names, "") if blocks is None else blocks
    home = {unit: known[unit] for unit in names if unit in known}
    _refuse_draw(names, quotas, seed, home, balance)
    rule = None if balance is None else _balance_check(names, balance)
    # The attempt enters the hash: a draw refused for balance is refused in public, and anyone can
    # redo the refusals as well as the draw kept.
    for attempt in range(_ATTEMPTS):
        order = _order(names, home, seed, attempt)
        waves = _fill(order, quotas, home)
        if rule is None or bool(rule(_wave_codes(names, waves)[None, :])[0]):
            break
    else:
        raise ImpactEvalError(Finding.error("balance_not_reached", attempts=_ATTEMPTS))
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "method": METHOD,
        "seed": seed,
        "attempt": attempt,
        "units": names,
        "blocks": home,
        "quotas": [[quota.block, quota.wave, quota.number] for quota in quotas],
        "balance": None
        if balance is None
        else {
            "limit": balance.limit,
            "covariates": {
                name: {unit: float(values[unit]) for unit in names}
                for name, values in sorted(balance.covariates.items())
            },
        },
        "order": order,
        "waves": waves,
    }
    # Last: the digest covers all that decides the draw, and the signature covers the digest.
    record["digest"] = sha256(canonical_json(record))
    if key is not None:
        record["signature"] = _sign(record, key)
    return record


def verify_lottery(record: Mapping[str, Any], *, key: bytes | None = None) -> tuple[Finding, ...]:
    """Redo a recorded draw: no finding means that the record is whole and the draw is right.

    Parameters
    ----------
    record : mapping
        As returned by `draw_lottery`, or read back from JSON.
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
    """
    _refuse_key(key)
    # The record is held to its digest, the digest to the key, the draw to its public seed: each
    # fault is told apart, for whoever changed the record may have made the digest again.
    found: list[Finding] = []
    content = {k: v for k, v in record.items() if k not in ("digest", "signature")}
    try:
        digest = sha256(canonical_json(content))
    except (TypeError, ValueError):
        return (Finding.error("lottery_unreadable"),)
    if digest != record.get("digest"):
        found.append(Finding.error("lottery_digest_differs"))
    if key is not None and "signature" not in record:
        found.append(Finding.error("lottery_unsigned"))
    elif key is not None and not hmac.compare_digest(
        str(record["signature"]), _sign({**content, "digest": record.get("digest")}, key)
    ):
        found.append(Finding.error("lottery_signature_differs"))
    try:
        again = _redraw(record)
    except (KeyError, TypeError, ValueError, AttributeError, ImpactEvalError):
        return (*found, Finding.error("lottery_unreadable"))
    moved = [
        unit for unit, wave in again["waves"].items() if record.get("waves", {}).get(unit) != wave
    ]
    if moved or again["attempt"] != record.get("attempt") or again["order"] != record.get("order"):
        found.append(Finding.error("lottery_result_differs", n=len(moved), names=tuple(moved[:5])))
    return tuple(found)


def declared_draw(record: Mapping[str, Any]) -> DeclaredDraw:
    """Return the draw a record declares, ready for randomisation inference.

    Units in alphabetical order; the reserve is a label of its own, the empty text.
    """
    again = _redraw(record)
    names, balance = again["units"], record["balance"]
    accept: Accept | None = None
    if balance is not None:
        accept = _balance_check(names, BalanceRule(balance["covariates"], balance["limit"]))
    labels = [again["waves"][unit] for unit in names]
    return declare_draw(labels, blocks=[again["blocks"][unit] for unit in names], accept=accept)


def _redraw(record: Mapping[str, Any]) -> dict[str, Any]:
    balance = record["balance"]
    return draw_lottery(
        list(record["units"]),
        [Quota(wave, int(number), block) for block, wave, number in record["quotas"]],
        record["seed"],
        blocks=dict(record["blocks"]),
        balance=None if balance is None else BalanceRule(balance["covariates"], balance["limit"]),
    )


def _order(names: Sequence[str], home: Mapping[str, str], seed: str, attempt: int) -> list[str]:
    def rank(unit: str) -> tuple[str, str, str]:
        text = f"{seed}|{attempt}|{unit}".encode()
        return home[unit], hashlib.sha256(text).hexdigest(), unit

    return sorted(names, key=rank)


def _fill(order: Sequence[str], quotas: Sequence[Quota], home: Mapping[str, str]) -> dict[str, str]:
    """Seat units: wave of each, in alphabetical order; an empty wave is the reserve."""
    seats: dict[str, list[str]] = {}
    for quota in quotas:
        seats.setdefault(quota.block, []).extend([quota.wave] * quota.number)
    waves = {}
    taken: dict[str, int] = {}
    for unit in order:
        block = home[unit]
        place = taken.get(block, 0)
        taken[block] = place + 1
        room = seats.get(block, [])
        waves[unit] = room[place] if place < len(room) else ""
    return {unit: waves[unit] for unit in sorted(waves)}


def _wave_codes(names: Sequence[str], waves: Mapping[str, str]) -> NDArray[np.int64]:
    values = sorted(set(waves.values()))
    return np.array([values.index(waves[unit]) for unit in names], dtype=np.int64)


def _balance_check(names: Sequence[str], balance: BalanceRule) -> Accept:
    """From (b, G) codes to whether each wave is near the others on every covariate."""
    table = np.array(
        [[float(values[unit]) for values in balance.covariates.values()] for unit in names]
    )
    spread = table.std(axis=0, ddof=1)
    scaled = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    n = len(names)

    def accept(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        worst = np.zeros(len(labels))
        for code in range(int(labels.max()) + 1):
            inside = (labels == code).astype(np.float64)
            size = inside.sum(axis=1, keepdims=True)
            total = inside @ scaled  # the columns sum to zero over all units
            gap = np.abs(total / np.maximum(size, 1) + total / np.maximum(n - size, 1))
            worst = np.maximum(worst, gap.max(axis=1, initial=0.0))
        return np.asarray(worst <= balance.limit + 1e-12)

    return accept


def _sign(record: Mapping[str, Any], key: bytes) -> str:
    return hmac.new(key, canonical_json(dict(record)).encode(), hashlib.sha256).hexdigest()


def _refuse_key(key: object) -> None:
    """Refuse a secret that is no bytes: a text has several encodings, so several signatures."""
    if key is not None and not isinstance(key, (bytes, bytearray)):
        raise ImpactEvalError(Finding.error("key_not_bytes"))


def _refuse_draw(
    names: Sequence[str],
    quotas: Sequence[Quota],
    seed: str,
    home: Mapping[str, str],
    balance: BalanceRule | None,
) -> None:
    faults = FindingCollector()
    if not seed:
        faults.add(Finding.error("seed_empty"))
    twice = sorted({unit for unit in names if names.count(unit) > 1})
    if twice:
        faults.add(Finding.error("units_duplicated", n=len(twice), names=tuple(twice[:5])))
    lost = [unit for unit in names if unit not in home]
    if lost:
        faults.add(Finding.error("block_missing", n=len(lost), names=tuple(lost[:5])))
    for block in sorted({quota.block for quota in quotas} | set(home.values())):
        room = sum(1 for unit in names if home.get(unit) == block)
        asked = sum(quota.number for quota in quotas if quota.block == block)
        if asked > room:
            faults.add(Finding.error("quota_too_large", block=block, asked=asked, n=room))
    if not quotas or any(quota.number < 1 for quota in quotas):
        faults.add(Finding.error("quota_not_positive"))
    if balance is not None:
        for name, values in balance.covariates.items():
            blank = [u for u in names if u not in values or not math.isfinite(float(values[u]))]
            if blank:
                units = tuple(blank[:5])
                faults.add(Finding.error("covariate_missing", name=name, n=len(blank), names=units))
    faults.raise_if_errors()
