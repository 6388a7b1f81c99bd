"""Text -> words and units: what may be kept or left out as one, and what has to stay with it.

Import from its files: `segmentation` (units), `words`, `structure` (readers), `lexical`, `sentences`, `patterns`. This
file imports none of them, for settings need `patterns` alone, and a program that only might compress starts fast.
"""
