"""Questions with their documents: read from files of several formats, or made from Python's own reference."""
