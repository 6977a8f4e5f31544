"""Parts of the benchmark of patterning."""
