"""What is recorded at a draw, one function of (model, weights, batch) per file."""
