"""Counters for Prometheus. Each service has its own registry, so two in one process do not mix."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tersely import CompressionResult

_SECONDS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The service's counters; docs/server.md lists their names.

    Args:
        working: gives how many requests are compressed now.
        waiting: gives how many requests wait.

    Attributes:
        content_type: the media type of `text`.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, *, working: Callable[[], int], waiting: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "tersely_requests", "Answered requests, by route and status.", ["route", "status"], registry=self.registry
        )
        self._rejected = Counter(
            "tersely_rejected_requests", "Requests without success, by error code.", ["code"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "tersely_request_seconds",
            "From a request's first byte to its answer's last, by route.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stage_seconds = Histogram(
            "tersely_stage_seconds",
            "Seconds of a compression, by stage.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._compressions = Counter(
            "tersely_compressions", "Compressed prompts, by method.", ["method"], registry=self.registry
        )
        self._tokens_in = Counter("tersely_tokens_in", "Tokens before compression.", registry=self.registry)
        self._tokens_out = Counter("tersely_tokens_out", "Tokens after compression.", registry=self.registry)
        self._forwarded = Counter(
            "tersely_forwarded_requests",
            "Requests to the upstream, by what became of their context and the status of the upstream's answer.",
            ["context", "upstream_status"],
            registry=self.registry,
        )
        self._rewrite_tokens = Counter(
            "tersely_rewrite_tokens",
            "Tokens of earlier turns that went upstream as before, and would not if they were compressed anew; about.",
            registry=self.registry,
        )
        for name, meaning, value in (
            ("tersely_in_flight", "Requests that are compressed now.", working),
            ("tersely_queue_length", "Requests that wait.", waiting),
        ):
            Gauge(name, meaning, registry=self.registry).set_function(value)

    def compressed(self, result: CompressionResult) -> None:
        """Count one compressed prompt."""
        self._compressions.labels(result.method).inc()
        self._tokens_in.inc(result.original_tokens)
        self._tokens_out.inc(result.compressed_tokens)
        for stage, seconds in result.seconds.items():
            self._stage_seconds.labels(stage).observe(seconds)

    def forwarded(self, context: str, upstream_status: int | None, rewrite_tokens: int) -> None:
        """Count one request to the upstream. The status is None if the upstream gave no answer."""
        self._rewrite_tokens.inc(rewrite_tokens)
        self._forwarded.labels(context, str(upstream_status or "none")).inc()

    def answered(self, route: str, status: int, code: str | None, seconds: float) -> None:
        """Count one answer; `code` is its error code, None on success."""
        self._requests.labels(route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        if code is not None:
            self._rejected.labels(code).inc()

    def text(self) -> bytes:
        """All counters in the format of Prometheus."""
        return generate_latest(self.registry)
