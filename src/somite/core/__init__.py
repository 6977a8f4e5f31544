"""What every other row stands on: errors, checks, fingerprints, random streams."""
