"""RAG with Haystack over Python's own language reference: retrieve, compress to a quarter, ask.

pip install "tersely[haystack]". It needs no API key: the LLM is a stand-in.
"""

from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.retrievers import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.rankers.tersely import TerselyRanker

from tersely_eval.data import reference_sections

QUESTION = "What happens if a finally clause executes a return statement?"
TEMPLATE = """Answer from these passages.

{% for document in documents %}{{ document.content }}

{% endfor %}Question: {{ query }}"""

store = InMemoryDocumentStore()
store.write_documents([Document(id=section.id, content=section.text) for section in reference_sections()])

pipeline = Pipeline()
pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=5))
pipeline.add_component("tersely", TerselyRanker(rate=0.25))
pipeline.add_component("prompt", ChatPromptBuilder([ChatMessage.from_user(TEMPLATE)]))
llm = MockChatGenerator("The saved exception is discarded.")  # your own, such as OpenAIChatGenerator(...)
pipeline.add_component("llm", llm)
pipeline.connect("retriever.documents", "tersely.documents")
pipeline.connect("tersely.documents", "prompt.documents")
pipeline.connect("prompt.prompt", "llm.messages")

outcome = pipeline.run({name: {"query": QUESTION} for name in ("retriever", "tersely", "prompt")})
account = outcome["tersely"]["account"]
print(f"{account['original_tokens']:,} -> {account['compressed_tokens']:,} tokens\n\n{account['context']}\n")
print(f"{QUESTION}\n{outcome['llm']['replies'][0].text}")
