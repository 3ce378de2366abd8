"""The coarse pass: guesses from a page's words what the encoder would say, so that few pages are encoded."""
