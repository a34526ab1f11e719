"""The verb of the command that shows the scales and writes their questionnaires: instruments.

Annotations are values here (no `from __future__`): the help of a verb is in the words of the user,
known when the verb is added.
"""

from pathlib import Path
from typing import Annotated

import typer

from impact_eval.cli_frames import LANGUAGE, Command, phrase, put, put_json, refused_in_words
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.report.texts import Texts


def add_scales(app: typer.Typer) -> None:
    """Add the verb that shows the scales to the command."""
    name_help, metavar = phrase("help.instrument_name"), phrase("frame.name")

    @app.command(cls=Command, help=phrase("help.instruments"))
    def instruments(
        name: Annotated[str | None, typer.Argument(help=name_help, metavar=metavar)] = None,
        as_json: Annotated[bool, typer.Option("--json", help=phrase("help.json"))] = False,
        questionnaire: Annotated[
            Path | None, typer.Option("--questionnaire", help=phrase("help.questionnaire"))
        ] = None,
        licence_declared: Annotated[
            bool, typer.Option("--licence-declared", help=phrase("help.licence_declared"))
        ] = False,
        lang: Annotated[str, typer.Option("--lang", help=phrase("help.lang"))] = LANGUAGE,
    ) -> None:
        """List the scales, show the card of one, or write its questionnaire."""
        with refused_in_words():
            texts = Texts(lang)
            if questionnaire is not None:
                _write(name, questionnaire, texts, licence_declared=licence_declared)
                return
            from impact_eval.pipeline.listings import instrument_lines, instrument_records

            if as_json:
                put_json(instrument_records(name))
                return
            for line in instrument_lines(name, texts):
                put(line)


def _write(name: str | None, path: Path, texts: Texts, *, licence_declared: bool) -> None:
    from impact_eval.pipeline.listings import named_scale
    from impact_eval.pipeline.questionnaires import write_questionnaire

    if name is None:
        raise ImpactEvalError(Finding.error("form_without_scale"))
    written = write_questionnaire(named_scale(name), path, texts, licence_declared=licence_declared)
    for line in written.lines(texts):
        put(line)
