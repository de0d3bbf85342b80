"""Counting tokens: the vocabulary, and the markup of conversations."""
