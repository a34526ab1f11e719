"""The frame of the command: help and misuse in the user's words, refusals without a stack.

What is printed passes `printable`, and a refusal is words and an exit code, never a stack trace.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from impact_eval.core.findings import Finding, ImpactEvalError, nearest
from impact_eval.core.machine_faults import machine_finding
from impact_eval.core.native_words import is_panic
from impact_eval.report.terminal import printable
from impact_eval.report.texts import Texts, render_error, user_language

REFUSED = 1
INTERRUPTED = 130  # what a shell expects of a command that was stopped

LANGUAGE = user_language()
TEXTS = Texts(LANGUAGE)


def phrase(code: str, **values: Any) -> str:
    """Return a text of the command in the user's language."""
    return TEXTS.say(f"cli.{code}", **values)


def put(text: str = "", *, err: bool = False) -> None:
    """Print a text; what would command the terminal is written out."""
    typer.echo(printable(text), err=err)


def put_json(content: object) -> None:
    """Print an answer for a machine."""
    put(json.dumps(content, ensure_ascii=False, indent=1))


@contextmanager
def _undrawn() -> Iterator[None]:
    """Keep out what the framework loads to draw Markdown and stack traces, which we never show.

    Both bring a parser and a colourer of code: half of the time of a help page.
    """
    placed = []
    for module, noun in (("rich.markdown", "Markdown"), ("rich.traceback", "Traceback")):
        if module not in sys.modules:
            stand_in = ModuleType(module)
            setattr(stand_in, noun, object)
            sys.modules[module] = stand_in
            placed.append(module)
    try:
        yield
    finally:
        for module in placed:
            del sys.modules[module]


def _speak_frames() -> None:
    """Put the user's words where the framework writes its own, before it shows a help or a misuse.

    What it draws with is loaded only then: a verb that answers shows none of it.
    """
    with _undrawn():
        from typer import rich_utils

    rich_utils.OPTIONS_PANEL_TITLE = phrase("frame.options")
    rich_utils.COMMANDS_PANEL_TITLE = phrase("frame.commands")
    rich_utils.ARGUMENTS_PANEL_TITLE = phrase("frame.arguments")
    rich_utils.REQUIRED_LONG_STRING = phrase("frame.required")
    rich_utils.DEFAULT_STRING = phrase("frame.default", value="{}")
    rich_utils.ERRORS_PANEL_TITLE = phrase("frame.error")
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
        return told.replace("Usage:", phrase("frame.usage"), 1)

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option that shows this help."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = phrase("frame.help")
        return option


class Group(_Spoken, TyperGroup):
    """The command and its list of verbs."""


class Command(_Spoken, TyperCommand):
    """One verb."""


def _misuse(error: Exception) -> str:
    """Put a misuse of the command in the user's words, by what the error knows of it."""
    option = getattr(error, "option_name", None)
    param = getattr(error, "param", None)
    if option is not None and hasattr(error, "possibilities"):
        close = nearest(option, error.possibilities or ())
        more = "" if close is None else " " + phrase("did_you_mean", name=close)
        return phrase("misuse.no_such_option", name=option) + more
    if option is not None:
        return phrase("misuse.option", name=option)
    if param is not None:
        name = param.metavar or param.opts[-1]
        missing = hasattr(error, "param_type")
        return phrase("misuse.missing" if missing else "misuse.value", name=name)
    return phrase("misuse.extra")


def _show_misuse(error: Exception) -> None:
    """Print what is wrong with a command, and where its help is; called by the framework."""
    context = getattr(error, "ctx", None)
    if context is not None:
        put(context.get_usage(), err=True)
    put(_misuse(error), err=True)
    if context is not None:
        put(phrase("misuse.help", command=context.command_path), err=True)


@contextmanager
def refused_in_words() -> Iterator[None]:
    """Turn what is refused, by us or by the machine, into words and an exit code."""
    try:
        with _signals_as_interruptions():
            yield
    except (typer.Exit, typer.Abort):
        raise
    except ImpactEvalError as error:
        _refuse(error)
    except BrokenPipeError:  # whoever read us, `head` for one, has gone
        _close_output()
    except (OSError, MemoryError, RecursionError) as error:
        _refuse(ImpactEvalError(machine_finding(error)))
    except KeyboardInterrupt:
        _refuse(ImpactEvalError(Finding.error("run_interrupted")), INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # a fault of ours: told as one, without a stack
        _refuse(ImpactEvalError(Finding.error("unforeseen", kind=_kind(error))))
    except BaseException as error:
        if not is_panic(error):
            raise
        _refuse(ImpactEvalError(Finding.error("unforeseen", kind=_kind(error))))


def _refuse(error: ImpactEvalError, code: int = REFUSED) -> NoReturn:
    with suppress(OSError):
        put(render_error(error, LANGUAGE), err=True)
    raise typer.Exit(code) from None


def _kind(error: BaseException) -> str:
    """Return the kind of an error and where of ours it rose: nothing of the user's."""
    at, step = "", error.__traceback__
    while step is not None:
        module = step.tb_frame.f_globals.get("__name__", "")
        if module.startswith("impact_eval"):
            at = f", {module}:{step.tb_lineno}"
        step = step.tb_next
    return f"{type(error).__name__}{at}"


def _close_output() -> NoReturn:
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(REFUSED) from None


@contextmanager
def _signals_as_interruptions() -> Iterator[None]:
    """Let a request to end (a closed window, a stopped service) end as Ctrl+C does."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = {}
    for name in names:
        number = getattr(signal, name)
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` stays heeded
            with suppress(ValueError):  # not the main thread
                former[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
