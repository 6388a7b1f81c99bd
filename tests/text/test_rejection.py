"""Texts of a single sign, or of one line over and over, cost no reader more than time in proportion to their length."""

from __future__ import annotations

import pytest

from growth import assert_grows_with_the_text
from tersely.text.structure import READERS

SIGNS = ["=", "-", ".", "a.", "/", "(", "f(", "{", ":", ":a", '"', "'", "`", "\\", "$", "#", "*", "+", " ", "\t", "\n",
         "a ", "A  ", "-a", "--a ", "a=", "0:", "00:00:0", "@", "|", "[", "x/", "a-", "1 ", ".. ", "$ "]  # fmt: skip


@pytest.mark.parametrize("find", READERS, ids=lambda find: find.__module__.rpartition(".")[2])
def test_linear_time(find) -> None:
    for sign in SIGNS:
        run, short = sign * (48_000 // len(sign)), sign * (6_000 // len(sign))
        for text in (
            "{run}\n{run}",
            "A  B  C\n{run}x\n-a  {run}\nx = f(y);\nz = g(y);\n",
            "/*{run}\n$$\n:`{run}\n.. a::\n",
        ):
            assert_grows_with_the_text(
                lambda text: find(text, 0, len(text)), text.replace("{run}", run), text.replace("{run}", short)
            )
