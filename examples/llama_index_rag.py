"""RAG with LlamaIndex over Python's own language reference: retrieve, compress to a quarter, ask.

pip install "tersely[llama-index]". It needs no API key: the LLM is a stand-in.
"""

from llama_index.core import Document
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.postprocessor.tersely import TerselyPostprocessor
from llama_index.retrievers.bm25 import BM25Retriever

from tersely import CompressionResult
from tersely_eval.data import reference_sections

QUESTION = "What happens if a finally clause executes a return statement?"

documents = [Document(id_=section.id, text=section.text) for section in reference_sections()]
nodes = SentenceSplitter(chunk_size=256, chunk_overlap=0).get_nodes_from_documents(documents)

results: list[CompressionResult] = []
engine = RetrieverQueryEngine.from_args(
    BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=10),
    node_postprocessors=[TerselyPostprocessor(rate=0.25, on_result=results.append)],
    llm=MockLLM(),  # your own, such as OpenAI(model="gpt-4o"); this one answers with the prompt that it was given
)
response = engine.query(QUESTION)

print(f"{results[0].original_tokens:,} -> {results[0].compressed_tokens:,} tokens\n\n{response}\n")
for source in response.source_nodes:
    account = source.metadata["tersely"]
    print(f"{account['original_tokens']:4} -> {account['compressed_tokens']:3} tokens of {source.node.ref_doc_id}")
