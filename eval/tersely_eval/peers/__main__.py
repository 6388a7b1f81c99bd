"""`python -m tersely_eval.peers` fetches MiniLM and makes an environment for each peer: what `make peers` runs.

Each peer needs other versions than Tersely. An environment that is older than `peers-constraints.txt` is made anew.
"""

from __future__ import annotations

import shlex
import subprocess
import sys

from tersely_eval.peers.minilm_weights import fetch_weights
from tersely_eval.peers.peer import PeerError
from tersely_eval.peers.peers import ENVIRONMENTS, MODULES, PeerModule, environment_python, minilm_folder

_CONSTRAINTS = ENVIRONMENTS.with_name("peers-constraints.txt")


def make_environment(peer: PeerModule) -> None:
    """Install a peer where `environment_python` looks for it; a mark is written when all of it is there."""
    installed = ENVIRONMENTS / peer.NAME / ".installed"
    if installed.exists() and installed.stat().st_mtime >= _CONSTRAINTS.stat().st_mtime:
        return
    subprocess.run([sys.executable, "-m", "venv", str(installed.parent)], check=True)
    pip = [str(environment_python(peer.NAME)), "-m", "pip", "install", "--quiet", "--constraint", str(_CONSTRAINTS)]
    for arguments in peer.INSTALL:
        subprocess.run([*pip, *arguments], check=True)
    installed.touch()


def main() -> int:
    """Fetch and install all that is missing; what fails is named and the others go on. The exit code."""
    failed = []
    try:
        fetch_weights(minilm_folder())
    except PeerError as error:
        failed.append(f"MiniLM: {error}")
    for module in MODULES:
        try:
            make_environment(module)
        except subprocess.CalledProcessError as error:
            failed.append(f"{module.NAME}: failed with exit code {error.returncode}: {shlex.join(error.cmd)}")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
