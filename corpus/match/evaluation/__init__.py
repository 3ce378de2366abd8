"""How good the match is on sites and on seed sources that nothing was fitted to."""
