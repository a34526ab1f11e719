"""The renderer that the door plugs into `Shown`: one list of blocks, as a text and as HTML."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.shown import Shown
from impact_eval.report.blocks import AnyBlock, block_to_dict
from impact_eval.report.html import Writer, page_environment, style_sheet
from impact_eval.report.objects.object_layout import screen
from impact_eval.report.texts import PageTexts, user_language

if TYPE_CHECKING:
    from markupsafe import Markup

Build: TypeAlias = Callable[..., list[AnyBlock]]

# Where the blocks of each noun are made: loaded when one of that kind is first shown.
_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "Account": "studies",
        "CheckResult": "remarks",
        "Effect": "estimate_card",
        "Estimate": "estimate_card",
        "Finding": "remarks",
        "Instrument": "data",
        "NotApplicable": "remarks",
        "Portfolio": "studies",
        "RatingAgreement": "data",
        "Sample": "data",
        "Scores": "data",
        "StudyResults": "studies",
    }
)


def put_in_words(thing: Shown, language: str | None, *, html: bool) -> str:
    """Put an object in words.

    Parameters
    ----------
    thing : Shown
        A noun of a floor below has its builder here; one of a floor above brings its own blocks,
        in a method `_shown_blocks`.
    language : str or None
        The user's by default.
    html : bool
        A fragment for a notebook's cell, instead of a screen of text.

    Raises
    ------
    ImpactEvalError
        `unknown_language`.
    """
    texts = PageTexts(user_language() if language is None else language)
    blocks = shown_blocks(thing)
    if html:
        return card(blocks, texts)
    return screen(list(Writer(texts, numbered=False).views(blocks)), texts)


def shown_blocks(thing: Shown) -> list[AnyBlock]:
    """Return what an object says of itself, before it has a language."""
    own = getattr(thing, "_shown_blocks", None)
    if own is not None:
        return list(own())
    for kind in type(thing).__mro__:
        if kind.__name__ in _HOMES:
            return _builder(kind.__name__)(thing)
    raise TypeError(type(thing).__name__)


@lru_cache(maxsize=16)
def _builder(kind: str) -> Build:
    module = importlib.import_module(f"impact_eval.report.objects.{_HOMES[kind]}")
    builders: Mapping[str, Build] = module.BUILDERS
    return builders[kind]


def card(blocks: Sequence[AnyBlock], texts: PageTexts) -> str:
    """Write blocks as a fragment whose identifiers no other cell of the notebook has."""
    content = canonical_json([block_to_dict(block) for block in blocks])
    prefix = f"ie-{sha256(content + texts.language)[:8]}-"
    views = list(Writer(texts, numbered=False, prefix=prefix).views(blocks))
    page = (
        page_environment()
        .get_template("object.html.j2")
        .render(language=texts.language, views=views, style=_style(), say=texts.say)
    )
    return str(page).strip() + "\n"


def _style() -> Markup:
    from markupsafe import Markup

    return Markup(style_sheet("object.css"))
