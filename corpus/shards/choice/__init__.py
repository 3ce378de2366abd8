"""Which documents are held out and which the mix takes."""
