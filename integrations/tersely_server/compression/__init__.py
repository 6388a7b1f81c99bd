"""Compression for many callers at once: request bodies in, results out, within the limits of the service."""

from tersely_server.compression.calls import BatchRequest, BatchResult, CompressRequest, parse_batch, parse_call
from tersely_server.compression.service import CompressCalls, Service, single_result

__all__ = [
    "BatchRequest",
    "BatchResult",
    "CompressCalls",
    "CompressRequest",
    "Service",
    "parse_batch",
    "parse_call",
    "single_result",
]
