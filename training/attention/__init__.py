"""Attention in which packed documents do not see each other, through transformers' attention interface."""
