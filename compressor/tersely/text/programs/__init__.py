"""Sources of programs in most languages, whole or cut out of a file."""

from tersely.text.programs.regions import find as find_programs
from tersely.text.programs.statements import read as read_program

__all__ = [
    "find_programs",
    "read_program",
]
