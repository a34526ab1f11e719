"""The command `impact-eval`: thin words around what the library does.

Exit codes: 0 all is well; 1 refused, with the reasons; 2 the command itself is misused; 3 a
verification found a difference.
"""

from __future__ import annotations

import gc
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impact_eval.cli_editions import add_verbs
from impact_eval.cli_frames import (
    LANGUAGE,
    REFUSED,
    TEXTS,
    Command,
    Group,
    phrase,
    put,
    put_json,
    refused_in_words,
)
from impact_eval.cli_scales import add_scales
from impact_eval.core.findings import ImpactEvalError, nearest
from impact_eval.report.texts import render_finding

if TYPE_CHECKING:
    from impact_eval.pipeline.opening import Opened
    from impact_eval.pipeline.runner import Run, Stage
    from impact_eval.pipeline.study import Study

# A table as lists of cells is swept again and again by Python's default (700 objects): a tenth of
# the time of a command went there, and almost nothing was found.
MADE_BETWEEN_SWEEPS = 50_000
# What reads a study file looks for plug-ins of its own in every installed package: none serves.
NO_PLUGIN = ("PYDANTIC_DISABLE_PLUGINS", "__all__")
DEMO_FOLDER = Path("impact-eval-demo")
MOST_MASKED = 5  # of what leaks, shown by first letters on a terminal

app = typer.Typer(
    name="impact-eval",
    cls=Group,
    subcommand_metavar=phrase("frame.metavar"),
    help=phrase("help.app"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help=phrase("help.folder"), metavar=phrase("frame.folder"))]
Json = Annotated[bool, typer.Option("--json", help=phrase("help.json"))]


@app.command(cls=Command, help=phrase("help.demo"))
def demo(
    folder: Annotated[Path, typer.Option(help=phrase("help.demo_folder"))] = Path(
        "impact-eval-demo"
    ),
) -> None:
    """Run the emblematic example from its data to its reports."""
    with refused_in_words():
        from impact_eval.pipeline.scaffold import start_demo

        start_demo(folder)
        put(phrase("demo.start", folder=str(folder)))
        _tell_run(_run(folder, output=None, template="study_report", fresh=True))


@app.command(cls=Command, help=phrase("help.new"))
def new(
    folder: Folder,
    design: Annotated[str, typer.Option(help=phrase("help.design"))] = "callaway_santanna",
) -> None:
    """Start a study: a commented study file, ready to fill."""
    with refused_in_words():
        from impact_eval.pipeline.scaffold import start_study

        for path in start_study(folder, design=design, language=LANGUAGE):
            put(phrase("new.written", path=str(path)))
        put(phrase("new.next", folder=as_typed(folder)))


def as_typed(path: Path) -> str:
    """Return a path as it is typed after a command: quoted where it must be, never an option."""
    text = str(path)
    text = f"./{text}" if text.startswith("-") else text
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


@app.command(cls=Command, help=phrase("help.check"))
def check(
    folder: Folder,
    as_json: Json = False,
    leaks: Annotated[bool, typer.Option("--leaks", help=phrase("help.leaks"))] = False,
) -> None:
    """Validate a study file without running it, or attack what was written."""
    if leaks:
        with refused_in_words():
            _check_leaks(folder, as_json=as_json)
        return
    if as_json:
        _check_json(folder)
        return
    with refused_in_words():
        study, opened = _open(folder)
        declared = study.declaration
        from impact_eval.pipeline.opened_words import opened_lines, proposal_lines

        for line in (*opened_lines(opened, declared, TEXTS), *proposal_lines(opened, TEXTS)):
            put(line)
        for finding in opened.noticed:
            put(render_finding(finding, TEXTS))
        if opened.faults:
            raise ImpactEvalError(opened.faults)
        put(phrase("check.ok", id=declared.study.id, n=len(declared.outcomes)))


def _check_leaks(folder: Path, *, as_json: bool) -> None:
    """Say what an attack on an output folder finds; names are shown by their first letters."""
    from impact_eval.pipeline.leaks import find_leaks

    report = find_leaks(folder)
    if as_json:
        put_json(report.to_dict())
    elif report.clean:
        put(phrase("leaks.clean", files=len(report.files), tokens=report.tokens))
    else:
        put(phrase("leaks.found"))
    for leak in () if as_json else report.leaks:
        put(render_finding(leak.to_finding(), TEXTS))
        if leak.masked and sys.stdout.isatty():
            put(phrase("leaks.masked", names=leak.masked[:MOST_MASKED]))
    if not as_json and not (report.with_data and report.computed):
        put(phrase("leaks.not_computed" if report.with_data else "leaks.no_data"))
    if not report.clean:
        raise typer.Exit(REFUSED)


