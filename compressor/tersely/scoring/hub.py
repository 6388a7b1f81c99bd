"""Checkpoints of the Hugging Face Hub: where their files are, and under which licence the known ones come."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Any

from tersely.errors import ModelError

_logger = logging.getLogger(__name__)

# As the cards say. Everything else is between the user and the Hub.
LICENCES = {
    "microsoft/llmlingua-2-xlm-roberta-large-meetingbank": "MIT",
    "microsoft/llmlingua-2-bert-base-multilingual-cased-meetingbank": "Apache 2.0",
    "naver/provence-reranker-debertav3-v1": "CC BY-NC 4.0: no commercial use",
    "naver/xprovence-reranker-bgem3-v1": "CC BY-NC-ND 4.0: no commercial use",
    "naver/xprovence-reranker-bgem3-v2": "CC BY-NC-ND 4.0: no commercial use",
    "hotchpotch/open-provence-reranker-v1": "MIT",
    "hotchpotch/open-provence-reranker-v1-gte-modernbert-base": "MIT",
    "hotchpotch/open-provence-reranker-large-v1": "MIT",
    "hotchpotch/open-provence-reranker-xsmall-v1": "MIT",
}
# Never pickled weights, which could run code.
_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]


def hub_file(model: str, name: str) -> Path | None:
    """A small file of a model of the Hub, from this machine where it is here; None where the model has none.

    Raises:
        ModelError: the model cannot be had.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    cached = try_to_load_from_cache(model, name)
    if isinstance(cached, str):
        return Path(cached)
    tell_licence(model)
    try:
        return Path(hf_hub_download(model, name))
    except Exception as error:  # the network, the Hub and the disk raise many types here
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            return None
        raise _unavailable(model, error) from error


def hub_folder(model: str, **options: Any) -> Path:
    """Where Hugging Face's own cache keeps a model of the Hub; downloads what is missing there.

    Args:
        model: a Hub id.
        options: of `huggingface_hub.snapshot_download`.

    Raises:
        ModelError: it cannot be had.
    """
    from huggingface_hub import snapshot_download

    if not options.get("local_files_only"):
        tell_licence(model)
    try:
        return Path(snapshot_download(model, allow_patterns=_FILES, **options))
    except Exception as error:  # the network, the Hub and the disk raise many types here
        raise _unavailable(model, error) from error


def tell_licence(model: str) -> None:
    """Log the licence of a known checkpoint that is not on this machine yet, once in a process."""
    if model in LICENCES and not _is_here(model):
        _log_licence(model)


def _unavailable(model: str, error: Exception) -> ModelError:
    reason = str(error).strip().partition("\n")[0]
    return ModelError(f"model {model!r} cannot be had from the Hugging Face Hub ({reason})")


@cache
def _log_licence(model: str) -> None:
    _logger.warning("fetching %s, which comes under a licence of its own: %s", model, LICENCES[model])


def _is_here(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)
