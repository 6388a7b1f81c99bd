"""XML and HTML, as a whole text or on some of its lines."""

from tersely.text.markup.regions import find as find_markup

__all__ = [
    "find_markup",
]
