"""From codes to words: the catalogues in every language, and the errors told in five parts.

A catalogue is a folder of TOML files, one per topic. A table holds the texts of one code; its
fields are `text` and whatever else that kind of code needs (`repair`, `name`, `believes`…). A field
`x_one` beside `x` is the singular, chosen by the count that `plural` names. Placeholders are
`{name}` or `{name:format}`, with the formats of `impact_eval.report.formats`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from impact_eval.core.findings import (
    Finding,
    ImpactEvalError,
    NotApplicable,
    Severity,
    nearest,
)
from impact_eval.core.registry import declared_elsewhere
from impact_eval.report.formats import MISSING, OF_CATALOGUE, listed, show
from impact_eval.report.languages.language import formats_of, language_codes
from impact_eval.report.terminal import printable
from impact_eval.report.topics import Topics
from impact_eval.report.typography import counted_in_words, readable, typography

ENTRY_POINTS = "impact_eval.texts"
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([a-z0-9_]+))?\}")
_PLURAL = "plural"
WITHHELD_COUNT = "report.withheld_count"  # what stands for a count of people that is kept back
_CLAUSES = ("reason.", "clause.")  # texts that a sentence takes in


class Folder(Protocol):
    """What a catalogue folder must offer: the part of `pathlib.Path` used here."""

    name: str

    def iterdir(self) -> Iterator[Any]:
        """List the folder."""
        ...

    def joinpath(self, *parts: str) -> Any:
        """Go down."""
        ...


@runtime_checkable
class _Dumps(Protocol):
    """A record, without the library that makes records: commands start without it."""

    def model_dump(self) -> dict[str, object]:
        """Return its fields."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the catalogue, with its singular and the count that chooses between them."""

    many: str
    one: str | None = None
    count: str | None = None

    def choose(self, values: Mapping[str, object], language: str) -> str:
        """Return the singular or the plural; French says “0 personne”, English “0 people”."""
        n = values.get(self.count) if self.count else None
        if self.one is None or not isinstance(n, (int, float)):
            return self.many
        return self.one if formats_of(language).single(n) else self.many


class FindingText(NamedTuple):
    """A finding in words: what was found and why it matters, and how to mend it."""

    text: str
    repair: str | None


def _flatten(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Text]]:
    count = table.get(_PLURAL)
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from _flatten(value, name)
        elif key != _PLURAL and not (key.endswith("_one") and key[:-4] in table):
            yield name, Text(str(value), table.get(f"{key}_one"), count)


def read_topics(
    folder: Folder, language: str
) -> tuple[dict[str, Text], tuple[tuple[str, str], ...]]:
    """Read the topics of one language, and the keys met twice.

    Parameters
    ----------
    folder : path-like
        Holds one sub-folder per language, each with one TOML file per topic.
    language : str

    Returns
    -------
    texts : dict
        Key to text; the first topic in alphabetical order wins.
    clashes : tuple of (key, file)
        Keys written again in another file.
    """
    texts: dict[str, Text] = {}
    clashes: list[tuple[str, str]] = []
    for name, held in _files(folder, language):
        for key, text in _read(held).items():
            if key in texts:
                clashes.append((key, name))
            else:
                texts[key] = text
    return texts, tuple(clashes)


def _files(folder: Folder, language: str) -> list[tuple[str, str]]:
    """Return the name of each topic of a language and what its file holds, in order."""
    room = folder.joinpath(language)
    found = [f for f in room.iterdir() if f.name.endswith(".toml")] if room.is_dir() else []
    return [
        (str(file.name), file.read_text(encoding="utf-8"))
        for file in sorted(found, key=lambda f: str(f.name))
    ]


def _read(held: str) -> dict[str, Text]:
    """Return the texts of one file by their codes."""
    return dict(_flatten(tomllib.loads(held)))


