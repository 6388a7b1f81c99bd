"""Every input, in one list. They were written without a look at the code; see notation.py for how."""

from __future__ import annotations

from meaning import inputs_data, inputs_markup, inputs_papers, inputs_programs, inputs_prose

INPUTS = [
    *inputs_prose.INPUTS,
    *inputs_papers.INPUTS,
    *inputs_data.INPUTS,
    *inputs_markup.INPUTS,
    *inputs_programs.INPUTS,
]
