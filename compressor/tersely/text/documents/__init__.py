"""Marks of documents for people: Markdown with its tables, fences and formulas, LaTeX, reStructuredText."""

from tersely.text.documents.fences import find as find_fences
from tersely.text.documents.formulas import find as find_formulas
from tersely.text.documents.latex import find as find_latex
from tersely.text.documents.markdown import read_markdown
from tersely.text.documents.restructured import find as find_restructured
from tersely.text.documents.tables import find as find_tables

__all__ = [
    "find_fences",
    "find_formulas",
    "find_latex",
    "find_restructured",
    "find_tables",
    "read_markdown",
]
