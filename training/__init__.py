"""The trainer: FSDP2 around Hugging Face causal models, fed from plain Parquet shards; it knows no Spark."""
