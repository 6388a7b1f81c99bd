"""The methods of LLMLingua (arXiv 2310.05736) and LongLLMLingua (arXiv 2310.06839), with whole words."""
