"""The command `impact-eval`: thin words around what the library does.

Exit codes: 0 all is well; 1 refused, with the reasons; 2 the command itself is misused; 3 a
verification found a difference.
"""

from __future__ import annotations

import gc
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from impact_eval.core.findings import Finding, ImpactEvalError, nearest
from impact_eval.report.terminal import printable
from impact_eval.report.texts import Texts, render_error, render_finding, user_language

if TYPE_CHECKING:
    from impact_eval.pipeline.opening import Opened
    from impact_eval.pipeline.runner import Run, Stage
    from impact_eval.pipeline.study import Study

REFUSED = 1
DIFFERENT = 3
# A table as lists of cells is swept again and again by Python's default (700 objects): a tenth of
# the time of a command went there, and almost nothing was found.
MADE_BETWEEN_SWEEPS = 50_000
MOST_MASKED = 5  # of what leaks, shown by first letters on a terminal
DEMO = "mobilite_bassins"

_language = user_language()
_texts = Texts(_language)


def _say(code: str, **values: Any) -> str:
    return _texts.say(f"cli.{code}", **values)


def _print(text: str = "", *, err: bool = False) -> None:
    typer.echo(printable(text), err=err)


def _speak_frames() -> None:
    """Put the user's words where the framework writes its own, before it shows a help or a misuse.

    What it draws with is loaded only then: a verb that answers shows none of it.
    """
    from typer import rich_utils

    rich_utils.OPTIONS_PANEL_TITLE = _say("frame.options")
    rich_utils.COMMANDS_PANEL_TITLE = _say("frame.commands")
    rich_utils.ARGUMENTS_PANEL_TITLE = _say("frame.arguments")
    rich_utils.REQUIRED_LONG_STRING = _say("frame.required")
    rich_utils.DEFAULT_STRING = _say("frame.default", value="{}")
    rich_utils.ERRORS_PANEL_TITLE = _say("frame.error")
    rich_utils.rich_format_error = _show_misuse  # type: ignore[assignment]  # it writes English


@contextmanager
def _misuse_spoken() -> Iterator[None]:
    """Let the framework tell a misuse in the user's words."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception:
        _speak_frames()
        raise


class _Spoken:
    """Help in the user's language, where the framework writes English of its own."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the arguments."""
        with _misuse_spoken():
            return super().make_context(*args, **extra)  # type: ignore[misc]

    def invoke(self, ctx: Any) -> Any:
        """Call what the arguments ask for."""
        with _misuse_spoken():
            return super().invoke(ctx)  # type: ignore[misc]

    def format_help(self, *args: Any) -> None:
        """Write the help."""
        _speak_frames()
        super().format_help(*args)  # type: ignore[misc]

    def get_usage(self, ctx: Any) -> str:
        """Return the usage line."""
        told: str = super().get_usage(ctx)  # type: ignore[misc]  # a mixin over both commands
        return told.replace("Usage:", _say("frame.usage"), 1)

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option that shows this help."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _say("frame.help")
        return option


class _Group(_Spoken, TyperGroup):
    """The command and its list of verbs."""


class _Command(_Spoken, TyperCommand):
    """One verb."""


def _misuse(error: Exception) -> str:
    """Put a misuse of the command in the user's words, by what the error knows of it."""
    option = getattr(error, "option_name", None)
    param = getattr(error, "param", None)
    if option is not None and hasattr(error, "possibilities"):
        close = nearest(option, error.possibilities or ())
        more = "" if close is None else " " + _say("did_you_mean", name=close)
        return _say("misuse.no_such_option", name=option) + more
    if option is not None:
        return _say("misuse.option", name=option)
    if param is not None:
        name = param.metavar or param.opts[-1]
        missing = hasattr(error, "param_type")
        return _say("misuse.missing" if missing else "misuse.value", name=name)
    return _say("misuse.extra")


def _show_misuse(error: Exception) -> None:
    """Print what is wrong with a command, and where its help is; called by the framework."""
    context = getattr(error, "ctx", None)
    if context is not None:
        _print(context.get_usage(), err=True)
    _print(_misuse(error), err=True)
    if context is not None:
        _print(_say("misuse.help", command=context.command_path), err=True)


app = typer.Typer(
    name="impact-eval",
    cls=_Group,
    subcommand_metavar=_say("frame.metavar"),
    help=_say("help.app"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help=_say("help.folder"), metavar=_say("frame.folder"))]
