"""Texts to token ids: where a tokenizer comes from, where long texts may be cut, and the step in Spark."""
