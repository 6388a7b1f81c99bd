"""Text -> blocks: each region by the reader that understands it, the rest as Markdown or prose.

In doubt a text is prose: a reader takes only what it is sure of.
"""

from __future__ import annotations

from tersely.text.conversations import find_mails, find_messages, find_subtitles
from tersely.text.data import find_ini, find_json, find_yaml
from tersely.text.documents import (
    find_fences,
    find_formulas,
    find_latex,
    find_restructured,
    find_tables,
    read_markdown,
)
from tersely.text.markup import find_markup
from tersely.text.outline import Block, FindRegions, Outline, Region
from tersely.text.programs import find_programs
from tersely.text.prose import find_clauses, find_definitions, tie_notes
from tersely.text.terminal import (
    find_columns,
    find_listings,
    find_logs,
    find_patches,
    find_revisions,
    find_search_results,
    find_sessions,
    find_tracebacks,
)

# All kinds of text but Markdown and prose, the surest first: a reader sees only what those before it have left.
# To add a kind of text, write its file in a room, export its `find` there, and give it a line here.
READERS: tuple[FindRegions, ...] = (
    find_subtitles,
    find_fences,
    find_latex,
    find_formulas,
    find_json,
    find_markup,
    find_sessions,
    find_patches,
    find_revisions,
    find_mails,
    find_logs,
    find_tracebacks,
    find_ini,
    find_yaml,
    find_tables,
    find_columns,
    find_search_results,
    find_listings,
    find_messages,
    find_programs,
    find_restructured,
    find_clauses,
    find_definitions,
)


def split_blocks(text: str) -> list[Block]:
    """The blocks of a text, in order; together they cover all of it but white space.

    At least one of them is standalone, unless there is nothing but white space.
    """
    outline = Outline(text, split_blocks)
    done = 0
    for region in _regions(text):
        read_markdown(outline, done, region.start)
        lead_in = outline.lead_in(region.start)
        if lead_in is None:  # a heading in it may be over what follows the region, so there is no `under`
            region.read(outline, region.start, region.end)
        else:
            with outline.under(lead_in):
                region.read(outline, region.start, region.end)
        done = region.end
    read_markdown(outline, done, len(text))
    outline.lead_ins_only_as_context()
    tie_notes(outline)
    if not any(block.standalone for block in outline.blocks):  # there is nothing but headings over nothing
        return [block._replace(standalone=not block.separates) for block in outline.blocks]
    return outline.blocks


def _regions(text: str) -> list[Region]:
    """The regions of a text that a reader understands, in order."""
    taken: list[Region] = []
    for find in READERS:
        edges = [0, *(edge for region in taken for edge in (region.start, region.end)), len(text)]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if start < end:
                taken += find(text, start, end)
        taken.sort(key=lambda region: region.start)
    return taken
