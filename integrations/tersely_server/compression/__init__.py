"""Compression for many callers at once: request bodies in, results out, within the limits of the service."""

from tersely_server.compression.calls import (
    BatchRequest,
    BatchResult,
    CompressRequest,
    parse_batch,
    parse_call,
    parse_json,
)
from tersely_server.compression.originals import Originals
from tersely_server.compression.service import CompressCalls, Service, single_result

__all__ = [
    "BatchRequest",
    "BatchResult",
    "CompressCalls",
    "CompressRequest",
    "Originals",
    "Service",
    "parse_batch",
    "parse_call",
    "parse_json",
    "single_result",
]
