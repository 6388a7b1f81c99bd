"""Text -> blocks: each part of it by the reader that understands it, and prose or Markdown for all the rest.

In doubt a text is prose: a reader takes only what it is sure of.
"""

from __future__ import annotations

from tersely.text import (
    changes,
    clauses,
    columns,
    command_output,
    definitions,
    fences,
    formulas,
    ini_records,
    json_records,
    latex,
    logs,
    mail,
    markup,
    matches,
    messages,
    program_signs,
    restructured,
    revisions,
    sessions,
    subtitles,
    tables,
    tracebacks,
    yaml_records,
)
from tersely.text.footnotes import tie_notes
from tersely.text.markdown import read_markdown
from tersely.text.outline import Block, FindRegions, Outline, Region

# Asked in this order; what one has taken the next ones do not see.
_FINDERS: tuple[FindRegions, ...] = (
    subtitles.find,
    fences.find,
    latex.find,
    formulas.find,
    json_records.find,
    markup.find,
    sessions.find,
    changes.find,
    revisions.find,
    mail.find,
    logs.find,
    tracebacks.find,
    ini_records.find,
    yaml_records.find,
    tables.find,
    columns.find,
    matches.find,
    command_output.find,
    messages.find,
    program_signs.find,
    restructured.find,
    clauses.find,
    definitions.find,
)


def split_blocks(text: str) -> list[Block]:
    """The blocks of a text, in order; together they cover all of it but white space.

    At least one of them stands for itself, unless there is nothing but white space.
    """
    outline = Outline(text, split_blocks)
    done = 0
    for region in _regions(text):
        read_markdown(outline, done, region.start)
        lead_in = outline.lead_in(region.start)
        if lead_in is None:  # what it opens may reach beyond it, such as a heading
            region.read(outline, region.start, region.end)
        else:
            with outline.under(lead_in):
                region.read(outline, region.start, region.end)
        done = region.end
    read_markdown(outline, done, len(text))
    outline.unsay_lead_ins()
    tie_notes(outline)
    if not any(block.stands for block in outline.blocks):  # headings over nothing are all that there is
        return [block._replace(stands=not block.joins) for block in outline.blocks]
    return outline.blocks


def _regions(text: str) -> list[Region]:
    """What readers of their own take of a text, in order."""
    taken: list[Region] = []
    for find in _FINDERS:
        edges = [0, *(edge for region in taken for edge in (region.start, region.end)), len(text)]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if start < end:
                taken += find(text, start, end)
        taken.sort(key=lambda region: region.start)
    return taken
