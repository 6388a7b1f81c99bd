"""Texts of a single sign, or of one line over and over, cost no reader more than time in proportion to their length."""

from __future__ import annotations

import time

import pytest

from tersely.text.structure import _FINDERS

SIGNS = ["=", "-", ".", "a.", "/", "(", "f(", "{", ":", ":a", '"', "'", "`", "\\", "$", "#", "*", "+", " ", "\t", "\n",
         "a ", "A  ", "-a", "--a ", "a=", "0:", "00:00:0", "@", "|", "[", "x/", "a-", "1 ", ".. ", "$ "]  # fmt: skip


@pytest.mark.parametrize("find", _FINDERS, ids=lambda find: find.__module__.rpartition(".")[2])
def test_linear_time(find) -> None:
    for sign in SIGNS:
        run = sign * (50_000 // len(sign))
        code = f"A  B  C\n{run}x\n-a  {run}\nx = f(y);\nz = g(y);\n"
        for text in (f"{run}\n{run}", code, f"/*{run}\n$$\n:`{run}\n.. a::\n"):
            started = time.monotonic()
            find(text, 0, len(text))
            assert time.monotonic() - started < 4, sign
