"""All that can be measured, called alike: Tersely's methods, baselines without a model, and peers."""
