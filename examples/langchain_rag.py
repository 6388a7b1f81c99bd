"""RAG with LangChain over Python's own language reference: retrieve, compress to a quarter, ask.

pip install "tersely[langchain]" langchain-community rank-bm25. It needs no API key: the LLM is a stand-in.
"""

from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_tersely import TerselyCompressor

from tersely import CompressionResult
from tersely_eval.data import reference_sections

QUESTION = "What happens if a finally clause executes a return statement?"


def show(result: CompressionResult) -> None:
    """What the compressor did."""
    print(f"{result.original_tokens:,} -> {result.compressed_tokens:,} tokens\n\n{result.context}\n")


def joined(documents: list[Document]) -> str:
    """The context of the prompt."""
    return "\n\n".join(document.page_content for document in documents)


sections = [Document(id=section.id, page_content=section.text) for section in reference_sections()]
retriever = BM25Retriever.from_documents(sections, k=5, preprocess_func=lambda text: text.lower().split())
compressor = TerselyCompressor(rate=0.25, on_result=show)
prompt = ChatPromptTemplate.from_template("Answer from these passages.\n\n{context}\n\nQuestion: {question}")
llm = FakeListChatModel(responses=["The saved exception is discarded."])  # your own, such as ChatOpenAI(...)

retrieve = {"documents": retriever, "query": RunnablePassthrough()} | compressor
chain = {"context": retrieve | joined, "question": RunnablePassthrough()} | prompt | llm | StrOutputParser()

answer = chain.invoke(QUESTION)
print(f"{QUESTION}\n{answer}")
