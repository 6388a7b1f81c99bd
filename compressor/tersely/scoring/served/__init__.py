"""A causal language model behind a server that returns log-probabilities of prompts, such as vLLM's. Needs no torch."""
