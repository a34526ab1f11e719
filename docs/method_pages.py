"""One page per method of the registry: words, figure, conditions, what it was held to."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from figures import LANGUAGES, figure_of
from pages import code, doi, index, plain, table, write

from impact_eval.data.sample import DataShape
from impact_eval.designs import Design, designs
from impact_eval.designs.options import rules_of
from impact_eval.report.texts import Texts

FOLDER = "methods"
PARTS = {
    "en": ("What is compared", "What must be believed", "What would break it", "In one figure"),
    "fr": (
        "Ce qui est comparé",
        "Ce qu’il faut croire",
        "Ce qui la ferait échouer",
        "En une figure",
    ),
}


def _words(texts: Texts, key: str) -> str:
    return plain(texts.say(key)) if key in texts else code(key)


def _side(design: type[Design], language: str) -> list[str]:
    """Return the words of a method in one language."""
    name, texts = design.info.name, Texts(language)
    titles = PARTS[language]
    lines = [f"## {'English' if language == 'en' else 'Français'}", ""]
    lines += [f"**{_words(texts, f'method.{name}.name')}**", ""]
    for part, title in zip(("compares", "believes", "breaks"), titles[:3], strict=True):
        lines += [f"### {title}", "", _words(texts, f"method.{name}.{part}"), ""]
        if part == "believes":
            lines += [
                f"- {code(a)}: {_words(texts, f'assumption.{a}.text')}"
                for a in design.info.assumptions
            ]
            lines.append("")
    alt = figure_of(name, over_time=_over_time(design)).alt[language]
    lines += [f"### {titles[3]}", "", f"![{plain(alt)}]({name}.{language}.svg)", ""]
    return [*lines, f"*{plain(alt)}*", ""]


def _over_time(design: type[Design]) -> bool:
    return design.info.shapes != {DataShape.CROSS_SECTION}


def _default(item: Any) -> str:
    if item.default is not MISSING:
        value = item.default
    elif item.default_factory is not MISSING:
        value = item.default_factory()
    else:
        return "—"
    value = getattr(value, "value", value)
    if isinstance(value, str):
        return code(f'"{value}"')
    return code(re.sub(r"<\w+\.\w+: (.+?)>", r"\1", repr(value)))


def _allowed(design: type[Design], name: str) -> str:
    rule = rules_of(design).get(name)
    if rule is None:
        return ", ".join(map(code, design.info.covariances))
    low = "free" if rule.low is None else f"a number, at least {rule.low:g}"
    return ", ".join(map(code, rule.one_of)) or low


def _options(design: type[Design]) -> list[str]:
    rows = [
        (code(item.name), _allowed(design, item.name), _default(item))
        for item in fields(design)  # type: ignore[arg-type]
    ]
    return table(("option", "allowed values", "default"), rows) if rows else ["No option.", ""]


def _sheet(design: type[Design]) -> list[str]:
    """Return the declaration of a method, and what its numbers were held to."""
    info, english = design.info, Texts("en")
    least = info.minimum
    counts = ("units", "clusters", "periods", "treated", "comparison")
    lines = ["## Sheet", ""]
    rows = [
        ("registry name", code(info.name)),
        ("class", code(f"{design.__module__}.{design.__qualname__}")),
        ("data", ", ".join(sorted(code(s.value) for s in info.shapes))),
        ("estimates", ", ".join(map(code, info.estimands))),
        ("has a counterfactual", "yes" if info.counterfactual else "no: a change, not an effect"),
        ("evidence ceiling", f"{info.evidence_ceiling} of 4"),
        ("least numbers", ", ".join(f"{name} {getattr(least, name)}" for name in counts)),
        ("uses covariates", "yes" if info.covariates else "no: refused by name"),
        ("uses weights", "yes" if info.weights else "no: refused by name"),
        ("uses clusters", "yes" if info.clusters else "no: refused by name"),
        ("treatment may switch off", "yes" if info.reversible else "no"),
        ("draws at random", "yes, from a seed" if info.seeded else "no"),
    ]
    lines += table(("", ""), rows)
    lines += ["### Options", "", *_options(design), "### Checks run by default", ""]
    lines += [f"- {code(c)}: {_words(english, f'check.{c}.name')}" for c in info.checks] or [
        "None."
    ]
    lines += ["", "### Numbers held to", "", plain(info.oracle), "", "### References", ""]
    return [*lines, *(f"- {doi(reference)}" for reference in info.references), ""]


def method_page(design: type[Design]) -> list[str]:
    """Return the page of one method, ours or a third party's."""
    title = _words(Texts("en"), f"method.{design.info.name}.name")
    lines = [
        f"# {title}",
        "",
        f"`{design.info.name}` · [Français](#français) · [Sheet](#sheet)",
        "",
    ]
    return [*lines, *_side(design, "en"), *_side(design, "fr"), *_sheet(design)]


def write_methods() -> list[Path]:
    """Write every method's page and figures, and their list."""
    written = []
    for design in designs:
        name = design.info.name
        figure = figure_of(name, over_time=_over_time(design))
        for language in LANGUAGES:
            written.append(write(f"{FOLDER}/{name}.{language}.svg", [figure.svg(language)]))
        written.append(write(f"{FOLDER}/{name}.md", method_page(design)))
    english, french = Texts("en"), Texts("fr")
    rows = [
        (
            f"[{_words(english, f'method.{d.info.name}.name')}]({d.info.name}.md)",
            _words(french, f"method.{d.info.name}.name"),
            code(d.info.name),
            str(d.info.evidence_ceiling),
        )
        for d in designs
    ]
    intro = [
        "Each page is made from what the method declares and from the catalogue of texts: what is",
        "compared to what, what must be believed, what would break it, and what its numbers were",
        "held to. A method of another package appears here as soon as it is installed.",
        "",
        *table(("method", "méthode", "name", "evidence, at most"), rows),
    ]
    page = index("Methods", "\n".join(intro), (d.info.name for d in designs))
    return [*written, write(f"{FOLDER}/index.md", page)]
