"""`Portfolio`: several studies' results read together, and nothing but their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.estimate import Effect, Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
    Severity,
    nearest,
)
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.portfolio.accounts import (
    AccountsTogether,
    StudyAccount,
    accounts_together,
    study_account,
)
from impact_eval.results.estimates import Role
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults
from impact_eval.stats.inference.pooling import Pooled, PoolTest, TauEstimator, leave_one_out, pool

FloatArray = NDArray[np.float64]
CONF_LEVEL = 0.95
LOUD, REJECTED = 0.01, 0.05  # the test that all studies share one effect: loud, and rejected
UNSEEN = "heterogeneity_unseen"  # no variance between studies is found, and the test finds some
INTERNAL = "internal"  # the edition that never leaves its operator


@dataclass(frozen=True, slots=True)
class Entry:
    """One study's headline on one outcome, as its `results.json` says it.

    Attributes
    ----------
    study : str
    title : BilingualRecord
    territory, outcome : str
    label : BilingualRecord
    unit : Unit
    direction : Direction
    estimand, method : str
    counterfactual : bool
    scale : str
        Instrument and version behind the outcome, empty for a plain column.
    evidence : int
    effect : Effect
    source : str
        The file it was read from.
    data : str
        Fingerprint of the data it was computed on.
    """

    study: str
    title: BilingualRecord
    territory: str
    outcome: str
    label: BilingualRecord
    unit: Unit
    direction: Direction
    estimand: str
    method: str
    counterfactual: bool
    scale: str
    evidence: int
    effect: Effect
    source: str
    data: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A study left apart, and why."""

    entry: Entry
    reason: NotApplicable


# What must be the same for two effects to be one thing measured twice.
Key: TypeAlias = Callable[[Entry], str | bool]
COMPATIBLE: tuple[tuple[str, Key], ...] = (
    ("other_unit", lambda e: e.unit),
    ("other_direction", lambda e: e.direction),
    ("other_estimand", lambda e: e.estimand),
    ("other_scale", lambda e: e.scale),
    ("other_basis", lambda e: e.counterfactual),
)


