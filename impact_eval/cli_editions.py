"""The verbs of the command that look at editions already made: verify, diff, pack, forget.

Annotations are values here (no `from __future__`): the help of a verb is in the words of the user,
known when the verb is added.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impact_eval.cli_frames import REFUSED, TEXTS, Command, phrase, put, put_json, refused_in_words

if TYPE_CHECKING:
    from impact_eval.pipeline.edition_diff import EditionDiff
    from impact_eval.pipeline.verification import Verification

MISUSED = 2
DIFFERENT = 3


def add_verbs(app: typer.Typer) -> None:
    """Add the verbs that look at editions to the command."""
    _add_verify(app)
    _add_diff(app)
    _add_pack(app)
    _add_forget(app)


def _add_verify(app: typer.Typer) -> None:
    metavar = phrase("frame.folder")
    help_json = phrase("help.json")

    @app.command(cls=Command, help=phrase("help.verify"))
    def verify(
        folder: Annotated[Path, typer.Argument(help=phrase("help.edition"), metavar=metavar)],
        study: Annotated[Path | None, typer.Option(help=phrase("verify.study"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=help_json)] = False,
    ) -> None:
        """Hold an edition against itself and against a second run."""
        with refused_in_words():
            from impact_eval.pipeline.verification import verify as verify_folder

            outcome = verify_folder(folder, study=study)
        if as_json:
            put_json(outcome.to_dict())
        else:
            _tell_verification(outcome)
        if not outcome.verified:
            raise typer.Exit(DIFFERENT if outcome.differences else REFUSED)


def _tell_verification(outcome: "Verification") -> None:
    """Print the three words, under each what denies it."""
    from impact_eval.pipeline.difference_records import Aspect

    for aspect in Aspect:
        denied = outcome.of(aspect)
        state = "no" if denied else "yes"
        if aspect is Aspect.STABLE and outcome.stable is None:
            state = "unknown"
        put(phrase(f"verify.{aspect.value}.{state}"))
        for difference in denied:
            put(f"  {TEXTS.finding(difference.finding).text}")


def _add_diff(app: typer.Typer) -> None:
    metavar, help_json = phrase("frame.folder"), phrase("help.json")

    @app.command(cls=Command, help=phrase("help.diff"))
    def diff(
        before: Annotated[Path, typer.Argument(help=phrase("diff.before"), metavar=metavar)],
        after: Annotated[Path, typer.Argument(help=phrase("diff.after"), metavar=metavar)],
        as_json: Annotated[bool, typer.Option("--json", help=help_json)] = False,
    ) -> None:
        """Say what changed between two editions of a study, and why."""
        with refused_in_words():
            from impact_eval.pipeline.edition_diff import edition_diff

            found = edition_diff(before, after)
        if as_json:
            put_json(found.to_dict())
        else:
            _tell_diff(found)
        if not found.same:
            raise typer.Exit(DIFFERENT)


def _tell_diff(found: "EditionDiff") -> None:
    """Print the causes, then what changes in the results, then the files."""
    from impact_eval.pipeline.edition_diff import About

    if found.same:
        put(phrase("diff.same"))
        return
    if not found.of(About.CAUSES):
        put(phrase("diff.no_cause"))
    for about in About:
        changes = found.of(about)
        if changes:
            put(phrase(f"diff.{about.value}"))
        for change in changes:
            put(f"  {TEXTS.words(change.words)}")


def _add_pack(app: typer.Typer) -> None:
    metavar = phrase("frame.folder")

    @app.command(cls=Command, help=phrase("help.pack"))
    def pack(
        folder: Annotated[Path, typer.Argument(help=phrase("help.edition"), metavar=metavar)],
        to: Annotated[Path | None, typer.Option(help=phrase("pack.to"))] = None,
        study: Annotated[Path | None, typer.Option(help=phrase("verify.study"))] = None,
    ) -> None:
        """Make the archive to hand over."""
        with refused_in_words():
            from impact_eval.pipeline.pack import pack as pack_edition

            done = pack_edition(folder, to=to, study=study)
            put(phrase("pack.done", path=str(done.path), n=len(done.files)))
            if done.behind:
                put(phrase("pack.behind", names=done.behind, n=len(done.behind)), err=True)


def _add_forget(app: typer.Typer) -> None:
    metavar = phrase("frame.folder")

    @app.command(cls=Command, help=phrase("help.forget"))
    def forget(
        folder: Annotated[Path, typer.Argument(help=phrase("help.folder"), metavar=metavar)],
        person: Annotated[str | None, typer.Option(help=phrase("forget.person"))] = None,
        everything: Annotated[bool, typer.Option("--all", help=phrase("forget.all"))] = False,
        yes: Annotated[bool, typer.Option("--yes", help=phrase("forget.yes"))] = False,
    ) -> None:
        """Leave a person out, or remove what a study made about people."""
        if (person is None) != everything:
            put(phrase("forget.one_of_two"))
            raise typer.Exit(MISUSED)
        with refused_in_words():
            if person is not None:
                _forget_person(folder, person)
            else:
                _forget_all(folder, sure=yes)


def _forget_person(folder: Path, person: str) -> None:
    from impact_eval.pipeline.forget import forget_person

    done = forget_person(folder, person)
    put(phrase("forget.done"))
    put(phrase("forget.held"))
    for one in done.held_in:
        put(f"  {phrase('forget.rows', file=one.file, n=one.rows)}")
    if done.made:
        put(phrase("forget.made"))
    for path in done.made:
        put(f"  {path}")
    put(phrase("forget.elsewhere"))
    put(phrase("forget.published"))


def _forget_all(folder: Path, *, sure: bool) -> None:
    from impact_eval.pipeline.forget import remove_made, retention

    found = retention(folder)
    if found.until is not None:
        put(phrase("forget.until", day=found.until))
    code = "forget.removed" if sure else "forget.would_remove"
    put(phrase(code if found.ours else "forget.nothing"))
    for path in found.ours:
        put(f"  {path}")
    if sure:
        remove_made(found)
    put(phrase("forget.elsewhere"))
    put(phrase("forget.theirs"))
    for name in found.theirs:
        put(f"  {name}")
    put(phrase("forget.key"))
    if found.ours and not sure:
        put(phrase("forget.say_yes"))
        raise typer.Exit(REFUSED)
