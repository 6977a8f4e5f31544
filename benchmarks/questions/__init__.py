"""One question per file; `accuracy.py` runs them."""
