"""Runs as people read them: tables, charts, pages, money, and what changed between two runs."""

from __future__ import annotations

from tersely_eval.report.compare import Comparison, compare_runs, parse_max_drops
from tersely_eval.report.comparison_tables import markdown_comparison, terminal_comparison
from tersely_eval.report.money import PRICES, read_prices
from tersely_eval.report.overview import Overview, write_overview
from tersely_eval.report.reports import merged_runs, print_summary, write_markdown, write_page, write_reports
from tersely_eval.report.tables import markdown_table, write_tables

__all__ = [
    "PRICES",
    "Comparison",
    "Overview",
    "compare_runs",
    "markdown_comparison",
    "markdown_table",
    "merged_runs",
    "parse_max_drops",
    "print_summary",
    "read_prices",
    "terminal_comparison",
    "write_markdown",
    "write_overview",
    "write_page",
    "write_reports",
    "write_tables",
]