def _open(folder: Path) -> tuple[Study, Opened]:
    """Return a study and its tables opened; a declaration of no form is refused alone.

    So is one without tables, at once: what opens them takes most of the time of an answer.
    """
    from impact_eval.pipeline.study import Study

    study, faults = Study.examine(folder)
    if study is None:
        raise ImpactEvalError(faults)
    from impact_eval.pipeline.nothing_opened import has_a_map, has_nothing_to_open, told_once

    if faults and has_nothing_to_open(study) and not has_a_map(study):
        raise ImpactEvalError(told_once(faults))
    from impact_eval.pipeline.opening import open_study

    return study, open_study(study, faults)


def _check_json(folder: Path) -> None:
    try:
        opened = _open(folder)[1]
        refused, findings = opened.faults, opened.faults or opened.noticed
    except ImpactEvalError as error:
        refused = findings = error.findings
    put_json([f.to_dict() for f in findings])
    if refused:
        raise typer.Exit(REFUSED)


@app.command(cls=Command, help=phrase("help.plan"))
def plan(folder: Folder) -> None:
    """Freeze the protocol before looking at the results."""
    with refused_in_words():
        from impact_eval.pipeline.protocol import freeze

        record = freeze(folder)
        put(phrase("plan.frozen", sha256=record.study_sha256, path=str(record.path)))


@app.command(cls=Command, help=phrase("help.run"))
def run(
    folder: Folder,
    output: Annotated[Path | None, typer.Option(help=phrase("help.output"))] = None,
    template: Annotated[str, typer.Option(help=phrase("help.template"))] = "study_report",
    fresh: Annotated[bool, typer.Option("--fresh", help=phrase("help.fresh"))] = False,
    wait: Annotated[bool, typer.Option("--wait", help=phrase("help.wait"))] = False,
) -> None:
    """Run a study and write its reports."""
    try:
        with refused_in_words():
            _tell_run(_run(folder, output=output, template=template, fresh=fresh, wait=wait))
    except typer.Exit as ended:
        if ended.exit_code == REFUSED:  # one that was interrupted may have half of its modules
            _tell_former(folder, output)
        raise


def _tell_former(folder: Path, output: Path | None) -> None:
    """Say where the former report is, when a run that failed has set it apart."""
    with suppress(ImpactEvalError, OSError):
        from impact_eval.pipeline.state_told import state_of

        former = state_of(folder, output).former
        if former is not None:
            put(phrase("status.former", folder=former), err=True)


def _run(
    folder: Path, *, output: Path | None, template: str, fresh: bool, wait: bool = False
) -> Run:
    from impact_eval.pipeline.runner import run as run_study

    with _progress() as progress:
        return run_study(folder, output, template, progress, fresh=fresh, wait=wait)


@app.command(cls=Command, help=phrase("help.status"))
def status(
    folder: Folder,
    output: Annotated[Path | None, typer.Option(help=phrase("help.output"))] = None,
    as_json: Json = False,
) -> None:
    """Say what became of the last run of a study."""
    with refused_in_words():
        from impact_eval.pipeline.state_told import state_lines, state_of

        found = state_of(folder, output)
        if as_json:
            put_json(found.to_dict())
            return
        for line in state_lines(found, TEXTS):
            put(line)


@contextmanager
def _progress() -> Iterator[Callable[[Stage, int, int], None]]:
    """Show a bar on a terminal, plain lines when piped."""
    if not sys.stdout.isatty():
        seen: set[str] = set()

        def line(stage: Stage, done: int, total: int) -> None:
            if stage.value not in seen:
                seen.add(stage.value)
                put(phrase(f"stage.{stage.value}"))

        yield line
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=1)

        def show(stage: Stage, done: int, total: int) -> None:
            bar.update(
                task,
                description=phrase(f"stage.{stage.value}"),
                completed=done,
                total=max(total, 1),
            )

        yield show


