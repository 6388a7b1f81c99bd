"""Trained compressors on torch: encoders with a head that labels tokens. `scorers.py` loads them by name."""
