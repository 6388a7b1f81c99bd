"""Text -> words and units: what may be kept or left out as one, and what has to stay with it."""
