"""The method `evidence`: how likely each unit is evidence for the question, and the profile that weighs the signals."""
