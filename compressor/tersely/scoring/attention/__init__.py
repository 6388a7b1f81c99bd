"""Attention of a forward pass over many texts: each kernel of `choice.py` equals the plain one of `reference.py`."""

from tersely.scoring.attention.packed import PackedAttention

__all__ = ["PackedAttention"]
