"""What programs print in a terminal or write to a log."""

from tersely.text.terminal.columns import find as find_columns
from tersely.text.terminal.listings import find as find_listings
from tersely.text.terminal.logs import find as find_logs
from tersely.text.terminal.output import READERS as OUTPUT_READERS
from tersely.text.terminal.output import read_with
from tersely.text.terminal.patches import find as find_patches
from tersely.text.terminal.revisions import find as find_revisions
from tersely.text.terminal.search_results import find as find_search_results
from tersely.text.terminal.sessions import find as find_sessions
from tersely.text.terminal.tracebacks import find as find_tracebacks

__all__ = [
    "OUTPUT_READERS",
    "find_columns",
    "find_listings",
    "find_logs",
    "find_patches",
    "find_revisions",
    "find_search_results",
    "find_sessions",
    "find_tracebacks",
    "read_with",
]
