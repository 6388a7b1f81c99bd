"""The command line's part that is about models: fetch, list, remove and diagnose them, calibrate one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tersely import DEFAULT_MODEL, InvalidInputError, ModelError
from tersely_cli.terminal import error_console, progress, progress_bar

models = typer.Typer(help="The scoring models on this machine.")


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
    from tersely.scoring.hub import hub_folder
    from tersely.scoring.models import model_path

    typer.echo(model_path(name) or hub_folder(name))


@models.command()
def doctor(
    name: Annotated[str, typer.Argument(help="A folder, a Hub id, or openai:MODEL.")] = DEFAULT_MODEL,
) -> None:
    """Say which methods a model can serve and why, from its configuration: no weights are fetched."""
    from tersely.methods import METHODS
    from tersely.scoring.abilities import MODELS_WITH
    from tersely.scoring.doctor import diagnose

    diagnosis = diagnose(name)
    typer.echo(f"{name} is a {diagnosis.kind}: {diagnosis.reason}")
    if diagnosis.licence:
        typer.echo(f"licence: {diagnosis.licence}")
    if diagnosis.problem:
        typer.echo(f"problem: {diagnosis.problem}")
    for method_name, method in METHODS.items():
        serves = not method.needs_model or method.needs in diagnosis.abilities
        if not method.needs_model:
            why = "asks no model"
        elif serves:
            why = f"the model gives {method.needs}"
        else:
            why = f"needs {method.needs}: {MODELS_WITH[method.needs]}"
        typer.echo(f"{method_name:14}{'yes' if serves else 'no':4}{why}")


@models.command()
def path(name: Annotated[str, typer.Argument(help="As `models list` prints it, or a Hub id.")] = DEFAULT_MODEL) -> None:
    """Print the folder of a model that is ready."""
    typer.echo(_ready_folder(name))


@models.command()
def remove(name: Annotated[str, typer.Argument(help="As `models list` prints it.")]) -> None:
    """Delete a model from this machine; it is fetched or converted again at its next use."""
    from tersely.scoring.models import remove_model

    typer.echo(f"removed {remove_model(name)}", err=True)


def calibrate(
    data: Annotated[
        list[Path], typer.Option("--data", "-d", help="Questions with marked evidence. Can be given several times.")
    ],
    model: Annotated[str, typer.Option(help="The embedded one, a folder, a .gguf file or a Hub id.")] = DEFAULT_MODEL,
    heads: Annotated[
        int | None,
        typer.Option(min=0, help="Attention heads to choose; 0 makes the profile of all models that have none."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The profile's file; by default where it is found again.")] = None,
) -> None:
    """Find a model's attention heads that look at evidence, and weigh them: makes its profile for `evidence`."""
    from tersely_eval.data import read_examples

    if heads == 0 and out is None:
        raise InvalidInputError("--heads 0 needs --out: no model would find such a profile by itself")
    if out and (out.is_dir() or not out.parent.is_dir()):
        raise InvalidInputError(f"--out {out}: not a file in an existing folder")
    sources = [read_examples(path) for path in data]
    console = error_console()
    with progress(console, "loading the model ..."):
        from tersely.methods.evidence import calibrate
        from tersely.scoring import load_scorer
        from tersely.scoring.depth import own_profile_path

        scorer = load_scorer(model)
    with progress_bar(console) as advance:
        calibration = calibrate(
            scorer,
            sources,
            heads=heads,
            progress=lambda share: advance("reading", share),
        )
    path = out or own_profile_path(scorer.fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(calibration.to_json(), encoding="utf-8")
    for name, (first, second) in calibration.profile.provenance.held_out.items():
        typer.echo(
            f"{name}: a unit of evidence ranks above another with a chance of {second:.3f} "
            f"({first:.3f} without the second hop), on questions that were held out",
            err=True,
        )
    typer.echo(path)


def _ready_folder(name: str) -> Path:
    from tersely.scoring.hub import hub_folder
    from tersely.scoring.models import cached_models

    for cached in cached_models():
        if name in (cached.name, cached.path.name):
            return cached.path
    if name.count("/") == 1:
        with suppress(ModelError):
            return hub_folder(name, local_files_only=True)
    raise ModelError(
        f"model {name!r} is not ready; run `tersely models fetch{'' if name == DEFAULT_MODEL else ' ' + name}`"
    )
