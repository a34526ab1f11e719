"""The verbs of the command that look at editions already made: verify, diff, pack, forget.

Annotations are values here (no `from __future__`): the help of a verb is in the words of the user,
known when the verb is added.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from impact_eval.report.texts import Texts

if TYPE_CHECKING:
    from impact_eval.pipeline.edition_diff import EditionDiff
    from impact_eval.pipeline.verification import Verification

REFUSED = 1
MISUSED = 2
DIFFERENT = 3


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the verbs of the command share.

    Attributes
    ----------
    texts : Texts
        In the user's language.
    show : callable
        Prints a line; control characters are written out.
    refusals : callable
        Turns a refusal into words and an exit code.
    command : type
        Class of a verb.
    """

    texts: Texts
    show: Callable[[str], None]
    refusals: Callable[[], AbstractContextManager[None]]
    command: type[TyperCommand]

    def say(self, code: str, **values: Any) -> str:
        """Return words of the command."""
        return self.texts.say(f"cli.{code}", **values)

    def show_json(self, content: object) -> None:
        """Print an answer for a machine."""
        self.show(json.dumps(content, ensure_ascii=False, indent=1))


def add_verbs(app: typer.Typer, terminal: Terminal) -> None:
    """Add the verbs that look at editions to the command."""
    _add_verify(app, terminal)
    _add_diff(app, terminal)
    _add_pack(app, terminal)
    _add_forget(app, terminal)


def _add_verify(app: typer.Typer, terminal: Terminal) -> None:
    say = terminal.say
    metavar = say("frame.folder")
    help_json = say("help.json")

    @app.command(cls=terminal.command, help=say("help.verify"))
    def verify(
        folder: Annotated[Path, typer.Argument(help=say("help.edition"), metavar=metavar)],
        study: Annotated[Path | None, typer.Option(help=say("verify.study"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=help_json)] = False,
    ) -> None:
        """Hold an edition against itself and against a second run."""
        with terminal.refusals():
            from impact_eval.pipeline.verification import verify as verify_folder

            outcome = verify_folder(folder, study=study)
        if as_json:
            terminal.show_json(outcome.to_dict())
        else:
            _tell_verification(outcome, terminal)
        if not outcome.verified:
            raise typer.Exit(DIFFERENT)


def _tell_verification(outcome: "Verification", terminal: Terminal) -> None:
    """Print the three words, under each what denies it."""
    from impact_eval.pipeline.difference_records import Aspect

    for aspect in Aspect:
        denied = outcome.of(aspect)
        state = "no" if denied else "yes"
        terminal.show(terminal.say(f"verify.{aspect.value}.{state}"))
        for difference in denied:
            terminal.show(f"  {terminal.texts.finding(difference.finding).text}")


def _add_diff(app: typer.Typer, terminal: Terminal) -> None:
    say = terminal.say
    metavar, help_json = say("frame.folder"), say("help.json")

    @app.command(cls=terminal.command, help=say("help.diff"))
    def diff(
        before: Annotated[Path, typer.Argument(help=say("diff.before"), metavar=metavar)],
        after: Annotated[Path, typer.Argument(help=say("diff.after"), metavar=metavar)],
        as_json: Annotated[bool, typer.Option("--json", help=help_json)] = False,
    ) -> None:
        """Say what changed between two editions of a study, and why."""
        with terminal.refusals():
            from impact_eval.pipeline.edition_diff import edition_diff

            found = edition_diff(before, after)
        if as_json:
            terminal.show_json(found.to_dict())
        else:
            _tell_diff(found, terminal)
        if not found.same:
            raise typer.Exit(DIFFERENT)


def _tell_diff(found: "EditionDiff", terminal: Terminal) -> None:
    """Print the causes, then what changes in the results, then the files."""
    from impact_eval.pipeline.edition_diff import About

    if found.same:
        terminal.show(terminal.say("diff.same"))
        return
    if not found.of(About.CAUSES):
        terminal.show(terminal.say("diff.no_cause"))
    for about in About:
        changes = found.of(about)
        if changes:
            terminal.show(terminal.say(f"diff.{about.value}"))
        for change in changes:
            terminal.show(f"  {terminal.texts.words(change.words)}")


def _add_pack(app: typer.Typer, terminal: Terminal) -> None:
    say = terminal.say
    metavar = say("frame.folder")

    @app.command(cls=terminal.command, help=say("help.pack"))
    def pack(
        folder: Annotated[Path, typer.Argument(help=say("help.edition"), metavar=metavar)],
        to: Annotated[Path | None, typer.Option(help=say("pack.to"))] = None,
        study: Annotated[Path | None, typer.Option(help=say("verify.study"))] = None,
    ) -> None:
        """Make the archive to hand over."""
        with terminal.refusals():
            from impact_eval.pipeline.pack import pack as pack_edition

            done = pack_edition(folder, to=to, study=study)
            terminal.show(say("pack.done", path=str(done.path), n=len(done.files)))


def _add_forget(app: typer.Typer, terminal: Terminal) -> None:
    say = terminal.say
    metavar = say("frame.folder")

    @app.command(cls=terminal.command, help=say("help.forget"))
    def forget(
        folder: Annotated[Path, typer.Argument(help=say("help.folder"), metavar=metavar)],
        person: Annotated[str | None, typer.Option(help=say("forget.person"))] = None,
        everything: Annotated[bool, typer.Option("--all", help=say("forget.all"))] = False,
        yes: Annotated[bool, typer.Option("--yes", help=say("forget.yes"))] = False,
    ) -> None:
        """Leave a person out, or remove what a study made about people."""
        if (person is None) != everything:
            terminal.show(say("forget.one_of_two"))
            raise typer.Exit(MISUSED)
        with terminal.refusals():
            if person is not None:
                _forget_person(folder, person, terminal)
            else:
                _forget_all(folder, terminal, sure=yes)


def _forget_person(folder: Path, person: str, terminal: Terminal) -> None:
    from impact_eval.pipeline.forget import forget_person

    done = forget_person(folder, person)
    terminal.show(terminal.say("forget.done"))
    terminal.show(terminal.say("forget.held"))
    for one in done.held_in:
        terminal.show(f"  {terminal.say('forget.rows', file=one.file, n=one.rows)}")
    if done.made:
        terminal.show(terminal.say("forget.made"))
    for path in done.made:
        terminal.show(f"  {path}")
    terminal.show(terminal.say("forget.published"))


def _forget_all(folder: Path, terminal: Terminal, *, sure: bool) -> None:
    from impact_eval.pipeline.forget import remove_made, retention

    found = retention(folder)
    code = "forget.removed" if sure else "forget.would_remove"
    terminal.show(terminal.say(code if found.ours else "forget.nothing"))
    for path in found.ours:
        terminal.show(f"  {path}")
    if sure:
        remove_made(found)
    terminal.show(terminal.say("forget.theirs"))
    for name in found.theirs:
        terminal.show(f"  {name}")
    terminal.show(terminal.say("forget.key"))
    if found.ours and not sure:
        terminal.show(terminal.say("forget.say_yes"))
        raise typer.Exit(REFUSED)