def _tell_run(done: Run) -> None:
    evidence = done.results.evidence_level
    put()
    put(phrase("run.done", title=TEXTS.words(done.results.study.title)))
    put(phrase("run.level", level=evidence, name=TEXTS.say(f"report.level.name.{evidence}")))
    if done.rebuilt:
        put(phrase("run.rebuilt", names=done.rebuilt))
    elif done.resumed:
        put(phrase("run.resumed"))
    if done.kept:
        home = Path(os.path.commonpath([path.parent for path in done.kept]))
        put(phrase("run.kept", n=len(done.kept), folder=str(home)))
    put(phrase("run.reports"))
    for path in done.reports:
        put(f"  {path}")
    for finding in done.noticed:
        put()
        put(render_finding(finding, TEXTS))
    if done.operator_note is not None:
        put()
        put(phrase("run.urgent", path=str(done.operator_note)))
        put(done.operator_note.read_text(encoding="utf-8"))


@app.command(cls=Command, help=phrase("help.portfolio"))
def portfolio(
    results: Annotated[
        list[str], typer.Argument(help=phrase("help.results"), metavar=phrase("frame.results"))
    ],
    outcome: Annotated[str, typer.Option(help=phrase("help.outcome"))],
    output: Annotated[Path, typer.Option(help=phrase("help.output"))] = Path("consolidation"),
) -> None:
    """Read several studies' results together and pool one outcome."""
    with refused_in_words():
        from impact_eval.pipeline.territory_account import consolidate_studies

        for path in consolidate_studies(results, outcome=outcome, output=output):
            put(f"  {path}")


@app.command(cls=Command, help=phrase("help.methods"))
def methods(
    name: Annotated[
        str | None, typer.Argument(help=phrase("help.method_name"), metavar=phrase("frame.name"))
    ] = None,
    as_json: Json = False,
) -> None:
    """List the estimators, or explain one."""
    with refused_in_words():
        from impact_eval.designs import designs

        if as_json:
            declared = [design.info.to_dict() for design in designs]
            put_json(declared)
        elif name is None:
            for design in designs:
                title = TEXTS.say(f"method.{design.info.name}.name")
                level = design.info.evidence_ceiling
                put(phrase("methods.line", name=design.info.name, title=title, level=level))
        else:
            _explain(designs.get(name).info.name)


def _explain(name: str) -> None:
    from impact_eval.designs import designs

    info = designs.get(name).info
    put(TEXTS.say(f"method.{name}.name"))
    for part in ("compares", "believes", "breaks"):
        put(f"\n{phrase(f'methods.{part}')}")
        put(f"  {TEXTS.say(f'method.{name}.{part}')}")
    put(f"\n{phrase('methods.options')}")
    for option, allowed in info.options.items():
        put(f"  {option}: {', '.join(map(str, allowed)) or '…'}")
    put(f"\n{phrase('methods.oracle')}\n  {info.oracle}")
    put(f"\n{phrase('methods.references')}")
    for reference in info.references:
        put(f"  {reference}")


@app.command(cls=Command, help=phrase("help.lab"))
def lab(
    folder: Annotated[
        Path, typer.Argument(help=phrase("help.folder"), metavar=phrase("frame.folder"))
    ] = Path(),
) -> None:
    """Open JupyterLab on a study with the template notebook beside it."""
    with refused_in_words():
        from impact_eval.pipeline.laboratory import lab_notebook, open_laboratory

        notebook = lab_notebook(folder)
        if not notebook.ours:
            put(phrase("lab.another", file=notebook.path.name))
        open_laboratory(notebook.path)


add_scales(app)
add_verbs(app)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning: what was noticed, in words; what a library says, as plain text."""
    finding = getattr(message, "finding", None)
    told = render_finding(finding, TEXTS) if finding is not None else str(message)
    put(told, err=True)


def main() -> None:
    """Run the command; a misspelt one is told its nearest neighbour."""
    gc.set_threshold(MADE_BETWEEN_SWEEPS)
    # JupyterLab brings it; a second of every command goes into its grammars, for no key of ours
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: not there
    os.environ.setdefault(*NO_PLUGIN)
    warnings.showwarning = _show_warning
    known = [
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    ]
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if first is not None and first not in known:
        close = nearest(first, known)
        put(phrase("unknown_command", name=first), err=True)
        if close is not None:
            put(phrase("did_you_mean", name=close), err=True)
        raise SystemExit(2)
    app()


if __name__ == "__main__":
    main()
