"""The command line: options in, one call, text out. What the commands do lives in the library.

Standard output carries the result and nothing else; accounts, progress and errors go to standard error. Exit codes: 0;
1 where the model cannot be had; 2 where the call was wrong, with one line that says why; 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import typer
from typer.core import TyperGroup

from tersely.errors import InvalidInputError, ModelError, TerselyError
from tersely.scoring.models import DEFAULT_MODEL
from tersely.settings import CompressionSettings, MethodName, Order, settings_from

if TYPE_CHECKING:
    from rich.console import Console


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
models = typer.Typer(help="The scoring models on this machine.")
app.add_typer(models, name="models")

Question = Annotated[str | None, typer.Option("--question", "-q", help="What the LLM will be asked.")]
Rate = Annotated[float | None, typer.Option("--rate", "-r", help="Share of the tokens to keep, in (0, 1].")]
Target = Annotated[int | None, typer.Option("--target-tokens", "-t", help="The budget in tokens, instead of a rate.")]
Method = Annotated[str | None, typer.Option("--method", "-m", help=f"One of {', '.join(get_args(MethodName))}.")]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from tersely import __version__

        typer.echo(f"tersely {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def compress(
    files: Annotated[
        list[str],
        typer.Argument(help="Text files, folders of them, .jsonl files with a document a line; - is standard input."),
    ],
    question: Question = None,
    rate: Rate = None,
    target_tokens: Target = None,
    method: Method = None,
    order: Annotated[str | None, typer.Option(help=f"Of the documents: {', '.join(get_args(Order))}.")] = None,
    protect: Annotated[
        list[str] | None, typer.Option(help="A regular expression whose matches survive. Can be given several times.")
    ] = None,
    gap_marker: Annotated[
        str | None, typer.Option(help="Stands wherever something of a document was left out, such as ' [...] '.")
    ] = None,
    instruction: Annotated[str | None, typer.Option(help="Stands before the context with --prompt.")] = None,
    model: Annotated[
        str, typer.Option(help="Scores the text: the embedded one, a folder, a .gguf file or a Hub id.")
    ] = DEFAULT_MODEL,
    tokenizer: Annotated[
        str | None, typer.Option(help="Counts the budget: a tiktoken encoding, an OpenAI model, a folder or a Hub id.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    as_prompt: Annotated[bool, typer.Option("--prompt", help="Print instruction, context and question.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page that shows what was kept.")] = None,
) -> None:
    """Compress documents to a budget: the compressed text on standard output, the account on standard error."""
    settings = _settings(
        rate=rate,
        target_tokens=target_tokens,
        method=method,
        order=order,
        protect=protect,
        gap_marker=gap_marker,
    )
    if as_json and as_prompt:
        raise InvalidInputError("--json and --prompt exclude each other: the JSON holds the prompt")
    if html and (html.is_dir() or not html.parent.is_dir()):
        raise InvalidInputError(f"--html {html}: not a file in an existing folder")
    from tersely.compressor import check_call
    from tersely.reading import read_sources

    check_call(settings, question, instruction)
    console = _error_console()
    documents = read_sources(files, sys.stdin.buffer, note=lambda line: typer.echo(f"tersely: {line}", err=True))

    from tersely.compressor import Compressor
    from tersely.report import html_page, print_account

    with _progress(console, "loading the model ..."):
        compressor = Compressor(model, tokenizer=tokenizer, settings=settings)
    with _progress_bar(console) as advance:
        result = compressor.compress(documents, question, instruction=instruction, progress=advance)
    if html:
        _write(html, html_page(result))
    text = result.model_dump_json(indent=2) if as_json else result.prompt if as_prompt else result.context
    typer.echo(text, nl=not text.endswith("\n"))
    print_account(result, console)


@app.command()
def demo(
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="Your own, or a built-in one's number.")
    ] = None,
    rate: Rate = None,
    target_tokens: Target = None,
    method: Method = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many passages to retrieve.")] = 10,
    list_questions: Annotated[bool, typer.Option("--list", help="Print the built-in questions and exit.")] = False,
) -> None:
    """Ask Python's own language reference: retrieve, compress and show what was kept. Needs no API key."""
    from rich.console import Console

    from tersely import demo

    if list_questions:
        for number, text in enumerate(demo.QUESTIONS, start=1):
            typer.echo(f"{number}. {text}")
        return
    if rate is None and target_tokens is None:
        rate = demo.DEFAULT_RATE
    settings = _settings(rate=rate, target_tokens=target_tokens, method=method)
    errors = _error_console()
    demo.run(
        demo.find_question(question),
        settings,
        top_k,
        Console(highlight=False),
        progress=lambda message: _progress(errors, message),
        note=lambda line: typer.echo(f"tersely: {line}", err=True),
    )


