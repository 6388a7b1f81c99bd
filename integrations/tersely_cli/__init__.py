"""The command line `tersely`, and the demo."""
