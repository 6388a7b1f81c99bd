"""How a budget is counted, spent and met exactly. Runs no model."""
