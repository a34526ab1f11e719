"""How often the default interval holds the truth, where nothing happens.

    python -m benchmarks.coverage [--draws N] [--designs NAME ...] [--page]

Draws tables without any effect in each size of `coverage_tables.CELLS`, fits every design as it is
by default, and writes `docs/reference/coverage.csv` and the page made of it, `coverage.md`. With
names, the rows of the other designs stay as they are. `--page` writes the page again from the file.
"""

from __future__ import annotations

import argparse
import csv
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

import impact_eval as ie
from benchmarks.coverage_tables import AUTOCORRELATION, CELLS, Cell, design_of, drawn
from impact_eval.core.estimate import Effect
from impact_eval.designs import Design, designs
from impact_eval.diagnostics.refit import headline_effect

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
FILE, PAGE = FOLDER / "coverage.csv", FOLDER / "coverage.md"
SEED = 20261128
DRAWS = 400
NOMINAL = 0.05
LIMIT = 0.07  # false positives beyond which a default is not safe


@dataclass(frozen=True)
class Measure:
    """What a design gave in a cell: shares over the draws, with what chance may add to them.

    Attributes
    ----------
    design, cell : str
    draws, intervals : int
        Tables drawn; those for which an interval was given.
    coverage, width : float or None
        Share of the intervals that hold zero; their mean width.
    false_positives : float or None
        Share of the tables with p < 0.05; a table without p-value is no false positive.
    refused : str
        The code with which the design refuses these tables.
    """

    design: str
    cell: str
    draws: int
    intervals: int
    coverage: float | None
    width: float | None
    false_positives: float | None
    refused: str = ""

    def error(self, share: float | None, of: int) -> float | None:
        """Return the Monte-Carlo error of a share, that of a right one when it is 0 or 1."""
        if share is None or not of:
            return None
        known = share if 0 < share < 1 else NOMINAL
        return math.sqrt(known * (1 - known) / of)

    @property
    def beyond(self) -> bool:
        """Whether false positives are too many, two Monte-Carlo errors aside."""
        error = self.error(self.false_positives, self.draws)
        if error is None or self.false_positives is None:
            return False
        return self.false_positives - 2 * error > LIMIT


def measure(kind: type[Design], cell: Cell, draws: int) -> Measure | None:
    """Fit a design on tables of a cell; None where it is not made for them."""
    rows: list[Effect] = []
    name, place = kind.info.name, CELLS.index(cell)
    for draw in range(draws):
        try:
            sample = drawn(cell, kind, np.random.default_rng([SEED, place, draw]))
            rows.append(_headline(design_of(kind).fit(sample, "y")))
        except LookupError:
            return None
        except ie.ImpactEvalError as refusal:
            return Measure(name, cell.name, draws, 0, None, None, None, refusal.codes[0])
    ends = [(e.conf_low, e.conf_high) for e in rows]
    told = [(low, high) for low, high in ends if low is not None and high is not None]
    return Measure(
        design=name,
        cell=cell.name,
        draws=draws,
        intervals=len(told),
        coverage=float(np.mean([low <= 0 <= high for low, high in told])) if told else None,
        width=float(np.mean([high - low for low, high in told])) if told else None,
        false_positives=float(
            np.mean([e.p_value is not None and e.p_value < NOMINAL for e in rows])
        ),
    )


def _headline(estimate: ie.Estimate) -> Effect:
    keys = [effect.key for effect in estimate.effects]
    if "itt" in keys or len(keys) == 1:
        return estimate.effects[0]
    if estimate.aggregator is None:  # a change by period: the last
        return estimate.effects[-1]
    return headline_effect(estimate)


def run(names: Sequence[str], draws: int, cells: Iterable[Cell] = CELLS) -> list[Measure]:
    """Measure some designs (all of them without names) in some cells."""
    kinds = [kind for kind in designs if not names or kind.info.name in names]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ie.FindingWarning)
        for kind in kinds:
            for cell in cells:
                one = measure(kind, cell, draws)
                if one is not None:
                    found.append(one)
                    print(page_row(one), flush=True)
    return found


