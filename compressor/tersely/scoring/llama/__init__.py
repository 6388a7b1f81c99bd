"""The Llama family, which the embedded model belongs to, computed here in fewer steps than transformers takes."""

from tersely.scoring.llama.configuration import LlamaConfiguration, load_configuration
from tersely.scoring.llama.decoder import Llama
from tersely.scoring.llama.eight_bits import multiplies_eight_bits

__all__ = ["Llama", "LlamaConfiguration", "load_configuration", "multiplies_eight_bits"]
