"""Tersely beyond one machine, with Ray: corpora with Ray Data (`batch`), the HTTP service with Ray Serve (`serve`)."""
