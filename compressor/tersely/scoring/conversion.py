"""A GGUF file -> a folder with bfloat16 safetensors and a tokenizer, by transformers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tersely.errors import ModelError


def convert(gguf: Path, folder: Path, say: Callable[[str], None]) -> str:
    """Dequantise a GGUF file and write it with its tokenizer.

    Args:
        gguf: the file.
        folder: where to write; it is made.
        say: is told which step begins.

    Returns:
        The sha256 of the weights in order of name.

    Raises:
        ModelError: the file is damaged, or no GGUF model.
    """
    from tersely.scoring.importing import import_torch

    import_torch()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        with quiet_transformers(), _parsed_once():
            say("1 of 3: the tokenizer ...")
            tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
            say("2 of 3: the weights ...")
            model = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
            # The weights are plain numbers from here on; transformers would save them as still quantised.
            model.hf_quantizer = None  # type: ignore[assignment]
            if hasattr(model.config, "quantization_config"):
                del model.config.quantization_config
            say("3 of 3: writing and checking ...")
            model.to(torch.bfloat16)  # type: ignore[arg-type]
            model.save_pretrained(folder, safe_serialization=True, max_shard_size="100GB")
            tokenizer.save_pretrained(folder)
    except Exception as error:  # transformers and gguf raise many types for a damaged file
        raise ModelError(f"{gguf} could not be read as a GGUF model ({type(error).__name__}: {error})") from error
    weights = hashlib.sha256()
    for _, tensor in sorted(model.state_dict().items()):
        weights.update(tensor.contiguous().view(torch.uint8).numpy())
    return weights.hexdigest()


@contextmanager
def _parsed_once() -> Iterator[None]:
    """Let transformers parse a GGUF file once instead of three times, and make its table of names once.

    That is more than half of the conversion.
    """
    import gguf

    reader, names = gguf.GGUFReader, gguf.get_tensor_name_map
    gguf.GGUFReader, gguf.get_tensor_name_map = cache(reader), cache(names)  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = reader, names  # type: ignore[misc]


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the progress bars and load reports of transformers: what a user must know, an error says."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
