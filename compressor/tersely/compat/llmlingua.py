"""A drop-in for the package `llmlingua` (0.2.2): its class, parameters, defaults and results; Tersely compresses.

    from tersely.compat.llmlingua import PromptCompressor    # instead of: from llmlingua import PromptCompressor

docs/llmlingua.md says what every parameter does here. What has no meaning here is accepted, and named in a warning.
"""

# ruff: noqa: B006 -- the defaults are llmlingua's own; none of them is ever changed.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from tersely.budget.shares import target_from_rate
from tersely.compat import options, parameters
from tersely.compat.accounting import prompt_result, result_dict, target_of_whole_prompt
from tersely.compat.alignment import recover_bare
from tersely.compat.call import Call
from tersely.compat.json_values import read_config, read_json, shortened
from tersely.compat.lists import compress_in_list
from tersely.compat.loading import LLAMA_2, read_device, read_dtype, read_model
from tersely.compat.segments import parse_segments, read_segments
from tersely.compressor import shared_compressor
from tersely.scoring.abilities import abilities_of
from tersely.settings import MethodName, settings_from

_ENCODING = "cl100k_base"  # that of gpt-3.5-turbo, with which llmlingua counts


class PromptCompressor:
    """Compresses prompts; called as llmlingua's class of this name is.

    Args:
        model_name: scores the text: the embedded model's name, a folder, a `.gguf` file or a Hub id. Where it is not
            given, the embedded model, and not the 13 GB that the default names.
        device_map: `cuda` (an accelerator if there is one, else the processor), `cpu`, `mps`, `cuda:1` and the like, or
            `auto`, `balanced`, `balanced_low_0`, which here mean the same as `cuda`.
        model_config: `torch_dtype` (or `dtype`) counts; remote code is never run.
        open_api_config: no meaning here.
        use_llmlingua2: results have LLMLingua-2's shape; without a token classifier the compression is Tersely's own.
        llmlingua2_config: no meaning here.
        method: how every call chooses, as in `tersely.CompressionSettings`. By default `llmlingua2` with a token
            classifier; else `evidence` with a question, whatever `rank_method` says, and `llmlingua` without one.

    Attributes:
        compressor: the `tersely.Compressor` that does the work, shared by all that ask for the same model.

    Raises:
        InvalidInputError: an argument cannot be used; the message names it.
        ModelError: the model cannot be found or loaded.
    """

    def __init__(
        self,
        model_name: str | PathLike[str] = LLAMA_2,
        device_map: str = "cuda",
        model_config: dict[str, Any] = {},
        open_api_config: dict[str, Any] = {},
        use_llmlingua2: bool = False,
        llmlingua2_config: dict[str, Any] = {},
        *,
        method: MethodName | None = None,
    ) -> None:
        arguments = parameters.given(PromptCompressor.__init__, locals())
        settings_from({"method": method})
        self.model_name = read_model(model_name)
        self.use_llmlingua2 = bool(use_llmlingua2)
        device = read_device(device_map)
        dtype, others = read_dtype(model_config or {})
        self.compressor = shared_compressor(self.model_name, _ENCODING, device=device, dtype=dtype)
        labels = "token labels" in abilities_of(self.compressor.scorer)
        self.method: MethodName | None = method or ("llmlingua2" if labels else None)
        note = f"use_llmlingua2: {self.model_name} is no token classifier, so the compression is Tersely's own"
        used = {"model_name", "device_map", "model_config", "use_llmlingua2", "method"}
        parameters.warn_of({**arguments, **others}, used, [note] if use_llmlingua2 and not labels else [])

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """`compress_prompt`."""
        return self.compress_prompt(*args, **kwargs)

    def compress_prompt(
        self,
        context: str | Sequence[str],
        instruction: str = "",
        question: str = "",
        rate: float = 0.5,
        target_token: float = -1,
        iterative_size: int = 200,
        force_context_ids: Sequence[int] | None = None,
        force_context_number: int | None = None,
        use_sentence_level_filter: bool = False,
        use_context_level_filter: bool = True,
        use_token_level_filter: bool = True,
        keep_split: bool = False,
        keep_first_sentence: int = 0,
        keep_last_sentence: int = 0,
        keep_sentence_number: int = 0,
        high_priority_bonus: int = 100,
        context_budget: str = "+100",
        token_budget_ratio: float = 1.4,
        condition_in_question: str = "none",
        reorder_context: str = "original",
        dynamic_context_compression_ratio: float = 0.0,
        condition_compare: bool = False,
        add_instruction: bool = False,
        rank_method: str = "llmlingua",
        concate_question: bool = True,
        context_segs: Sequence[Sequence[str]] | None = None,
        context_segs_rate: Sequence[Sequence[float | None]] | None = None,
        context_segs_compress: Sequence[Sequence[bool]] | None = None,
        target_context: int = -1,
        context_level_rate: float = 1.0,
        context_level_target_token: int = -1,
        return_word_label: bool = False,
        word_sep: str = "\t\t|\t\t",
        label_sep: str = " ",
        token_to_word: str = "mean",
        force_tokens: Sequence[str] = [],
        force_reserve_digit: bool = False,
        drop_consecutive: bool = False,
        chunk_end_tokens: Sequence[str] = [".", "\n"],
        strict_preserve_uncompressed: bool = True,
    ) -> dict[str, Any]:
        """Compress a prompt: its context; instruction and question stay as they are.

        Args:
            context: documents, or one.
            instruction, question: stand before and after the context in the compressed prompt.
            rate: tokens of the compressed prompt / tokens of the prompt, instruction and question included.
            target_token: tokens of the compressed context, instead of a rate; -1 for none. Never exceeded.
            others: see docs/llmlingua.md.

        Returns:
            `compressed_prompt`, `origin_tokens`, `compressed_tokens`, `ratio`, `rate` and `saving`, all of the whole
            prompt, counted with `cl100k_base`; with `use_llmlingua2` those of `compress_prompt_llmlingua2`.

        Raises:
            InvalidInputError: a parameter's value cannot be used; the message names it.
            ProtectedTextError: what must be kept exceeds the budget.
        """
        arguments = locals()
        call = Call(self.compressor, options.read_options(arguments, self.method))
        contexts = options.read_contexts(context)
        target = options.read_budget(rate, target_token)
        forced = options.read_forced(force_context_ids, len(contexts))
        used = {*call.options.used, *parameters.BUDGET, *parameters.FORCED}
        notes = parameters.notes_of_force_tokens(force_tokens)
        prompt = (contexts, instruction, question, concate_question)
        if self.use_llmlingua2:
            used |= {"question", *parameters.IN_LIST}
            labels = (word_sep, label_sep) if return_word_label else None
            result = compress_in_list(call, contexts, rate, target, forced, use_context_level_filter, labels)
        elif context_segs is not None:
            used |= {*parameters.PROMPT, *parameters.SEGMENTS}
            segments = read_segments(contexts, context_segs, context_segs_rate, context_segs_compress)
            text = call.compress_segments(segments, rate, target, forced, strict_preserve_uncompressed)
            result = prompt_result(text, *prompt, call.count)
        else:
            used |= {*parameters.PROMPT, *parameters.PLAIN}
            if target is None:
                target, note = target_of_whole_prompt(*prompt, rate, call.count)
                notes += note
            sentences = options.outer_sentences(contexts, keep_first_sentence, keep_last_sentence)
            number = options.read_count(force_context_number)
            text = call.compress_contexts(contexts, sentences, target, forced, number)
            result = prompt_result(text, *prompt, call.count)
        parameters.warn_of(parameters.given(PromptCompressor.compress_prompt, arguments), used, notes)
        return result

    def structured_compress_prompt(
        self,
        context: str | Sequence[str],
        instruction: str = "",
        question: str = "",
        rate: float = 0.5,
        target_token: float = -1,
        iterative_size: int = 200,
        force_context_ids: Sequence[int] | None = None,
        force_context_number: int | None = None,
        use_sentence_level_filter: bool = False,
        use_context_level_filter: bool = True,
        use_token_level_filter: bool = True,
        keep_split: bool = False,
        keep_first_sentence: int = 0,
        keep_last_sentence: int = 0,
        keep_sentence_number: int = 0,
        high_priority_bonus: int = 100,
        context_budget: str = "+100",
        token_budget_ratio: float = 1.4,
        condition_in_question: str = "none",
        reorder_context: str = "original",
        dynamic_context_compression_ratio: float = 0.0,
        condition_compare: bool = False,
        add_instruction: bool = False,
        rank_method: str = "llmlingua",
        concate_question: bool = True,
        strict_preserve_uncompressed: bool = True,
    ) -> dict[str, Any]:
        """Compress contexts that say what to do with each part: `<llmlingua, rate=0.4, compress=True>part</llmlingua>`.

        A segment with a rate of its own is compressed to that rate; those without one share a budget of `rate` of their
        tokens; one with `compress=False` stays byte for byte.

        Args:
            context: texts with tags; what stands outside of them is a segment without parameters.
            rate: of the segments that say none.
            target_token: instead of it, as a share of all contexts' tokens; -1 for none.
            others: see docs/llmlingua.md.

        Returns:
            As `compress_prompt`; `origin_tokens` without the tags.

        Raises:
            InvalidInputError: a tag is malformed, or a parameter's value cannot be used; the message says which.
            ProtectedTextError: what must be kept exceeds the budget.
        """
        arguments = locals()
        call = Call(self.compressor, options.read_options(arguments, self.method))
        texts = options.read_contexts(context)
        segments = [parse_segments(text, f"context[{index}]") for index, text in enumerate(texts)]
        forced = options.read_forced(force_context_ids, len(texts))
        target = options.read_budget(rate, target_token)
        text = call.compress_segments(segments, rate, target, forced, strict_preserve_uncompressed)
        contexts = ["".join(segment.text for segment in of_context) for of_context in segments]
        used = {*call.options.used, *parameters.BUDGET, *parameters.FORCED, *parameters.PROMPT, *parameters.SEGMENTS}
        parameters.warn_of(parameters.given(PromptCompressor.structured_compress_prompt, arguments), used)
        return prompt_result(text, contexts, instruction, question, concate_question, call.count)

    def compress_json(
        self,
        json_data: Mapping[str, Any],
        json_config: str | PathLike[str] | Mapping[str, Any],
        instruction: str = "",
        question: str = "",
        rate: float = 0.5,
        target_token: float = -1,
        iterative_size: int = 200,
        use_sentence_level_filter: bool = False,
        use_keyvalue_level_filter: bool = False,
        use_token_level_filter: bool = True,
        keep_split: bool = False,
        keep_first_sentence: int = 0,
        keep_last_sentence: int = 0,
        keep_sentence_number: int = 0,
        high_priority_bonus: int = 100,
        context_budget: str = "+100",
        token_budget_ratio: float = 1.4,
        condition_in_question: str = "none",
        reorder_keyvalue: str = "original",
        condition_compare: bool = False,
        rank_method: str = "llmlingua",
    ) -> dict[str, Any]:
        """Shorten the texts in a JSON object, key by key.

        Args:
            json_data: the object.
            json_config: for each of its keys `rate`, `compress`, `value_type` and `pair_remove`; or a YAML file's path.
            question: what the selection looks for; it does not appear in the result.
            use_keyvalue_level_filter: whether keys with `pair_remove` go, the least relevant first, while the object
                has more tokens than `target_token`, or than `rate` of its tokens.
            others: see docs/llmlingua.md.

        Returns:
            `compressed_prompt`, an object of the same keys, less those removed, and the other keys of
            `compress_prompt`, counted on the objects as JSON text.

        Raises:
            InvalidInputError: the object, the config or a parameter's value cannot be used; the message says which.
        """
        arguments = locals()
        call = Call(self.compressor, options.read_options(arguments, self.method))
        target = options.read_budget(rate, target_token)
        before = read_json(json_data)
        config = read_config(json_config, list(before))
        after = {key: shortened(key, value, config[key], call.shorten) for key, value in before.items()}
        tokens = call.count_json(before)
        used = {*call.options.used, "question", "use_keyvalue_level_filter"}
        if use_keyvalue_level_filter:
            used |= parameters.BUDGET
            removable = [key for key in after if config[key].pair_remove]
            call.fit_pairs(before, after, removable, target or target_from_rate(rate, tokens))
        parameters.warn_of(parameters.given(PromptCompressor.compress_json, arguments), used)
        return result_dict(after, tokens, call.count_json(after))

    def compress_prompt_llmlingua2(
        self,
        context: str | Sequence[str],
        rate: float = 0.5,
        target_token: int = -1,
        use_context_level_filter: bool = False,
        use_token_level_filter: bool = True,
        target_context: int = -1,
        context_level_rate: float = 1.0,
        context_level_target_token: int = -1,
        force_context_ids: Sequence[int] = [],
        return_word_label: bool = False,
        word_sep: str = "\t\t|\t\t",
        label_sep: str = " ",
        token_to_word: str = "mean",
        force_tokens: Sequence[str] = [],
        force_reserve_digit: bool = False,
        drop_consecutive: bool = False,
        chunk_end_tokens: Sequence[str] = [".", "\n"],
    ) -> dict[str, Any]:
        """Compress contexts, with a result of LLMLingua-2's shape; by a token classifier where the model is one.

        Args:
            context: documents, or one.
            rate: compressed / original tokens.
            target_token: the budget in tokens, instead of a rate; -1 for none.
            use_context_level_filter: whether the contexts share the budget, and those of which nothing is kept are left
                out; by default each is compressed to the rate.
            others: see docs/llmlingua.md.

        Returns:
            `compressed_prompt`; `compressed_prompt_list`, the compressed contexts; `origin_tokens`,
            `compressed_tokens`, `ratio`, `rate` and `saving`; and `fn_labeled_original_prompt` where
            `return_word_label` asks for it.

        Raises:
            InvalidInputError: a parameter's value cannot be used; the message names it.
            ProtectedTextError: what must be kept exceeds the budget.
        """
        arguments = locals()
        call = Call(self.compressor, options.read_options(arguments, self.method))
        contexts = options.read_contexts(context)
        target = options.read_budget(rate, target_token)
        forced = options.read_forced(force_context_ids, len(contexts))
        labels = (word_sep, label_sep) if return_word_label else None
        result = compress_in_list(call, contexts, rate, target, forced, use_context_level_filter, labels)
        used = {*call.options.used, *parameters.BUDGET, *parameters.FORCED, *parameters.IN_LIST}
        notes = parameters.notes_of_force_tokens(force_tokens)
        parameters.warn_of(parameters.given(PromptCompressor.compress_prompt_llmlingua2, arguments), used, notes)
        return result

    def recover(self, original_prompt: str, compressed_prompt: str, response: str) -> str:
        """An answer with the phrases that came from the compressed prompt in the words of the original.

        Args:
            original_prompt: the prompt, or its context, before compression.
            compressed_prompt: what the LLM read.
            response: what it answered.

        Raises:
            InvalidInputError: one of the three is no text.
        """
        return recover_bare(original_prompt, compressed_prompt, response)