def own_folder() -> Folder:
    """Return the catalogue shipped with the package."""
    folder: Any = resources.files("impact_eval.report").joinpath("locale")
    return folder  # type: ignore[no-any-return]  # a Traversable, which offers what Folder asks


def _foreign_folders() -> list[Folder]:
    """Return the catalogues that other packages declare."""
    found: list[Any] = []
    for point in sorted(declared_elsewhere(ENTRY_POINTS), key=lambda p: p.name):
        place = point.load()
        found.append(place() if callable(place) else place)
    return found


def _add(texts: dict[str, Text], folder: Folder, language: str) -> None:
    """Add another package's texts; a key of ours written again is refused."""
    more, clashes = read_topics(folder, language)
    taken = [*(key for key, _ in clashes), *(key for key in more if key in texts)]
    if taken:
        raise ImpactEvalError(
            Finding.error("duplicate_text", key=key, file=folder.name) for key in taken
        )
    texts.update(more)


@lru_cache(maxsize=4096)
def _polished(text: str, language: str) -> str:
    """Return a text with its typography put right; done when it is said, not when it is read."""
    return typography(text.strip(), language)


@lru_cache(maxsize=4)
def _load(language: str) -> Mapping[str, Text]:
    own: Mapping[str, Text] = Topics(dict(_files(own_folder(), language)), _read)
    foreign = _foreign_folders()
    if not foreign:
        return own
    texts = dict(own)
    for folder in foreign:
        _add(texts, folder, language)
    return MappingProxyType(texts)


