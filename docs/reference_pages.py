"""Pages of the public API, of the codes, of the value parameters and of the command."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from pages import code, index, plain, table, write

import impact_eval
from impact_eval.report.texts import Texts

FOLDER = "reference/generated"
MODULES = ("core", "designs", "diagnostics", "plan", "survey", "value")


def _entry(module: str, name: str) -> list[str]:
    """Return what Sphinx needs to document one public name from its docstring."""
    thing = getattr(importlib.import_module(module), name)
    if isinstance(thing, (str, ModuleType)) or not hasattr(thing, "__doc__"):
        return []
    if isinstance(thing, type):
        return [f".. autoclass:: {module}.{name}", "   :members:", ""]
    if callable(thing):
        return [f".. autofunction:: {module}.{name}", ""]
    return [f".. autodata:: {module}.{name}", "   :no-value:", ""]


def api_page(title: str, intro: str, module: str, names: Iterable[str]) -> list[str]:
    """Return a page of reStructuredText that documents names of one module."""
    lines = [title, "=" * len(title), "", intro, ""]
    for name in names:
        lines += _entry(module, name)
    return lines


def write_api() -> list[Path]:
    """Write one page for the door and one for each public room."""
    door = api_page(
        "impact_eval",
        "The door. Names are loaded when first used, so importing costs little.",
        "impact_eval",
        (name for name in impact_eval.__all__ if name != "__version__"),
    )
    written = [write(f"{FOLDER}/api/door.rst", door)]
    seen: set[Any] = {
        id(getattr(impact_eval, name)) for name in impact_eval.__all__ if name != "__version__"
    }
    for room in MODULES:
        module = importlib.import_module(f"impact_eval.{room}")
        names = [name for name in module.__all__ if id(getattr(module, name)) not in seen]
        intro = (module.__doc__ or "").strip().splitlines()[0]
        page = api_page(f"impact_eval.{room}", intro, module.__name__, names)
        written.append(write(f"{FOLDER}/api/{room}.rst", page))
    intro = "Every public name, from its own docstring. What is not here may change without notice."
    return [
        *written,
        write(f"{FOLDER}/api/index.md", index("Public API", intro, ("door", *MODULES))),
    ]


def _codes(texts: Texts, kind: str) -> list[str]:
    heads = {key.split(".")[1] for key in texts.codes() if key.startswith(f"{kind}.")}
    return sorted(heads)


def _said(texts: Texts, key: str) -> str:
    return plain(texts.source(key).many) if key in texts else "—"


def codes_page() -> list[str]:
    """Return every code that the library can emit, with its words in both languages."""
    lines = [
        "# Codes",
        "",
        "Each refusal, warning and reason has a stable code: it stands in brackets at the head of",
        "the message, and in `results.json`. Words in braces are filled with values.",
        "",
    ]
    for kind, title in (
        ("finding", "Findings"),
        ("reason", "Reasons why something is not computed"),
    ):
        lines += [f"## {title}", ""]
        for name in _codes(Texts("en"), kind):
            lines += [code(name), ""]
            for language in ("en", "fr"):
                texts, key = Texts(language), f"{kind}.{name}"
                parts = [_said(texts, f"{key}.{p}") for p in ("text", "why", "repair")]
                told = " ".join(part for part in parts if part != "—")
                lines.append(f"- *{language}* {told}")
            lines.append("")
    return lines


def values_page() -> list[str]:
    """Return the catalogue of dated value parameters."""
    from impact_eval.value import catalogue

    rows = [
        (
            code(p.id),
            plain(p.label.get("en", p.item)),
            plain(p.amount),
            plain(" ".join(str(x) for x in (p.currency, p.unit, p.price_year or "") if x)),
            plain(p.mark.value),
            plain(f"{p.source} {p.page}".strip()),
            plain(p.expires),
        )
        for p in catalogue().parameters.values()
    ]
    intro = (
        "Dated figures with their source. Mark: V read in the source, C recomputed, D derived,"
        " M from memory, ? uncertain. M and ? are never a default without their mark in the report."
    )
    head = ("id", "what", "amount", "unit, prices of", "mark", "source", "read again after")
    return ["# Value parameters", "", intro, "", *table(head, rows)]


def command_page() -> list[str]:
    """Return the commands, their arguments and options, in both languages, and the exit codes."""
    import typer

    from impact_eval.cli import app

    english, french = Texts("en"), Texts("fr")
    lines = [
        "# The command",
        "",
        "`impact-eval COMMAND`, in French or English by your system's language",
        "(`IMPACT_EVAL_LANGUAGE=fr` or `en` decides).",
        "",
    ]
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        lines += [f"## impact-eval {name}", ""]
        lines += [f"- *{t.language}* {_said(t, f'cli.help.{name}')}" for t in (english, french)]
        rows = [
            (code(" / ".join(p.opts) if p.opts[0].startswith("-") else p.name.upper()),
             "yes" if p.required else "no",
             code(p.default) if p.default not in (None, False) and not callable(p.default) else "—")
            for p in command.params
        ]  # fmt: skip
        lines += ["", *table(("argument", "required", "default"), rows)]
    exits = (
        ("0", "all is well"),
        ("1", "refused, with the reasons"),
        ("2", "the command itself is misused"),
        ("3", "a verification found a difference"),
    )
    return [*lines, "## Exit codes", "", *table(("code", "meaning"), exits)]


def limits_page() -> list[str]:
    """Return the limits of what is read and run, with the variable that moves each."""
    from impact_eval.core.limits import LIMITS

    english, french = Texts("en"), Texts("fr")
    head = ("variable", "limit", "what it bounds", "ce qu’elle borne")
    rows = (
        (code(limit.variable), f"{limit.default:,}", english.say(f"label.limit.{limit.name}"),
         french.say(f"label.limit.{limit.name}"))
        for limit in LIMITS
    )  # fmt: skip
    intro = (
        "What is beyond a limit is refused in words before it is loaded. A variable of the user's"
        " own environment moves a limit; a study file never does."
    )
    return ["# Limits", "", intro, "", *table(head, rows)]


def write_reference() -> list[Path]:
    """Write the pages of this module."""
    return [
        *write_api(),
        write(f"{FOLDER}/codes.md", codes_page()),
        write(f"{FOLDER}/values.md", values_page()),
        write(f"{FOLDER}/command.md", command_page()),
        write(f"{FOLDER}/limits.md", limits_page()),
    ]