Json = Annotated[bool, typer.Option("--json", help=_say("help.json"))]


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal into words and an exit code; never a stack trace."""
    try:
        yield
    except ImpactEvalError as error:
        _print(render_error(error, _language), err=True)
        raise typer.Exit(REFUSED) from None


@app.command(cls=_Command, help=_say("help.demo"))
def demo(
    folder: Annotated[Path, typer.Option(help=_say("help.demo_folder"))] = Path("impact-eval-demo"),
) -> None:
    """Run the emblematic example from its data to its reports."""
    with _refusals():
        from impact_eval.pipeline.templates import resource_folder

        source = resource_folder("_datasets", "datasets") / DEMO
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.iterdir()):
            if path.is_file():
                shutil.copyfile(path, folder / path.name)
        _print(_say("demo.start", folder=str(folder)))
        _tell_run(_run(folder, output=None, template="study_report", fresh=True))


@app.command(cls=_Command, help=_say("help.new"))
def new(
    folder: Folder,
    design: Annotated[str, typer.Option(help=_say("help.design"))] = "callaway_santanna",
) -> None:
    """Start a study: a commented study file, ready to fill."""
    with _refusals():
        from impact_eval.pipeline.scaffold import start_study

        for path in start_study(folder, design=design, language=_language):
            _print(_say("new.written", path=str(path)))
        _print(_say("new.next", folder=str(folder)))


@app.command(cls=_Command, help=_say("help.check"))
def check(
    folder: Folder,
    as_json: Json = False,
    leaks: Annotated[bool, typer.Option("--leaks", help=_say("help.leaks"))] = False,
) -> None:
    """Validate a study file without running it, or attack what was written."""
    if leaks:
        with _refusals():
            _check_leaks(folder, as_json=as_json)
        return
    if as_json:
        _check_json(folder)
        return
    with _refusals():
        study, opened = _open(folder)
        declared = study.declaration
        from impact_eval.pipeline.opened_words import opened_lines, proposal_lines

        for line in (*opened_lines(opened, declared, _texts), *proposal_lines(opened, _texts)):
            _print(line)
        for finding in opened.noticed:
            _print(render_finding(finding, _texts))
        if opened.faults:
            raise ImpactEvalError(opened.faults)
        _print(_say("check.ok", id=declared.study.id, n=len(declared.outcomes)))


def _check_leaks(folder: Path, *, as_json: bool) -> None:
    """Say what an attack on an output folder finds; names are shown by their first letters."""
    from impact_eval.pipeline.leaks import find_leaks

    report = find_leaks(folder)
    if as_json:
        _print(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
    elif report.clean:
        _print(_say("leaks.clean", files=len(report.files), tokens=report.tokens))
    else:
        _print(_say("leaks.found"))
    for leak in () if as_json else report.leaks:
        _print(render_finding(leak.to_finding(), _texts))
        if leak.masked and sys.stdout.isatty():
            _print(_say("leaks.masked", names=leak.masked[:MOST_MASKED]))
    if not as_json and not (report.with_data and report.computed):
        _print(_say("leaks.not_computed" if report.with_data else "leaks.no_data"))
    if not report.clean:
        raise typer.Exit(REFUSED)


def _open(folder: Path) -> tuple[Study, Opened]:
    """Return a study and its tables opened; a declaration of no form is refused alone."""
    from impact_eval.pipeline.study import Study

    study, faults = Study.examine(folder)
    if study is None:
        raise ImpactEvalError(faults)
    from impact_eval.pipeline.opening import open_study

    return study, open_study(study, faults)


def _check_json(folder: Path) -> None:
    try:
        opened = _open(folder)[1]
        refused, findings = opened.faults, opened.faults or opened.noticed
    except ImpactEvalError as error:
        refused = findings = error.findings
    _print(json.dumps([f.to_dict() for f in findings], ensure_ascii=False, indent=1))
    if refused:
        raise typer.Exit(REFUSED)


@app.command(cls=_Command, help=_say("help.plan"))
def plan(folder: Folder) -> None:
    """Freeze the protocol before looking at the results."""
    with _refusals():
        from impact_eval.pipeline.protocol import freeze

        record = freeze(folder)
        _print(_say("plan.frozen", sha256=record.study_sha256, path=str(record.path)))


@app.command(cls=_Command, help=_say("help.run"))
def run(
    folder: Folder,
    output: Annotated[Path | None, typer.Option(help=_say("help.output"))] = None,
    template: Annotated[str, typer.Option(help=_say("help.template"))] = "study_report",
    fresh: Annotated[bool, typer.Option("--fresh", help=_say("help.fresh"))] = False,
) -> None:
    """Run a study and write its reports."""
    with _refusals():
        _tell_run(_run(folder, output=output, template=template, fresh=fresh))


def _run(folder: Path, *, output: Path | None, template: str, fresh: bool) -> Run:
    from impact_eval.pipeline.runner import run as run_study

    with _progress() as progress:
        return run_study(folder, output=output, template=template, progress=progress, fresh=fresh)


@contextmanager
def _progress() -> Iterator[Callable[[Stage, int, int], None]]:
    """Show a bar on a terminal, plain lines when piped."""
    if not sys.stdout.isatty():
        seen: set[str] = set()

        def line(stage: Stage, done: int, total: int) -> None:
            if stage.value not in seen:
                seen.add(stage.value)
                _print(_say(f"stage.{stage.value}"))

        yield line
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=1)

        def show(stage: Stage, done: int, total: int) -> None:
            bar.update(
                task, description=_say(f"stage.{stage.value}"), completed=done, total=max(total, 1)
            )

        yield show


def _tell_run(done: Run) -> None:
    evidence = done.results.evidence_level
    _print()
    _print(_say("run.done", title=_texts.words(done.results.study.title)))
    _print(_say("run.level", level=evidence, name=_texts.say(f"report.level.name.{evidence}")))
    if done.resumed:
        _print(_say("run.resumed"))
    _print(_say("run.reports"))
    for path in done.reports:
        _print(f"  {path}")
    if done.operator_note is not None:
        _print()
        _print(_say("run.urgent", path=str(done.operator_note)))
        _print(done.operator_note.read_text(encoding="utf-8"))


@app.command(cls=_Command, help=_say("help.verify"))
def verify(folder: Folder) -> None:
    """Run a study again and compare with what was published."""
    with _refusals():
        from impact_eval.pipeline.verification import verify as verify_folder

        outcome = verify_folder(folder)
        for name in ("complete", "stable", "consistent"):
            state = "yes" if getattr(outcome, name) else "no"
            _print(_say(f"verify.{name}.{state}"))
        for difference in outcome.differences:
            _print(f"  {difference}")
        if not outcome.verified:
            raise typer.Exit(DIFFERENT)


@app.command(cls=_Command, help=_say("help.portfolio"))
def portfolio(
    results: Annotated[
        list[str], typer.Argument(help=_say("help.results"), metavar=_say("frame.results"))
    ],
    outcome: Annotated[str, typer.Option(help=_say("help.outcome"))],
    output: Annotated[Path, typer.Option(help=_say("help.output"))] = Path("consolidation"),
) -> None:
    """Read several studies' results together and pool one outcome."""
    with _refusals():
        from impact_eval.pipeline.territory_account import consolidate_studies

        for path in consolidate_studies(results, outcome=outcome, output=output):
            _print(f"  {path}")


