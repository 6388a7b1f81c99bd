"""Runs as people read them: tables, charts, pages, money, and what changed between two runs."""
