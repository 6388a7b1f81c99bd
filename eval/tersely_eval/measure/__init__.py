"""A run: every question, method and budget measured, and each measurement written down."""