@dataclass(frozen=True, slots=True)
class Pooling:
    """A pooled outcome: the number, who is in it, who is not and why.

    Attributes
    ----------
    pooled : Pooled
    included : tuple of Entry
    excluded : tuple of Excluded
    without_each : tuple of Pooled
        The same without each study in turn (empty below three studies).
    findings : tuple of Finding
        What was noticed: files refused, the same data twice, studies that disagree strongly.
    """

    pooled: Pooled
    included: tuple[Entry, ...]
    excluded: tuple[Excluded, ...]
    without_each: tuple[Pooled, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Portfolio(Shown):
    """Several `results.json` files read together.

    Examples
    --------
    >>> Portfolio.read(["*/sortie/results.json"]).pool("emploi")  # doctest: +SKIP
    """

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...] = ()
    valued: tuple[StudyAccount, ...] = ()
    without_account: tuple[str, ...] = ()

    def _line(self) -> str:
        studies = len({entry.study for entry in self.entries})
        findings = len(self.findings) or None
        return one_line("Portfolio", studies=studies, outcomes=self.outcomes, findings=findings)

    @classmethod
    def read(
        cls,
        patterns: Iterable[str | Path],
        folder: str | Path = ".",
        *,
        leave_refused: bool = False,
    ) -> Portfolio:
        """Read result files, by path or pattern. The same data under two names count once.

        Parameters
        ----------
        patterns : iterable of str or Path
            `*/results.json`; a folder stands for the `results.json` in it.
        folder : str or Path
            Where relative patterns start.
        leave_refused : bool
            Read the others when a file is refused: it is left aside, and `findings` says which and
            why. By default a file refused refuses the whole, with its name.

        Raises
        ------
        ImpactEvalError
            All faults at once: `results_not_found`, `results_not_json`, `results_schema`,
            `results_invalid`, `internal_edition_refused`; and `study_twice`.
        """
        faults, twice = FindingCollector(), FindingCollector()
        read: dict[str, StudyResults] = {}
        seen: dict[str, str] = {}
        for path in _files(patterns, Path(folder), faults):
            results = _load(path, faults)
            if results is None:
                continue
            study = results.study.id
            if study in seen:
                place = Place(file=str(path))
                twice.add(Finding.error("study_twice", place, study=study, other=seen[study]))
            seen[study] = str(path)
            read[str(path)] = results
        twice.raise_if_errors()
        if not read or not leave_refused:
            faults.raise_if_errors()
        entries = [entry for source, results in read.items() for entry in _entries(results, source)]
        kept, same = _once(entries)
        accounts = [study_account(results) for results in read.values()]
        return cls(
            tuple(kept),
            (*_refused(faults.findings), *same, *_same_numbers(kept)),
            tuple(account for account in accounts if account is not None),
            tuple(r.study.id for r in read.values() if r.value is None),
        )

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Outcomes found in at least one study."""
        return tuple(dict.fromkeys(entry.outcome for entry in self.entries))

    def tidy(self) -> pd.DataFrame:
        """Return one row per study and outcome."""
        rows = [
            {
                "study": e.study,
                "territory": e.territory,
                "outcome": e.outcome,
                "unit": e.unit,
                "method": e.method,
                "evidence": e.evidence,
                "estimate": e.effect.estimate,
                "std_error": e.effect.std_error,
                "conf_low": e.effect.conf_low,
                "conf_high": e.effect.conf_high,
            }
            for e in self.entries
        ]
        return pd.DataFrame(rows)

    def compatible(self, outcome: str) -> tuple[tuple[Entry, ...], tuple[Excluded, ...]]:
        """Split the studies of an outcome: those that measured the same thing, and the others.

        The largest group of studies with the same unit, direction, estimand, scale and basis is
        kept; a tie goes to the stronger evidence. A withheld or undefined effect is left apart.
        """
        found = [entry for entry in self.entries if entry.outcome == outcome]
        if not found:
            known = self.outcomes
            raise ImpactEvalError(
                Finding.error(
                    "unknown_name",
                    kind="outcome",
                    name=outcome,
                    nearest=nearest(outcome, known),
                    known=known,
                )
            )
        usable = [e for e in found if e.effect.estimate is not None and e.effect.std_error]
        excluded = [
            Excluded(e, NotApplicable.because("no_interval")) for e in found if e not in usable
        ]
        groups: dict[tuple[str | bool, ...], list[Entry]] = {}
        for entry in usable:
            groups.setdefault(tuple(key(entry) for _, key in COMPATIBLE), []).append(entry)
        if not groups:
            return (), tuple(excluded)
        kept = max(groups.values(), key=lambda g: (len(g), min(e.evidence for e in g)))
        excluded += [
            Excluded(entry, _difference(entry, kept[0])) for entry in usable if entry not in kept
        ]
        return tuple(kept), tuple(excluded)

    def pooling(
        self,
        outcome: str,
        *,
        method: TauEstimator = TauEstimator.REML,
        test: PoolTest = PoolTest.HARTUNG_KNAPP_AT_LEAST,
    ) -> Pooling:
        """Pool the compatible studies of an outcome, with the list of those left apart.

        Raises
        ------
        ImpactEvalError
            `unknown_name`, `too_few_to_pool`, `too_few_compatible` with those left apart and why.
        """
        included, excluded = self.compatible(outcome)
        if len(included) < 2 and not excluded:
            raise ImpactEvalError(Finding.error("too_few_to_pool", n=len(included), needed=2))
        if len(included) < 2:
            raise ImpactEvalError(
                Finding.error(
                    "too_few_compatible",
                    outcome=outcome,
                    n=len(included),
                    studies=[e.entry.study for e in excluded],
                    reasons=list(dict.fromkeys(e.reason.reason for e in excluded)),
                )
            )
        y, v = _arrays(included)
        pooled = pool(y, v, method=method, test=test, level=CONF_LEVEL)
        findings = (*self.findings, *_disagreement(pooled))
        return Pooling(pooled, included, excluded, leave_one_out(y, v, level=CONF_LEVEL), findings)

    def pool(self, outcome: str) -> Estimate:
        """Pool an outcome by REML with Hartung and Knapp's interval.

        Returns
        -------
        Estimate
            One row `pooled`; `details` holds the heterogeneity, the prediction interval, the weight
            of each study and the studies left apart.
        """
        found = self.pooling(outcome)
        p, first = found.pooled, found.included[0]
        effect = wald_effect(
            outcome=outcome,
            estimand=first.estimand,
            term="pooled",
            estimate=p.estimate,
            std_error=p.std_error,
            df=p.df,
            n_treated=_total(e.effect.n_treated for e in found.included),
            n_comparison=_total(e.effect.n_comparison for e in found.included),
            n_clusters=p.k,
        )
        return Estimate(
            outcome=outcome,
            estimand=first.estimand,
            method=MethodRecord(
                "pool", {"tau2": TauEstimator.REML.value}, PoolTest.HARTUNG_KNAPP_AT_LEAST.value
            ),
            effects=(effect,),
            covariance=np.array([[p.std_error**2]]),
            counterfactual=first.counterfactual,
            findings=(
                *found.findings,
                *(
                    Finding.warning("left_apart", study=e.entry.study, reason=e.reason.reason)
                    for e in found.excluded
                ),
            ),
            details={
                "tau2": p.tau2,
                "i2": p.i2,
                "q": p.q,
                "q_p_value": p.q_p_value,
                "prediction_low": p.prediction_low,
                "prediction_high": p.prediction_high,
                "studies": [e.study for e in found.included],
                "weights": p.weights.tolist(),
            },
        )

    def value(self) -> AccountsTogether | None:
        """Add the accounts of the studies that have one; None when no study has.

        By payer and by year, benefits, costs, net value, the ratio of the sums, and their interval.
        An account that its own study could not print (a refused ratio, an unknown error, a result
        below level 3) is left apart with its reason, and so is one in other money or prices.
        """
        if not self.valued:
            return None
        return accounts_together(self.valued, self.without_account)


def _disagreement(pooled: Pooled) -> tuple[Finding, ...]:
    """Return the finding that the studies disagree, when their test says so.

    When the estimate finds no variance between studies and the test rejects that they share one
    effect, the interval is that of one common effect: it is told, even if the test is not loud.
    """
    if pooled.tau2 == 0 and pooled.q_p_value < REJECTED:
        return (Finding.warning(UNSEEN, n=pooled.k, p_value=pooled.q_p_value),)
    if pooled.q_p_value >= LOUD:
        return ()
    found = Finding.warning(
        "heterogeneity_strong", n=pooled.k, p_value=pooled.q_p_value, share=pooled.i2
    )
    return (found,)


def _total(counts: Iterable[int | None]) -> int | None:
    """Return a sum of people; unknown as soon as one of them is."""
    known = list(counts)
    return None if None in known else sum(n for n in known if n is not None)


def _arrays(entries: Sequence[Entry]) -> tuple[FloatArray, FloatArray]:
    y = np.array([entry.effect.estimate for entry in entries], dtype=np.float64)
    v = np.array([entry.effect.std_error for entry in entries], dtype=np.float64) ** 2
    return y, v


def _difference(entry: Entry, reference: Entry) -> NotApplicable:
    for code, key in COMPATIBLE:
        if key(entry) != key(reference):
            return NotApplicable.because(code, found=str(key(entry)), needed=str(key(reference)))
    return NotApplicable.because("not_comparable")


def _files(patterns: Iterable[str | Path], folder: Path, faults: FindingCollector) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        path = folder / pattern
        if path.is_dir():
            path = path / "results.json"
        matches = [path] if path.is_file() else sorted(_glob(folder, str(pattern)))
        if not matches:
            faults.add(
                Finding.error("results_not_found", Place(file=str(pattern)), path=str(pattern))
            )
        found += [match for match in matches if match not in found]
    return found


def _glob(folder: Path, pattern: str) -> Iterable[Path]:
    path = Path(pattern)
    if path.is_absolute():
        return Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    return folder.glob(pattern)


def _load(path: Path, faults: FindingCollector) -> StudyResults | None:
    """Read one file through its contract; None when it is refused."""
    place = Place(file=str(path))
    try:
        results = StudyResults.read(path)
    except ImpactEvalError as error:
        faults.add(*(Finding(f.code, f.severity, f.values, place) for f in error.findings))
        return None
    if results.disclosure.edition == INTERNAL:
        faults.add(Finding.error("internal_edition_refused", place, study=results.study.id))
        return None
    return results


def _refused(faults: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one warning for each file that was left aside, with the first reason.

    A file is named by its folder and its name: a report says nothing of the machine it was made on.
    """
    reasons: dict[str, str] = {}
    for fault in faults:
        if fault.place is not None and fault.place.file is not None:
            reasons.setdefault(fault.place.file, fault.code)
    return tuple(
        Finding(
            "results_refused",
            Severity.WARNING,
            {"file": "/".join(Path(file).parts[-2:]), "code": code},
        )
        for file, code in reasons.items()
    )


