"""JSON objects and what to do with each of their keys -> shorter JSON objects. Knows nothing of models.

Only what is text is shortened. A number, a truth value or a nested object stays whole or goes whole, so that the result
is valid JSON whatever is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tersely.errors import InvalidInputError, complaint

# Texts and a rate -> what is kept of each.
Shorten = Callable[[Sequence[str], float], Sequence[str]]

_TRUTH = {"True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False}


class KeySettings(BaseModel):
    """What to do with the value of a key.

    Attributes:
        rate: what its text is compressed to, in (0, 1].
        compress: whether it may be compressed at all.
        value_type: what the value is.
        pair_remove: whether the key may go, with its value, where that is asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(gt=0, le=1)
    compress: bool
    value_type: Literal[
        "str", "string", "int", "integer", "float", "number", "bool", "boolean", "list", "List", "tuple", "dict",
        "dictionary",
    ]  # fmt: skip
    pair_remove: bool


def read_json(data: Any) -> dict[str, Any]:
    """A caller's object as JSON has it: keys are strings, tuples are lists. The caller's own is never changed.

    Raises:
        InvalidInputError: it is no object, or holds what JSON cannot.
    """
    if not isinstance(data, Mapping):
        raise InvalidInputError(f"json_data must be a dictionary, got {type(data).__name__}")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(data), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"json_data cannot be written as JSON: {error}") from None
    return plain


def read_config(config: Any, keys: Sequence[str]) -> dict[str, KeySettings]:
    """What to do with each key.

    Args:
        config: a mapping from each key to the fields of `KeySettings`, or the path of a YAML file with one.
        keys: of the object.

    Raises:
        InvalidInputError: the file cannot be read, the keys are not those of the object, or a field is wrong.
    """
    if isinstance(config, (str, PathLike)):
        config = _read_yaml(Path(fspath(config)))
    if not isinstance(config, Mapping):
        raise InvalidInputError(
            f"json_config must be a dictionary or the path of a YAML file with one, got {type(config).__name__}"
        )
    config = {str(key): value for key, value in config.items()}
    missing, unknown = sorted(set(keys) - set(config)), sorted(set(config) - set(keys))
    if missing or unknown:
        raise InvalidInputError(
            f"json_config must have the keys of json_data; it lacks {missing or 'none'} and has {unknown or 'none'} "
            f"that json_data has not"
        )
    return {key: _key_settings(key, config[key]) for key in keys}


def shortened(key: str, value: Any, settings: KeySettings, shorten: Shorten) -> Any:
    """A value with its text shortened; of a list or an object, entries of which nothing is kept are left out.

    Raises:
        InvalidInputError: the value is not of its `value_type`.
    """
    if not settings.compress or settings.rate == 1:
        return value
    kind = settings.value_type
    if kind in ("int", "integer", "float", "number"):
        return _as_number(key, value, kind)
    if kind in ("bool", "boolean"):
        if value is True or value is False:
            return value
        if not isinstance(value, str) or value not in _TRUTH:
            raise InvalidInputError(f"json_data[{key!r}] is {value!r}, which is no {kind}")
        return _TRUTH[value]
    if kind in ("str", "string"):
        text = value if isinstance(value, str) else str(value)
        return shorten([text], settings.rate)[0] if text.strip() else text
    if kind in ("dict", "dictionary"):
        if not isinstance(value, dict):
            raise InvalidInputError(f"json_data[{key!r}] is {value!r}, which is no {kind}")
        kept = _entries(list(value.values()), settings.rate, shorten)
        return {name: kept[i] for i, name in enumerate(value) if i in kept}
    if not isinstance(value, list):
        raise InvalidInputError(f"json_data[{key!r}] is {value!r}, which is no {kind}")
    return list(_entries(value, settings.rate, shorten).values())


def _entries(values: Sequence[Any], rate: float, shorten: Shorten) -> dict[int, Any]:
    """The entries that stay, by their positions: text shortened, all else as it was."""
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    if not any(text.strip() for text in texts):
        return dict(enumerate(values))
    kept: dict[int, Any] = {}
    for position, (value, text, short) in enumerate(zip(values, texts, shorten(texts, rate), strict=True)):
        if not text.strip() or short == text:
            kept[position] = value
        elif short and isinstance(value, str):
            kept[position] = short
    return kept


def _as_number(key: str, value: Any, kind: str) -> int | float:
    try:
        number: int | float = int(value) if kind in ("int", "integer") else float(value)
    except (TypeError, ValueError, OverflowError):
        number = nan
    # Refused: what converting would change, such as 3.7 to 3, and `nan` and `inf`, which JSON has not.
    changed = isinstance(value, bool) or (isinstance(value, float) and number != value)
    if changed or (isinstance(number, float) and not isfinite(number)):
        raise InvalidInputError(f"json_data[{key!r}] is {value!r}, which is no {kind}")
    return number


def _key_settings(key: str, value: Any) -> KeySettings:
    try:
        return KeySettings.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError(f"json_config[{key!r}] cannot be used ({complaint(error)})") from None


def _read_yaml(path: Path) -> Any:
    try:
        import yaml
    except ImportError:
        raise InvalidInputError(
            "json_config is a path, and reading YAML needs PyYAML: `pip install pyyaml`, or give a dictionary"
        ) from None
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInputError(f"json_config {str(path)!r} cannot be read as YAML: {error}") from None
