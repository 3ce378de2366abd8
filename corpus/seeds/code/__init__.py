"""Source files to documentation: declarations and what their comments say of them. Nothing is executed."""
