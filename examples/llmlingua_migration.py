"""A program written for llmlingua, with its one import line changed: Python's own language reference, to a quarter.

pip install tersely. It needs no API key, and no GPU: the prompt that an LLM would get is printed.
"""

from pydoc_data.topics import topics

from tersely.compat.llmlingua import PromptCompressor  # was: from llmlingua import PromptCompressor

QUESTION = "What happens if a finally clause executes a return statement?"
INSTRUCTION = "Answer the question from these passages of the Python language reference."

contexts = [topics[name].strip() for name in ("return", "break", "continue", "raise", "exceptions", "try")]

llm_lingua = PromptCompressor()
result = llm_lingua.compress_prompt(contexts, instruction=INSTRUCTION, question=QUESTION, rate=0.25)

print(f"{result['compressed_prompt']}\n")
print(f"{result['origin_tokens']:,} -> {result['compressed_tokens']:,} tokens\n")

# Parts that must not change, and parts with a rate of their own.
structured = (
    "<llmlingua, compress=False>## return\n</llmlingua>"
    f"<llmlingua, rate=0.3>{topics['return']}</llmlingua>"
    "<llmlingua, compress=False>\n## break\n</llmlingua>"
    f"<llmlingua, rate=0.6>{topics['break']}</llmlingua>"
)
result = llm_lingua.structured_compress_prompt(structured, question=QUESTION, concate_question=False)
print(result["compressed_prompt"])