class Texts:
    """The words of one language.

    Parameters
    ----------
    language : str
        A code of `language_codes`: "fr", "en", or another package's.
    extra : folders, optional
        Further catalogues (each with one sub-folder per language), for a design or an instrument
        that is not installed as a package.

    Raises
    ------
    ImpactEvalError
        `unknown_language`, `duplicate_text`.

    Examples
    --------
    >>> Texts("en").say("report.level.name.3")
    'attributable to the action, under an assumption'
    """

    def __init__(self, language: str = "fr", extra: Sequence[Folder] = ()) -> None:
        if language not in language_codes():
            known = language_codes()
            raise ImpactEvalError(
                Finding.error(
                    "unknown_language", name=language, nearest=nearest(language, known), known=known
                )
            )
        self.language = language
        self._texts = _load(language)
        if extra:
            more = dict(self._texts)
            for folder in extra:
                _add(more, folder, language)
            self._texts = MappingProxyType(more)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Texts):
            return NotImplemented
        return self.language == other.language and self._texts is other._texts

    def __hash__(self) -> int:
        return hash((self.language, id(self._texts)))

    def __contains__(self, path: str) -> bool:
        return path in self._texts or f"{path}.text" in self._texts

    def codes(self) -> tuple[str, ...]:
        """Return every key of the catalogue, in alphabetical order."""
        return tuple(sorted(self._texts))

    def source(self, path: str) -> Text:
        """Return the text of a key, before its values are put in.

        Raises
        ------
        ImpactEvalError
            `unknown_text`, with the nearest key.
        """
        for key in (f"{path}.text", path):
            if key in self._texts:
                return self._texts[key]
        raise ImpactEvalError(
            Finding.error("unknown_text", key=path, nearest=nearest(path, self._texts))
        )

    def say(self, path: str, /, **values: object) -> str:
        """Return the sentence of a code, with its values written in this language.

        Parameters
        ----------
        path : str
            Such as `sentence.null` or `method.did.name`; a final `.text` may be left out.
        **values
            What the placeholders need: scalars, lists, or words (see `words`).

        Raises
        ------
        ImpactEvalError
            `unknown_text`, `missing_text_value`.
        """
        chosen = self.source(path).choose(values, self.language)
        template = _polished(chosen, self.language)

        def fill(match: re.Match[str]) -> str:
            name, fmt = match[1], match[2]
            if name not in values:
                raise ImpactEvalError(Finding.error("missing_text_value", key=path, name=name))
            return self.show(values[name], fmt)

        filled = _tidy_p(_PLACEHOLDER.sub(fill, template), formats_of(self.language).less)
        if path == WITHHELD_COUNT:
            return filled
        count = self.source(WITHHELD_COUNT).many
        sentence = not path.startswith(_CLAUSES)
        return counted_in_words(filled, count, self.language, sentence=sentence)

    def first(self, *paths: str, **values: object) -> str:
        """Return the sentence of the first code that has one; the last must have one."""
        for path in paths[:-1]:
            if path in self:
                return self.say(path, **values)
        return self.say(paths[-1], **values)

    def show(self, value: object, fmt: str | None = None) -> str:
        """Write one value: a scalar, a list, or words (`words`)."""
        if isinstance(value, Mapping):
            return self.words(value)
        if fmt in OF_CATALOGUE:
            write = {"label": self.label, "choice": self.choice, "taken": self._taken}[fmt]
            if isinstance(value, (list, tuple)):
                names = [self.words(v) if isinstance(v, Mapping) else write(str(v)) for v in value]
                return listed(names, self.language)
            return write(str(value))
        if isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
            return listed([self.show(v) for v in value], self.language)
        return show(value, fmt, self.language)

    def words(self, words: object) -> str:
        """Write words: `{"code": …, "values": {…}}`, `{"fr": …, "en": …}`, or a text as it is."""
        if words is None:
            return MISSING
        if isinstance(words, _Dumps):
            words = words.model_dump()
        if not isinstance(words, Mapping):
            return self.show(words)
        if "code" in words:
            code, values = str(words["code"]), dict(words.get("values") or {})
            try:
                return self.say(code, **values)
            except ImpactEvalError:  # another package's text: its code is better than no report
                return self._bare(code, values)
        for language in (self.language, *language_codes()):
            if words.get(language):
                return str(words[language])
        return MISSING

    def label(self, code: str) -> str:
        """Return the short label of a code; a user's own name stays itself."""
        key = f"label.{code}"
        return self.say(key) if key in self else code

    def choice(self, code: str) -> str:
        """Return the words that people write for one of a closed list; they are read back."""
        key = next((k for k in (f"choice.{code}", f"agent.{code}") if k in self), None)
        return self.label(code) if key is None else self.say(key)

    def _taken(self, pair: str) -> str:
        """Return a value taken by default (`price_year=2025`) in words."""
        name, _, held = pair.partition("=")
        key = f"taken.{name}"
        if key not in self:
            return pair
        try:
            return self.say(key, value=float(held))
        except ValueError:
            return self.say(key, value=held)

    def without_values(self, path: str) -> str:
        """Return the sentence of a code with « … » for each value: what any place may hold.

        Parameters
        ----------
        path : str
        """
        return _PLACEHOLDER.sub("…", self.source(path).many)

    def finding(self, finding: Finding) -> FindingText:
        """Return a finding in words. Never fails: an unknown code is shown with its values."""
        path = f"finding.{finding.code}"
        try:
            text = self.say(path, **finding.values)
            repair = f"{path}.repair"
            return FindingText(
                text, self.say(repair, **finding.values) if repair in self._texts else None
            )
        except ImpactEvalError:
            return FindingText(self._bare(finding.code, finding.values), None)

    def reason(self, na: NotApplicable) -> str:
        """Return why something cannot be computed. Never fails."""
        try:
            return self.first(f"reason.{na.reason}", f"finding.{na.reason}", **na.values)
        except ImpactEvalError:
            return self._bare(na.reason, na.values)

    def _bare(self, code: str, values: Mapping[str, object]) -> str:
        told = ", ".join(f"{name} = {self.show(value)}" for name, value in values.items())
        return f"[{code}] {told}".rstrip()


class PageTexts(Texts):
    """The words of one language on a page: without what no page can hold."""

    def words(self, words: object) -> str:
        """Write words, without control characters."""
        return readable(super().words(words))

    def show(self, value: object, fmt: str | None = None) -> str:
        """Write one value, without control characters."""
        return readable(super().show(value, fmt))


