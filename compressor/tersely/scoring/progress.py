"""How much of some requests is done, as its caller is told."""

from __future__ import annotations

from collections.abc import Sequence

from tersely.scoring.pass_items import PassItem
from tersely.scoring.scorer import Progress, ScoringRequest


class TokenProgress:
    """Reports the share of the requests' tokens that is done; it never goes back."""

    def __init__(self, requests: Sequence[ScoringRequest], report: Progress | None) -> None:
        self._total = sum(len(request.prefix) + len(request.tokens) for request in requests)
        self._report, self._tokens, self._share = report, 0, 0.0

    def add(self, tokens: int) -> None:
        """So many more tokens are done."""
        self._tokens += tokens
        share = min(self._tokens / max(self._total, 1), 1.0)
        if self._report and share > self._share:
            self._share = share
            self._report(share)

    def add_items(self, items: Sequence[PassItem]) -> None:
        """These items went through a pass."""
        self.add(sum(len(item.tokens) for item in items))

    def finish(self) -> None:
        """All is done, also what took no pass."""
        if self._total:
            self.add(self._total)
