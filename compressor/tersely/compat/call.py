"""One call of the drop-in for llmlingua, as calls of a `Compressor`: shared budgets, budgets of their own, forced text.

Here the parameters have become `Options`; llmlingua's names are known to `options.py` only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tersely.budget.rendering import join_documents
from tersely.budget.shares import target_from_rate
from tersely.compat.options import Options
from tersely.compat.segments import Piece, Segment, join_pieces, split_white_space
from tersely.compressor import Compressor
from tersely.documents import Document, Span
from tersely.outcomes import CompressedDocument
from tersely.result import CompressionResult


class Call(NamedTuple):
    """What one call asks for, and the compressor that does it."""

    compressor: Compressor
    options: Options

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return self.compressor.tokenizer.count(text)

    def compress(
        self, documents: Sequence[Document], target: int, forced: Collection[int] = (), at_least: int = 0
    ) -> CompressionResult:
        """Compress documents to a budget that they share.

        Args:
            documents: blank ones are left out.
            target: the budget in tokens.
            forced: positions of documents of which something must stay. Half the budget is theirs, in even shares, for
                what each would keep alone; where that is nothing, or not a token, they are as free as the others.
            at_least: of so many documents, the most relevant ones, something must stay.

        Raises:
            InvalidInputError, ProtectedTextError: as `Compressor.compress`.
        """
        share = target // (2 * max(len(forced), 1))
        result = self.compressor.compress(
            [
                self._present(document, share) if index in forced else document
                for index, document in enumerate(documents)
            ],
            self.options.question,
            settings=self.options.settings(target),
        )
        present = [document.index for document in result.documents if document.kept]
        if len(present) < min(at_least, len(result.documents)):
            by_relevance = sorted(result.documents, key=lambda document: -(document.relevance or 0.0))
            return self.compress(
                documents, target, {*forced, *(document.index for document in by_relevance[:at_least])}
            )
        return result

    def compress_texts(
        self, texts: Sequence[str], rate: float, forced: Collection[int] = ()
    ) -> list[CompressedDocument]:
        """Compress texts to a rate of their tokens together.

        Returns:
            What became of each text, in their order; of blank ones nothing is left.
        """
        documents = [Document(text=text) for text in texts]
        result = self.compress(documents, target_from_rate(rate, self.count(_joined(texts))), forced)
        compressed = {document.index: document for document in result.documents}
        return [compressed.get(index, _nothing_of(index, document)) for index, document in enumerate(documents)]

    def shorten(self, texts: Sequence[str], rate: float) -> list[str]:
        """What is left of texts, in their order, at a rate of their tokens together."""
        return [document.text for document in self.compress_texts(texts, rate)]

    def compress_contexts(
        self,
        contexts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
        target: int,
        forced: Collection[int],
        number: int,
    ) -> str:
        """Compress contexts of which some sentences must survive.

        Args:
            contexts: the texts.
            sentences: for each of them the sentences that must survive.
            target, forced, number: as in `compress`.
        """
        documents = [
            Document(text=text, keep_passages=tuple(spans)) for text, spans in zip(contexts, sentences, strict=True)
        ]
        return self.compress(documents, target, forced, number).context

    def compress_segments(
        self,
        contexts: Sequence[Sequence[Segment]],
        rate: float,
        target: int | None,
        forced: Collection[int],
        strict: bool,
    ) -> str:
        """Compress contexts segment by segment, and join them.

        Args:
            contexts: the segments of each. One with a rate is compressed by itself; those without share a budget.
            rate: of the segments that have none.
            target: if given, the rate is this share of the tokens of all contexts.
            forced: positions of contexts of which something must stay.
            strict: whether what must not be compressed stays even where nothing else of its context does.
        """
        if target is not None:
            tokens = self.count(_joined("".join(segment.text for segment in segments) for segments in contexts))
            rate = min(1.0, target / max(tokens, 1))
        split = [[split_white_space(segment.text) for segment in segments] for segments in contexts]
        sharing = [
            (i, j)
            for i, segments in enumerate(contexts)
            for j, segment in enumerate(segments)
            if segment.compress and segment.rate is None and split[i][j][1]
        ]
        together = self.compress_texts(
            [split[i][j][1] for i, j in sharing] or [""],
            rate,
            {number for number, (i, _) in enumerate(sharing) if i in forced},
        )
        of_segment = dict(zip(sharing, together, strict=False))
        texts = []
        for i, segments in enumerate(contexts):
            pieces: list[Piece] = []
            dropped: list[bool] = []
            for j, segment in enumerate(segments):
                before, words, after = split[i][j]
                if not segment.compress or not words:
                    pieces.append(Piece(segment.text))
                    continue
                compressed = of_segment.get((i, j)) or self.compress_texts([words], segment.rate or rate)[0]
                dropped.append(not compressed.kept)
                pieces.append(_piece(before, compressed, after))
            if strict or i in forced or not dropped or not all(dropped):
                texts.append(join_pieces(pieces))
        return _joined(texts, blank_too=True)

    def fit_pairs(
        self, pairs: Mapping[str, Any], shorter: dict[str, Any], removable: Sequence[str], target: int
    ) -> None:
        """Remove pairs of a JSON object, the least relevant first, until it fits or none is left that may go.

        Args:
            pairs: the object before its values were shortened, by which its pairs are ranked.
            shorter: the object from which pairs are removed.
            removable: keys of those that may go.
            target: the budget in tokens.
        """
        if not removable or self.count_json(shorter) <= target:
            return
        documents = [Document(text=json.dumps({key: pairs[key]}, ensure_ascii=False)) for key in removable]
        # Everything fits: all that is asked for is the order.
        ranking = self._replace(options=self.options._replace(order="best_first"))
        everything = self.count(_joined(document.text for document in documents))
        relevance = {
            document.index: document.relevance or 0.0 for document in ranking.compress(documents, everything).documents
        }
        for index in sorted(relevance, key=relevance.__getitem__):
            if self.count_json(shorter) <= target:
                return
            del shorter[removable[index]]

    def count_json(self, value: Any) -> int:
        """Tokens of a value as JSON text."""
        return self.count(json.dumps(value, ensure_ascii=False))

    def _present(self, document: Document, share: int) -> Document:
        """The document with that part of it protected which would stay of it alone in so many tokens."""
        if not share or not document.text.strip():
            return document
        alone = self.compressor.compress(
            [document.text], self.options.question, settings=self.options._replace(protect=()).settings(share)
        )
        # The white space between words is not protected: whichever words stay have some between them.
        text = document.text
        spans = [
            Span(end - len(text[start:end].lstrip()), start + len(text[start:end].rstrip()))
            for start, end in alone.documents[0].kept
            if text[start:end].strip()
        ]
        return document.model_copy(update={"keep_passages": (*document.keep_passages, *spans)})


def _piece(before: str, compressed: CompressedDocument, after: str) -> Piece:
    if not compressed.kept:
        return Piece(max(before, after, key=lambda white: white.count("\n")) or before or after, True, True)
    cut_before = compressed.kept[0].start > 0
    cut_after = compressed.kept[-1].end < len(compressed.document.text)
    return Piece(before + compressed.text + after, cut_before, cut_after)


def _joined(texts: Iterable[str], blank_too: bool = False) -> str:
    return join_documents(text for text in texts if blank_too or text.strip())


def _nothing_of(index: int, document: Document) -> CompressedDocument:
    return CompressedDocument(index=index, document=document, kept=[], text="", original_tokens=0, compressed_tokens=0)
