"""What a run tells of itself: metrics.jsonl, TensorBoard, Weights & Biases, the terminal."""
