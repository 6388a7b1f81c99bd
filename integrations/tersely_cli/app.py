"""The command line: options in, one call, text out. What the commands do lives in the library.

Standard output carries the result and nothing else; accounts, progress and errors go to standard error. Exit codes: 0;
1 where the model cannot be had; 2 where the call was wrong, with one line that says why; 130 after Ctrl-C.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tersely import DEFAULT_MODEL, CompressionSettings, InvalidInputError, ModelError, TerselyError
from tersely_cli.batch import batch
from tersely_cli.cache import cache
from tersely_cli.doctor import doctor
from tersely_cli.evaluation import evaluation
from tersely_cli.mcp import mcp
from tersely_cli.models import calibrate, models
from tersely_cli.options import Model, Question, Tokenizer, with_settings
from tersely_cli.serve import serve
from tersely_cli.terminal import error_console, progress, progress_bar


class _OneLineErrors(TyperGroup):
    """Says in one line what was wrong, and ends with the exit code for it."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # what is read is UTF-8, and so is what is written, on any system
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        try:
            # Where typer does not end the process itself, it returns the exit code, or a command's None.
            sys.exit(super().main(*args, **{**options, "standalone_mode": False}))
        except ModelError as error:
            _fail(str(error), 1)
        except TerselyError as error:
            _fail(str(error), 2)
        except KeyboardInterrupt:
            sys.exit(130)
        except BrokenPipeError:
            raise
        except OSError as error:
            _fail(str(error), 1)
        except Exception as error:
            # Typer's own errors (an unknown option, say): their class has no public name in all of its versions.
            if not hasattr(error, "format_message"):
                raise
            command = getattr(getattr(error, "ctx", None), "command_path", "tersely")
            _fail(f"{error.format_message().rstrip('.')}. See `{command} --help`", 2)


app = typer.Typer(
    cls=_OneLineErrors,
    help="Compress what a RAG pipeline sends to its LLM: more of the answer kept per token, never over budget.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(models, name="models")
app.add_typer(cache, name="cache")
app.command()(calibrate)
app.add_typer(evaluation, name="eval")
app.command()(batch)
app.command()(serve)
app.command()(mcp)
app.command()(doctor)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    notes = logging.getLogger("tersely.notes")
    context.call_on_close(partial(notes.setLevel, notes.level))
    notes.setLevel(logging.CRITICAL)  # accounts, rows and answers carry the notes
    if version:
        from tersely import __version__

        typer.echo(f"tersely {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
@with_settings()
def compress(
    files: Annotated[
        list[str],
        typer.Argument(help="Text files, folders of them, .jsonl files with a document a line; - is standard input."),
    ],
    *,
    question: Question = None,
    settings: CompressionSettings,
    instruction: Annotated[str | None, typer.Option(help="Stands before the context with --prompt.")] = None,
    model: Model = DEFAULT_MODEL,
    tokenizer: Tokenizer = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    as_prompt: Annotated[bool, typer.Option("--prompt", help="Print instruction, context and question.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page that shows what was kept.")] = None,
) -> None:
    """Compress documents to a budget: the compressed text on standard output, the account on standard error."""
    _check_budget(settings)
    if as_json and as_prompt:
        raise InvalidInputError("--json and --prompt exclude each other: the JSON holds the prompt")
    if html and (html.is_dir() or not html.parent.is_dir()):
        raise InvalidInputError(f"--html {html}: not a file in an existing folder")
    from tersely.pipeline import check_call
    from tersely_batch.input_files import read_sources

    check_call(settings, question, instruction)
    console = error_console()
    documents = read_sources(
        files, sys.stdin.buffer, note=lambda line: typer.echo(f"tersely: {line}", err=True), strict=settings.strict
    )

    from tersely import Compressor
    from tersely.report import html_page, print_account

    with progress(console, "loading the model ..."):
        compressor = Compressor(model, tokenizer=tokenizer, settings=settings)
    with progress_bar(console) as advance:
        result = compressor.compress(documents, question, instruction=instruction, progress=advance)
    if html:
        _write(html, html_page(result))
    text = result.model_dump_json(indent=2) if as_json else result.prompt if as_prompt else result.context
    typer.echo(text, nl=not text.endswith("\n"))
    print_account(result, console)


@app.command()
@with_settings("rate", "target_tokens", "method")
def demo(
    *,
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="Your own, or a built-in one's number.")
    ] = None,
    settings: CompressionSettings,
    top_k: Annotated[int, typer.Option(min=1, help="How many passages to retrieve.")] = 10,
    list_questions: Annotated[bool, typer.Option("--list", help="Print the built-in questions and exit.")] = False,
) -> None:
    """Ask Python's own language reference: retrieve, compress and show what was kept. Needs no API key."""
    from rich.console import Console

    from tersely_cli import demo

    if list_questions:
        for number, text in enumerate(demo.QUESTIONS, start=1):
            typer.echo(f"{number}. {text}")
        return
    if settings.rate is None and settings.target_tokens is None:
        settings = settings.overridden(rate=demo.DEFAULT_RATE)
    errors = error_console()
    demo.run(
        demo.find_question(question),
        settings,
        top_k,
        Console(highlight=False),
        progress=lambda message: progress(errors, message),
        note=lambda line: typer.echo(f"tersely: {line}", err=True),
    )


def _check_budget(settings: CompressionSettings) -> None:
    """Refuse settings without a budget, before anything slow begins."""
    if settings.rate is None and settings.target_tokens is None:
        raise InvalidInputError("no budget: give --rate (such as 0.25) or --target-tokens (such as 500)")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from None


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"tersely: {' '.join(message.split())}", err=True)
    sys.exit(code)