def _once(entries: Iterable[Entry]) -> tuple[list[Entry], list[Finding]]:
    """Keep one study for each outcome of the same data; say which two are the same."""
    first: dict[tuple[str, str], Entry] = {}
    pairs: dict[tuple[str, str], None] = {}
    kept: list[Entry] = []
    for entry in entries:
        known = first.setdefault((entry.data, entry.outcome), entry)
        if known.study == entry.study:
            kept.append(entry)
        else:
            pairs[(entry.study, known.study)] = None
    return kept, [Finding.warning("same_data", study=a, other=b) for a, b in pairs]


def _same_numbers(entries: Iterable[Entry]) -> tuple[Finding, ...]:
    """Tell the studies whose result is the same to the last digit, on files that are not the same.

    A copy with one column more, or renamed, has another fingerprint; two small studies may also
    agree by chance: they are told and not taken away.
    """
    alike: dict[tuple[object, ...], dict[str, None]] = {}
    for entry in entries:
        effect = entry.effect
        if effect.estimate is None or effect.std_error is None:
            continue
        key = (
            entry.outcome, effect.estimate, effect.std_error, effect.n_treated, effect.n_comparison,
        )  # fmt: skip
        alike.setdefault(key, {})[entry.study] = None
    found: dict[tuple[str, ...], None] = {}
    for studies in alike.values():
        if len(studies) > 1:
            found[tuple(studies)] = None
    return tuple(Finding.warning("same_numbers", names=names) for names in found)


def _entries(results: StudyResults, source: str) -> list[Entry]:
    scales = {s.id: f"{s.scale} {s.version or ''}".strip() for s in results.scores}
    study = results.study
    return [
        Entry(
            study=study.id,
            title=study.title,
            territory=study.territory,
            outcome=record.outcome,
            label=record.label,
            unit=record.unit,
            direction=record.direction,
            estimand=record.question.estimand,
            method=record.estimate.method.name,
            counterfactual=record.estimate.counterfactual,
            scale=scales.get(record.question.instrument or "", ""),
            evidence=0 if record.evidence is None else record.evidence.level,
            effect=record.headline.to_effect(),
            source=source,
            data=results.data.sha256,
        )
        for record in results.estimates
        if record.role is Role.MAIN
    ]
