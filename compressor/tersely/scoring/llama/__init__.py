"""The Llama family, which the embedded model belongs to, computed here in fewer steps than transformers takes."""

from tersely.scoring.llama.configuration import LlamaConfiguration, load_configuration
from tersely.scoring.llama.decoder import Llama
from tersely.scoring.llama.eight_bits import eight_bit_levels

__all__ = ["Llama", "LlamaConfiguration", "eight_bit_levels", "load_configuration"]
