"""Tersely's version. A file of its own: caches name it, and they must not import the public face."""

__version__ = "0.1.0"
