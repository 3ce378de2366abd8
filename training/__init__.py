"""The trainer: FSDP2 around Hugging Face causal models, fed from plain Parquet shards. Knows nothing of
Spark.
"""
