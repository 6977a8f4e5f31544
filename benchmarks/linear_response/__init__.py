"""Parts of the benchmark of susceptibilities and influence."""