def _tidy_p(text: str, less: str) -> str:
    """Turn “p = less than 0.001” into “p < 0.001”."""
    return re.sub(rf"(?<=\bp)(\s*)[=:]\s*{re.escape(less)} ", "\u00a0<\u00a0", text)


def placeholders(text: Text) -> frozenset[tuple[str, str | None]]:
    """Return the placeholders of a text, as (name, format)."""
    both = f"{text.many} {text.one or ''}"
    return frozenset((m[1], m[2]) for m in _PLACEHOLDER.finditer(both))


def user_language() -> str:
    """Return the user's language: `IMPACT_EVAL_LANGUAGE`, else the system's, else French."""
    for name in ("IMPACT_EVAL_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        whole = re.split(r"[_.@-]", os.environ.get(name, "").lower())[0]
        for code in (whole, whole[:2]):  # “gsw” is a language; “french” is a way to say “fr”
            if code in language_codes():
                return code
        if whole and name != "IMPACT_EVAL_LANGUAGE" and whole not in ("c", "posix"):
            return "en"
    return "fr"


def render_finding(finding: Finding, texts: Texts) -> str:
    """Tell one finding in five parts: found, where, expected, why, repair.

    Parameters
    ----------
    finding : Finding
    texts : Texts

    Returns
    -------
    str
        One line per known part; the code stands in brackets at the head. Control characters of
        what is told are written out.
    """
    said = texts.finding(finding)
    lines = [f"[{finding.code}] {said.text}"]
    parts = [("where", _where(finding, texts)), ("expected", _expected(finding, texts))]
    why = f"finding.{finding.code}.why"
    if f"{why}" in texts:
        parts.append(("why", texts.say(why, **finding.values)))
    parts.append(("repair", said.repair))
    lines += [texts.say(f"error.{name}", words=part) for name, part in parts if part]
    return printable("\n    ".join(lines))


def _where(finding: Finding, texts: Texts) -> str | None:
    place = finding.place
    if place is None:
        return None
    told = place.to_dict()
    return ", ".join(texts.say(f"error.place.{name}", value=part) for name, part in told.items())


def _expected(finding: Finding, texts: Texts) -> str | None:
    """Return what was expected: the catalogue's own words, else the names known."""
    path = f"finding.{finding.code}"
    if f"{path}.expected" in texts:
        return texts.say(f"{path}.expected", **finding.values)
    answers = finding.values.get("answers")
    if isinstance(answers, tuple):  # codes of a closed list: people write their words
        return texts.say("error.answers", names=answers)
    told: list[str] = []
    used = {name for name, _ in placeholders(texts.source(path))} if path in texts else set()
    repair = f"{path}.repair"
    used |= {name for name, _ in placeholders(texts.source(repair))} if repair in texts else set()
    close, known = finding.values.get("nearest"), finding.values.get("known")
    if close and "nearest" not in used:
        told.append(texts.say("error.nearest", name=close))
    if isinstance(known, tuple) and known and "known" not in used:
        told.append(texts.say("error.known", names=known))
    return " ".join(told) or None


def render_error(error: ImpactEvalError, language: str) -> str:
    """Tell every fault of an error, each in five parts, in the user's language.

    Parameters
    ----------
    error : ImpactEvalError
    language : str

    Returns
    -------
    str
        Several lines; a head with the count of faults, then one numbered paragraph for each.
    """
    texts = Texts(language if language in language_codes() else "en")
    faults = [f for f in error.findings if f.severity is Severity.ERROR] or list(error.findings)
    if len(faults) == 1:
        return render_finding(faults[0], texts)
    head = texts.say("error.head", n=len(faults))
    body = [f"{i}. {render_finding(fault, texts)}" for i, fault in enumerate(faults, 1)]
    return "\n".join([head, *body])
