"""What is counted for Prometheus. Each service has a registry of its own: two in one process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tersely import CompressionResult
from tersely_server.admission import Admission

_SECONDS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The service's counters. The names are in docs/server.md.

    Attributes:
        content_type: of `text`.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, admission: Admission) -> None:
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
        for name, meaning, value in (
            ("tersely_in_flight", "Requests that are compressed now.", lambda: admission.working),
            ("tersely_queue_length", "Requests that wait.", lambda: admission.waiting),
        ):
            Gauge(name, meaning, registry=self.registry).set_function(value)

    def compressed(self, result: CompressionResult) -> None:
        """Count one compressed prompt."""
        self._compressions.labels(result.method).inc()
        self._tokens_in.inc(result.original_tokens)
        self._tokens_out.inc(result.compressed_tokens)
        for stage, seconds in result.seconds.items():
            self._stage_seconds.labels(stage).observe(seconds)

    def answered(self, route: str, status: int, code: str | None, seconds: float) -> None:
        """Count one answer; `code` is that of its error."""
        self._requests.labels(route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        if code is not None:
            self._rejected.labels(code).inc()

    def text(self) -> bytes:
        """All of it, in the format of Prometheus."""
        return generate_latest(self.registry)
