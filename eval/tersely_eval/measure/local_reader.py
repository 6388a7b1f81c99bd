"""How likely a local model finds the answer once it has read a context. An LLM that writes an answer: `llm_reader.py`.

The prompt is always the same: the context, a blank line, `Question: ` and the question, and on the last line `Answer:`.
Two contexts are compared by two calls with the same question and answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from tersely import InvalidInputError
from tersely.scoring import Scorer, ScoringRequest


def local_prompt(context: str, question: str) -> str:
    """What a local model reads before the answer. Without a context the question stands alone."""
    end = f"Question: {question}\nAnswer:"
    return f"{context}\n\n{end}" if context.strip() else end


def answer_log_probability(scorer: Scorer, prompt: str, answer: str | Sequence[str]) -> float:
    """The mean log-probability (nats a token, at most 0) of an answer that follows a prompt after a space.

    A prompt longer than the model's window loses its beginning: of a very long context only the end is read.

    Args:
        scorer: the local model.
        prompt: as `local_prompt` makes it.
        answer: the answer; of several the one that the model finds likeliest a token counts. Blank ones do not count.

    Raises:
        InvalidInputError: the prompt is blank, or there is no answer that is not.
    """
    given = [answer] if isinstance(answer, str) else answer
    answers = [answer for answer in given if answer.strip()]
    if not prompt.strip():
        raise InvalidInputError("the prompt is empty; give what the model reads before the answer")
    if not answers:
        raise InvalidInputError(f"there is no answer that is not blank: {answer!r}")
    return max(
        float(scores.mean()) for scores in scorer.score([_request(scorer, prompt, answer) for answer in answers])
    )


def _request(scorer: Scorer, prompt: str, answer: str) -> ScoringRequest:
    """The answer's tokens as they are after the prompt: both are tokenized in one piece."""
    tokens, offsets = scorer.encode(f"{prompt} {answer.strip()}")
    first = next(position for position, (_, end) in enumerate(offsets) if end > len(prompt))
    return ScoringRequest(tokens[first:], tokens[:first])
