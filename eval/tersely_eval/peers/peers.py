"""The peers that Tersely is measured against: their names, and how each is run with the same weights.

`make peers` makes an environment for each; `peer_process.py` is what runs there, and `peer.py` exchanges lines with it.
To add a peer, write a file beside `llmlingua.py` and name it in `MODULES`.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tersely import DEFAULT_MODEL
from tersely.budget import with_title
from tersely.budget.counting import DEFAULT_ENCODING
from tersely.scoring.models import model_path
from tersely_eval.data import Question
from tersely_eval.peers import (
    headroom,
    langchain_filter,
    litellm_compress,
    llama_index_optimizer,
    llmlingua,
    minilm_weights,
    selective_context,
)
from tersely_eval.peers.minilm_weights import check_weights
from tersely_eval.peers.peer import Peer, PeerError
from tersely_eval.peers.peer_process import Compress
from tersely_eval.peers.selection import Selection

PROGRAM = Path(__file__).with_name("peer_process.py")
ENVIRONMENTS = Path(__file__).parents[3] / ".peers"


class PeerModule(Protocol):
    """A peer's file. It is loaded twice: here for what it declares, and in the peer's own environment to compress.

    Attributes:
        NAME: of its environment, a folder in `.peers`.
        MODEL: what it runs: "causal" (the embedded model), "minilm", or "" where it runs none.
        INSTALL: what pip installs there: the arguments of one call after the other.
        METHODS: the names in tables -> recipe, which `load`'s result is called with, and the torch dtype's name (empty
            where it runs no model).
    """

    @property
    def __file__(self) -> str | None: ...
    @property
    def NAME(self) -> str: ...  # noqa: N802  # a constant of a module
    @property
    def MODEL(self) -> str: ...  # noqa: N802
    @property
    def INSTALL(self) -> Sequence[Sequence[str]]: ...  # noqa: N802
    @property
    def METHODS(self) -> Mapping[str, tuple[str, str]]: ...  # noqa: N802
    @property
    def load(self) -> Callable[[str, str, str], Compress]:
        """Model folder, dtype and device -> how to compress."""
        ...


MODULES: tuple[PeerModule, ...] = (
    llmlingua,
    selective_context,
    llama_index_optimizer,
    langchain_filter,
    headroom,
    litellm_compress,
)


class PeerMethod(NamedTuple):
    """What a method's name means.

    Attributes:
        module: the peer's file.
        recipe: what the peer calls the way of compressing.
        dtype: the torch dtype's name.
    """

    module: PeerModule
    recipe: str
    dtype: str


PEERS = {name: PeerMethod(module, *method) for module in MODULES for name, method in module.METHODS.items()}


def peer_approaches(
    encoding: str = DEFAULT_ENCODING, device: str = "cpu"
) -> dict[str, Callable[[Question, int], Selection]]:
    """The peers by name, each called with a question and a budget in tokens.

    Nothing starts before it is called. Methods of one peer with one dtype share a process, which ends with what is
    returned here.

    Args:
        device: the torch device's name, for all of them.
        encoding: tiktoken's name of the tokenizer that counts the budget.
    """
    processes: dict[tuple[str, str], Peer] = {}

    def approach(method: PeerMethod) -> Callable[[Question, int], Selection]:
        def select(question: Question, target_tokens: int) -> Selection:
            key = method.module.NAME, method.dtype
            if key not in processes:
                processes[key] = Peer(command(method, device), variables())
            documents = [
                with_title(document.title, document.text) for document in question.documents if document.text.strip()
            ]
            answer = processes[key].compress(documents, question.question, target_tokens, encoding, method.recipe)
            return Selection(answer.context, None, seconds=answer.seconds, peak_bytes=answer.peak_bytes)

        return select

    return {name: approach(method) for name, method in PEERS.items()}


def environment_python(name: str) -> Path:
    """The interpreter of a peer's environment, whether it is there or not."""
    return ENVIRONMENTS / name / "bin" / "python"


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2, whether it is there or not."""
    return ENVIRONMENTS / "models" / minilm_weights.NAME


def command(method: PeerMethod, device: str) -> list[str]:
    """The command that starts a peer's process.

    Raises:
        PeerError: its environment or its model is not there.
        ModelError: the embedded model cannot be had.
    """
    python = environment_python(method.module.NAME)
    if not python.exists():
        raise PeerError(f"run `make peers`: there is no environment {python.parents[1]}")
    model = model_folder(method.module)
    return [str(python), "-I", str(PROGRAM), str(method.module.__file__), str(model), method.dtype, device]


def model_folder(peer: PeerModule) -> Path | None:
    """The folder of the model that a peer runs; None where it runs none.

    Raises:
        PeerError: MiniLM's weights are missing or damaged.
        ModelError: the embedded model cannot be had.
    """
    if peer.MODEL == "minilm":
        check_weights(minilm_folder())
        return minilm_folder()
    if not peer.MODEL:
        return None
    model = model_path(DEFAULT_MODEL)
    assert model is not None  # the embedded model always has a folder
    return older_model(model, ENVIRONMENTS / "models" / model.name)


def variables() -> dict[str, str]:
    """What a peer's process finds in its environment: as many threads as here, and no network to ask."""
    import torch

    environment = {"OMP_NUM_THREADS": str(torch.get_num_threads()), "HF_HUB_OFFLINE": "1", "HEADROOM_OFFLINE": "1"}
    package = importlib.util.find_spec("llama_index")
    for location in (package.submodule_search_locations or []) if package else []:
        folder = Path(location) / "core" / "_static" / "tiktoken_cache"  # it has what LLMLingua counts with
        if "TIKTOKEN_CACHE_DIR" not in os.environ and folder.is_dir():
            environment["TIKTOKEN_CACHE_DIR"] = str(folder)
    return environment


def older_model(model: Path, folder: Path) -> Path:
    """A model that transformers 5 wrote, in a folder from which transformers 4 reads the same model.

    The weights and the tokenizer are linked. The configuration is written anew: transformers 4 would overlook where the
    base of the rotary positions stands now and take 10,000 for it, without a word.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["torch_dtype"] = config.pop("dtype")
    tokenizer = json.loads((model / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizer = {name: value for name, value in tokenizer.items() if name.endswith("_token")}
    # Spaces stay as the tokens have them, which transformers 4 does only when told.
    tokenizer |= {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(model.resolve() / name)
    for name, content in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return folder
