"""Rounds: score a crawl, have prefixes with many hits reviewed, learn from what they missed, score again.

The loop of DeepSeekMath (Shao et al. 2024, section 2.1).
"""
