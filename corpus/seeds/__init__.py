"""Public agent data, turned into one seed schema: examples of what the corpus shall hold."""
