"""`find_leaks`: the attack that a disclosure checker would make on an output folder.

Every file is unpacked and searched for what names people in the study's own tables, for paths of
the machine and traces of errors; the numbers of `results.json` are attacked alone, against the
earlier editions and, where the data are beside, against the true ones. What is found is told by
kind, file and count: the tokens themselves are written nowhere.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.leak_files import FoundText, Unpacked, unpack
from impact_eval.pipeline.leak_leaves import leaves
from impact_eval.pipeline.leak_numbers import (
    FILE,
    edition_leaks,
    number_leaks,
    table_leaks,
    withheld_numbers,
)
from impact_eval.pipeline.leak_report import Leak, LeakKind, LeakReport, gathered
from impact_eval.pipeline.leak_tokens import Token, TokenIndex, study_tokens
from impact_eval.pipeline.states import OUTPUT
from impact_eval.pipeline.study import Study
from impact_eval.results.disclosure.releases import read_ledger
from impact_eval.results.gate import released_counts
from impact_eval.results.records import StudyResults

MEANT_DIGITS = 5  # significant digits from which a number is one number and no other
_FORMS = MappingProxyType(
    {
        LeakKind.PATH: re.compile(
            r"(?<![\w.:/-])/(?:home|root|tmp|Users|private/var|var/folders|mnt|media)/\w"
            r"|\b[A-Za-z]:[\\/]+Users\b"
        ),
        LeakKind.TRACEBACK: re.compile(
            r"Traceback \(most recent call last\)|\bFile \"[^\"]+\.py\""
        ),
        LeakKind.KERNEL: re.compile(r"ipykernel_\d"),
        LeakKind.EMAIL: re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b", re.IGNORECASE),
        LeakKind.NUMBER_OF_A_PERSON: re.compile(
            r"(?<![\w.,])[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2])[ .]?(?:\d{2}|2[AB])"
            r"[ .]?\d{3}[ .]?\d{3}(?:[ .]?\d{2})?(?!\w)"
        ),
        LeakKind.PHONE: re.compile(
            r"(?<![\w.,/+-])(?:\+33[ .]?|0)[1-9](?:[ .-]?\d{2}){4}(?![\w.,]\d|\w)"
        ),
        LeakKind.IBAN: re.compile(r"\bFR\d{2}(?: ?[A-Z0-9]{4}){5} ?[A-Z0-9]{3}\b"),
    }
)
_NUMBER = re.compile(
    r"(?<![\w.,])[-−]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:,\d+)?|[-−]?\d+(?:[.,]\d+)?"
)


def find_leaks(folder: str | Path, study: Study | None = None) -> LeakReport:
    """Attack an output folder as a reader who knows the study would.

    Parameters
    ----------
    folder : str or Path
        An output folder; a study's folder stands for its output.
    study : Study, optional
        The study behind it; the one in the folder above by default, when it is there. Its tables
        give the tokens to search and, if they can be computed, the true values.

    Returns
    -------
    LeakReport

    Raises
    ------
    ImpactEvalError
        `leaks_no_folder`: there is nothing to attack; what a damaged `results.json` is refused for.

    Examples
    --------
    >>> find_leaks("mon-action/sortie").clean  # doctest: +SKIP
    True
    """
    target = _target(Path(folder))
    study = study if study is not None else _study_of(target)
    tokens = study_tokens(study) if study is not None else ()
    unpacked = unpack(target)
    results = StudyResults.read(target) if (target / FILE).is_file() else None
    found = [*_closed(unpacked), *text_leaks(unpacked.texts, tokens, study)]
    computed = False
    if results is not None:
        found += [*number_leaks(results), *table_leaks(unpacked.texts, results)]
        if study is not None:
            found += _of_editions(study, results)
            whole = _true_results(study)
            computed = whole is not None
            if whole is not None:
                found += value_leaks(unpacked.texts, whole, results)
    return LeakReport(gathered(found), unpacked.files, len(tokens), study is not None, computed)


def _target(folder: Path) -> Path:
    if (folder / "study.toml").is_file():  # its own tables are full of people
        folder = folder / OUTPUT
    if not folder.exists():
        raise ImpactEvalError(
            Finding.error("leaks_no_folder", Place(file=folder.name), path=str(folder))
        )
    return folder


def _study_of(folder: Path) -> Study | None:
    """Return the study of an output folder, when its file is beside it and can be read."""
    for place in (folder.resolve(), folder.resolve().parent):
        if (place / "study.toml").is_file():
            try:
                return Study.read(place)
            except ImpactEvalError:
                return None
    return None


def _closed(unpacked: Unpacked) -> Iterator[Leak]:
    yield from (Leak(LeakKind.CLOSED, name) for name in unpacked.closed)


# -- texts --------------------------------------------------------------------------------------


def text_leaks(
    texts: Iterable[FoundText], tokens: Iterable[Token], study: Study | None = None
) -> tuple[Leak, ...]:
    """Return the tokens, paths and traces that texts hold.

    Parameters
    ----------
    texts : iterable of FoundText
    tokens : iterable of Token
    study : Study, optional
        Its folder's own path is searched too; what its file says itself is no leak.
    """
    index = TokenIndex(tokens)
    own = _own_paths(study)
    written = "" if study is None else study.path("study.toml").read_text("utf-8-sig", "replace")
    found: list[Leak] = []
    seen: dict[tuple[str, Token], bool] = {}
    for text in texts:
        for token in index.found_in(text.text):
            if not seen.setdefault((text.file, token), False):
                seen[text.file, token] = True
                kind = LeakKind(token.kind.value)
                found.append(Leak(kind, text.file, 1, (text.part,), (token.masked,)))
        for kind, form in _FORMS.items():
            hits = {hit[0] for hit in form.finditer(text.text) if hit[0] not in written}
            if hits:
                masked = tuple(map(_mask, sorted(hits)))
                found.append(Leak(kind, text.file, len(hits), (text.part,), masked))
        if any(path in text.text for path in own):
            found.append(Leak(LeakKind.PATH, text.file, 1, (text.part,)))
    return tuple(found)


def _mask(text: str) -> str:
    return f"{text[:2]}…"


def _own_paths(study: Study | None) -> tuple[str, ...]:
    """Return the paths of this machine that nothing shipped may hold."""
    paths = [Path.home(), Path(tempfile.gettempdir())]
    paths += [] if study is None else [study.folder]
    return tuple(f"{path}/" for path in paths if len(path.parts) > 2 or path == Path.home())


# -- numbers held against the true ones -----------------------------------------------------------


def _of_editions(study: Study, results: StudyResults) -> tuple[Leak, ...]:
    ledger = read_ledger(study.folder)
    return edition_leaks(results, ledger, released_counts(results)) if ledger.entries else ()


def _true_results(study: Study) -> StudyResults | None:
    """Return the results before the gate; None when the data are not there, or are refused."""
    try:
        return evaluate(study)
    except (ImpactEvalError, OSError):
        return None


def value_leaks(
    texts: Iterable[FoundText], whole: StudyResults, published: StudyResults
) -> tuple[Leak, ...]:
    """Return the withheld values that stand in a text, to the digits that are shown there.

    Parameters
    ----------
    texts : iterable of FoundText
    whole : StudyResults
        As computed, before the gate.
    published : StudyResults
        As published, of the same study.

    Notes
    -----
    A number of fewer than five significant digits may be many things, and is not held against a
    withheld value: counts are judged by `number_leaks`.
    """
    if whole.provenance.data_sha256 != published.provenance.data_sha256:
        return ()
    told = {f"{v:.{MEANT_DIGITS}g}" for v in _published_numbers(published)}
    hidden = {
        f"{abs(leaf.value):.{MEANT_DIGITS}g}": leaf.key
        for leaf in withheld_numbers(whole, published)
        if isinstance(leaf.value, float) and _digits(leaf.value) >= MEANT_DIGITS
    }
    hidden = {text: key for text, key in hidden.items() if text not in told}
    found: list[Leak] = []
    for text in texts:
        for number in _NUMBER.findall(text.text) if hidden else ():
            value = _value(number)
            key = None if value is None else hidden.get(f"{abs(value):.{MEANT_DIGITS}g}")
            if key is not None and value is not None and _digits(value) >= MEANT_DIGITS:
                found.append(Leak(LeakKind.WITHHELD_VALUE, text.file, 1, (key,)))
    return tuple(found)


def _published_numbers(results: StudyResults) -> Iterator[float]:
    for leaf in leaves(results):
        for value in leaf.value if isinstance(leaf.value, tuple) else (leaf.value,):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield abs(value)


def _digits(value: float) -> int:
    """Return how many significant digits a number is told with, 12 at most."""
    return len(f"{abs(value):.12g}".split("e")[0].replace(".", "").strip("0"))


def _value(number: str) -> float | None:
    plain = re.sub(r"[ \u00a0\u202f]", "", number).replace("−", "-").replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return None
