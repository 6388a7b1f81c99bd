"""Measures how much of what an answer needs a compression method keeps. Compresses nothing itself, calls no LLM."""
