"""A model's name -> a scorer. A program may put a loader of its own in place of ours. Imports torch only to load."""

from __future__ import annotations

from collections.abc import Callable

from tersely.scoring.kinds import SERVER_PREFIX, kind_of
from tersely.scoring.models import DEFAULT_MODEL
from tersely.scoring.scorer import Scorer
from tersely.settings import CacheSettings

# Loads a model, with the arguments of `load_scorer`.
Loader = Callable[..., Scorer]


def load_scorer(
    model: str = DEFAULT_MODEL,
    *,
    device: str | None = None,
    dtype: str | None = None,
    cache: CacheSettings | None = None,
) -> Scorer:
    """Load a model as everything that names one does: `Compressor`, `compress`, the adapters, the service.

    A causal language model serves most methods; a token classifier or a pruner serves its own (see `abilities.py`).

    Args:
        model: the embedded default's name, a folder, a `.gguf` file or a Hub id; or `openai:` and the name of a model
            that a server has (see `served/settings.py`), for which device and dtype have no meaning.
        device: a torch device; by default CUDA, else MPS, else the processor.
        dtype: a torch dtype's name, or `"int8"`; by default the best for model and processor.
        cache: how much of documents is cached between calls.

    Raises:
        ModelError: the model cannot be found or loaded.
    """
    return _loader(model, device=device, dtype=dtype, cache=cache)


def set_loader(loader: Loader | None) -> None:
    """Have all models loaded by another function from now on: a model server of your own, or a test double.

    Shared compressors made before are not given out any more while another loader is set.

    Args:
        loader: gets the arguments of `load_scorer`; None for our own.
    """
    global _loader
    _loader = loader or _load


def current_loader() -> Loader:
    """What loads models now."""
    return _loader


def _load(
    model: str, *, device: str | None = None, dtype: str | None = None, cache: CacheSettings | None = None
) -> Scorer:
    if model.startswith(SERVER_PREFIX):
        from tersely.scoring.served.scorer import ServedScorer

        return ServedScorer(model.removeprefix(SERVER_PREFIX), cache=cache)
    from tersely.scoring.importing import import_torch

    import_torch()
    from tersely.scoring.devices import check_device

    if device is not None:
        check_device(device)
    kind = kind_of(model)
    if kind == "token classifier":
        from tersely.scoring.encoders.classifier import TokenClassifierScorer

        return TokenClassifierScorer(model, device=device, dtype=dtype, cache=cache)
    if kind == "pruner":
        from tersely.scoring.encoders.pruner import PrunerScorer

        return PrunerScorer(model, device=device, dtype=dtype, cache=cache)
    from tersely.scoring.causal_lm import CausalLanguageModelScorer

    return CausalLanguageModelScorer(model, device=device, dtype=dtype, cache=cache)


_loader: Loader = _load
