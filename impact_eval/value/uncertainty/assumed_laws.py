"""Shares written without an interval: how sure they are, and the law that they are given.

A share of deadweight, displacement, attribution or drop-off that somebody typed is a guess unless
its line says where it comes from. It is drawn from a PERT law around what was typed, wider for a
judgement than for a published figure; one that was measured is taken as it is. The central account
does not move. The widths are conventions of ours: no source gives them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from impact_eval.core.findings import Finding
from impact_eval.value.account.doors import Account
from impact_eval.value.account.line_formula import SHARES, LineFormula, compile_line
from impact_eval.value.map.choices import Solidity
from impact_eval.value.map.declared import Line, cell_of
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.laws import Distribution, pert

DROP_OFF = "drop_off"
ADJUSTMENTS = (*SHARES, DROP_OFF)
MARGINS: Mapping[Solidity, float] = MappingProxyType(
    {Solidity.MEASURED: 0.0, Solidity.PUBLISHED: 0.1, Solidity.JUDGEMENT: 0.2}
)


def solidity_of(line: Line) -> Solidity:
    """Return how sure the shares of a line are: a judgement, where it does not say."""
    return line.adjustments.solidity or Solidity.JUDGEMENT


def assumed_law(share: Amount | None, solidity: Solidity) -> Distribution | None:
    """Return the law of a share written without an interval: PERT, within 0 to 1.

    None for a share that was measured, that has its own interval, or that is 0 or 1: nothing taken
    off, or everything, is a choice and no estimate.

    Examples
    --------
    >>> from decimal import Decimal
    >>> law = assumed_law(Amount(value=Decimal("0.1")), Solidity.JUDGEMENT)
    >>> round(law.low, 6), round(law.high, 6)
    (0.0, 0.3)
    """
    margin = MARGINS[solidity]
    if share is None or not share.certain or not 0 < share.value < 1 or margin == 0:
        return None
    value = float(share.value)
    return pert(max(value - margin, 0.0), value, min(value + margin, 1.0))


def assumed_shares(line: Line, formula: LineFormula) -> dict[str, Distribution]:
    """Return the laws given to the shares of a line, by column; a drop-off counts where it acts."""
    fades = any(year.steps for year in formula.years) and formula.drop_off > 0
    found = {
        name: assumed_law(cell_of(line, name), solidity_of(line))
        for name in (ADJUSTMENTS if fades else SHARES)
    }
    return {name: law for name, law in found.items() if law is not None}


def shares_made_uncertain(account: Account) -> tuple[Finding, ...]:
    """Tell which shares were given a law, by column and solidity, and how wide it is."""
    rows: dict[tuple[str, Solidity], list[str]] = defaultdict(list)
    for line in account.value_map.lines:
        if line.included:
            profile = account.quantities.of(line.id).profile
            formula = compile_line(line, account.value_map, len(profile))
            for column in assumed_shares(line, formula):
                rows[column, solidity_of(line)].append(line.id)
    return tuple(
        Finding.info(
            "share_made_uncertain",
            column=column, solidity=solidity.value, lines=tuple(lines), n=len(lines),
            margin=round(100 * MARGINS[solidity]),
        )
        for (column, solidity), lines in rows.items()
    )  # fmt: skip
