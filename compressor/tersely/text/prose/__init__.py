"""Text without marks: sentences, headings, lists, questions with answers, clauses, definitions and footnotes."""

from tersely.text.prose.clauses import find as find_clauses
from tersely.text.prose.definitions import add_entry
from tersely.text.prose.definitions import find as find_definitions
from tersely.text.prose.footnotes import tie_notes
from tersely.text.prose.headings import heading_level
from tersely.text.prose.paragraphs import add_sentences, read_prose

__all__ = [
    "add_entry",
    "add_sentences",
    "find_clauses",
    "find_definitions",
    "heading_level",
    "read_prose",
    "tie_notes",
]