@models.command("list")
def list_models() -> None:
    """Print name, size, state and folder of each model, a line each."""
    from tersely.scoring.models import cached_models, models_folder

    ready = {model.name: (f"{model.size / 1e6:.0f} MB", "ready", model.path) for model in cached_models()}
    rows = {DEFAULT_MODEL: ("-", "not fetched", models_folder() / DEFAULT_MODEL), **ready}
    width = max(map(len, rows))
    for name, (size, state, path) in rows.items():
        typer.echo(f"{name:{width}}  {size:>8}  {state:11}  {path}")


@models.command()
def fetch(
    name: Annotated[str, typer.Argument(help="The embedded model, a .gguf file or a Hub id.")] = DEFAULT_MODEL,
) -> None:
    """Fetch a model, make it ready to load and print its folder."""
    from tersely.scoring.models import model_path

    typer.echo(model_path(name) or _hub_folder(name))


@models.command()
def path(name: Annotated[str, typer.Argument(help="As `models list` prints it, or a Hub id.")] = DEFAULT_MODEL) -> None:
    """Print the folder of a model that is ready."""
    typer.echo(_ready_folder(name))


@models.command()
def remove(name: Annotated[str, typer.Argument(help="As `models list` prints it.")]) -> None:
    """Delete a model from this machine; it is fetched or converted again at its next use."""
    from tersely.scoring.models import remove_model

    typer.echo(f"removed {remove_model(name)}", err=True)


def _settings(**values: Any) -> CompressionSettings:
    """Checked here, before anything slow begins."""
    settings = settings_from({name: value for name, value in values.items() if value is not None})
    if settings.rate is None and settings.target_tokens is None:
        raise InvalidInputError("no budget: give --rate (such as 0.25) or --target-tokens (such as 500)")
    return settings


def _ready_folder(name: str) -> Path:
    from tersely.scoring.models import cached_models

    for cached in cached_models():
        if name in (cached.name, cached.path.name):
            return cached.path
    if name.count("/") == 1:
        with suppress(ModelError):
            return _hub_folder(name, local_files_only=True)
    raise ModelError(
        f"model {name!r} is not ready; run `tersely models fetch{'' if name == DEFAULT_MODEL else ' ' + name}`"
    )


def _hub_folder(name: str, **options: Any) -> Path:
    """Where Hugging Face's own cache keeps a model of the Hub; downloads what is missing there."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt"], **options))
    except Exception as error:  # the network, the Hub and the disk raise many types here
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"model {name!r} cannot be had from the Hugging Face Hub ({reason})") from error


def _error_console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def _progress(console: Console, message: str) -> Iterator[None]:
    """Show that something goes on, where somebody watches."""
    if not console.is_terminal:
        yield
        return
    with console.status(message):
        yield


@contextmanager
def _progress_bar(console: Console) -> Iterator[Callable[[str, float], None]]:
    """A bar for each stage, where somebody watches; gone when the work is done."""
    from rich.progress import Progress

    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        stages: dict[str, Any] = {}

        def advance(stage: str, share: float) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=1.0)
            bars.update(stages[stage], completed=share)

        yield advance


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from None


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"tersely: {' '.join(message.split())}", err=True)
    sys.exit(code)
