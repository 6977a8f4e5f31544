"""What the benchmarks of speed and memory have in common."""
