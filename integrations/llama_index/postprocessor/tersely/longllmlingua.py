"""What the arguments of LlamaIndex's `LongLLMLinguaPostprocessor` are called here. For error messages, nothing else."""

NEW_NAMES = {
    "target_token": "here it is target_tokens (or give rate)",
    "model_name": "here it is model",
    "model_config": "give compressor=Compressor(model, device=..., dtype=...)",
    "device_map": "give compressor=Compressor(device=...)",
    "open_api_config": "leave it out: no remote API is called",
    "instruction_str": "leave it out: your prompt template has the instruction, and it is never compressed",
    "rank_method": "here it is method",
    "use_llmlingua2": "leave it out: a token classifier as model compresses by method llmlingua2",
    "additional_compress_kwargs": "each has a name of its own here, such as rate, order or protect",
    "metadata_mode": "here it is count_metadata, true or false",
}
GUIDE = "docs/llama_index.md has a table of all"
