"""Tersely as an HTTP service."""