@app.command(cls=_Command, help=_say("help.methods"))
def methods(
    name: Annotated[
        str | None, typer.Argument(help=_say("help.method_name"), metavar=_say("frame.name"))
    ] = None,
    as_json: Json = False,
) -> None:
    """List the estimators, or explain one."""
    with _refusals():
        from impact_eval.designs import designs

        if as_json:
            declared = [design.info.to_dict() for design in designs]
            _print(json.dumps(declared, ensure_ascii=False, indent=1))
        elif name is None:
            for design in designs:
                title = _texts.say(f"method.{design.info.name}.name")
                level = design.info.evidence_ceiling
                _print(_say("methods.line", name=design.info.name, title=title, level=level))
        else:
            _explain(designs.get(name).info.name)


def _explain(name: str) -> None:
    from impact_eval.designs import designs

    info = designs.get(name).info
    _print(_texts.say(f"method.{name}.name"))
    for part in ("compares", "believes", "breaks"):
        _print(f"\n{_say(f'methods.{part}')}")
        _print(f"  {_texts.say(f'method.{name}.{part}')}")
    _print(f"\n{_say('methods.options')}")
    for option, allowed in info.options.items():
        _print(f"  {option}: {', '.join(map(str, allowed)) or '…'}")
    _print(f"\n{_say('methods.oracle')}\n  {info.oracle}")
    _print(f"\n{_say('methods.references')}")
    for reference in info.references:
        _print(f"  {reference}")


@app.command(cls=_Command, help=_say("help.instruments"))
def instruments(
    name: Annotated[
        str | None, typer.Argument(help=_say("help.instrument_name"), metavar=_say("frame.name"))
    ] = None,
    as_json: Json = False,
) -> None:
    """List the scales with their rights and sources, or explain one."""
    with _refusals():
        from impact_eval.pipeline.listings import instrument_lines, instrument_records

        if as_json:
            _print(json.dumps(instrument_records(name), ensure_ascii=False, indent=1))
            return
        for line in instrument_lines(name, _texts):
            _print(line)


@app.command(cls=_Command, help=_say("help.lab"))
def lab(
    folder: Annotated[
        Path, typer.Argument(help=_say("help.folder"), metavar=_say("frame.folder"))
    ] = Path(),
) -> None:
    """Open JupyterLab on a study with the template notebook beside it."""
    with _refusals():
        import importlib.util
        import subprocess

        if importlib.util.find_spec("jupyterlab") is None:
            raise ImpactEvalError(Finding.error("extra_missing", extra="lab", package="jupyterlab"))
        from impact_eval.pipeline.templates import STUDY_REPORT, template_path

        target = folder / f"{STUDY_REPORT}.ipynb"
        if not target.exists():
            shutil.copyfile(template_path(STUDY_REPORT), target)
        subprocess.run([sys.executable, "-m", "jupyterlab", str(target)], check=False)


def main() -> None:
    """Run the command; a misspelt one is told its nearest neighbour."""
    gc.set_threshold(MADE_BETWEEN_SWEEPS)
    known = [
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    ]
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if first is not None and first not in known:
        close = nearest(first, known)
        _print(_say("unknown_command", name=first), err=True)
        if close is not None:
            _print(_say("did_you_mean", name=close), err=True)
        raise SystemExit(2)
    app()


if __name__ == "__main__":
    main()