# -- the file and the page ------------------------------------------------------------------------


def write_file(measures: Sequence[Measure], path: Path = FILE) -> None:
    """Write measures as CSV, one row each."""
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, [f.name for f in fields(Measure)], lineterminator="\n")
        rows.writeheader()
        for one in measures:
            rows.writerow({k: _written(v) for k, v in asdict(one).items()})


def read_file(path: Path = FILE) -> list[Measure]:
    """Read the measures written."""
    with path.open(encoding="utf-8", newline="") as source:
        return [_read(row) for row in csv.DictReader(source)]


def _written(value: object) -> object:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def _read(row: dict[str, str]) -> Measure:
    shares = {
        k: float(row[k]) if row[k] else None for k in ("coverage", "width", "false_positives")
    }
    return Measure(
        design=row["design"],
        cell=row["cell"],
        draws=int(row["draws"]),
        intervals=int(row["intervals"]),
        refused=row["refused"],
        **shares,
    )


HEAD = """# Coverage and false positives

How often the interval that a design prints by default holds the truth, and how often it finds an
effect where there is none. Nothing happens in these tables: 95 of 100 intervals should hold zero,
and 5 of 100 p-values should be under 0.05. Each number is followed by its Monte-Carlo standard
error; **bold**: more than {limit:.0f} false positives in 100, two such errors aside.

Made by `python -m benchmarks.coverage` (seed {seed}); the numbers are in
[coverage.csv](coverage.csv). Units have a level of their own and a noise that lasts
(autocorrelation {rho}). `tables`: how many were drawn; `given`: the share of them with an interval
(where it is not 100 %, the estimate says why). `difference_in_means` reads the last period alone;
`triple_difference` and `wald_did` compare two groups of people in each town, and the town is
declared.

In the last two tables those treated vary twice as much as the others. A margin that deals dates
anew, or that compares with placebos, takes them for alike: the first gives way to one that does not
where that is seen (`margin_uneven`), the second has no such rule.
"""
TABLE = ("design", "coverage", "mean width", "false positives", "given", "tables")


def page(measures: Sequence[Measure]) -> str:
    """Return the page of some measures."""
    lines = [HEAD.format(limit=100 * LIMIT, seed=SEED, rho=AUTOCORRELATION)]
    for cell in CELLS:
        ours = [one for one in measures if one.cell == cell.name]
        if not ours:
            continue
        lines += [f"## {cell.name}", "", f"| {' | '.join(TABLE)} |", "|---" + "|--:" * 5 + "|"]
        lines += [*map(page_row, ours), ""]
    return "\n".join(lines).rstrip() + "\n"


def page_row(one: Measure) -> str:
    """Return the row of a measure."""
    if one.refused:
        return f"| `{one.design}` | refused: `{one.refused}` | | | | |"
    wrong = _percent(one.false_positives, one.error(one.false_positives, one.draws))
    cells = [
        _percent(one.coverage, one.error(one.coverage, one.intervals)),
        "" if one.width is None else f"{one.width:.2f}",
        f"**{wrong}**" if one.beyond else wrong,
        f"{100 * one.intervals / one.draws:.0f} %",
        f"{one.draws:,}",
    ]
    return f"| `{one.design}` | {' | '.join(cells)} |"


def _percent(share: float | None, error: float | None) -> str:
    if share is None or error is None:
        return ""
    return f"{100 * share:.1f} % ± {100 * error:.1f}"


def main() -> None:
    """Measure and write; or write the page again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--designs", nargs="*", default=[], choices=[k.info.name for k in designs])
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if not asked.page:
        kept = read_file() if asked.designs and FILE.exists() else []
        kept = [one for one in kept if one.design not in asked.designs]
        found = {(one.design, one.cell): one for one in (*kept, *run(asked.designs, asked.draws))}
        order = [(kind.info.name, cell.name) for kind in designs for cell in CELLS]
        write_file([found[key] for key in order if key in found])
    PAGE.write_text(page(read_file()), encoding="utf-8")


if __name__ == "__main__":
    main()
