"""The sections of the report, one per file, each `section(results) -> Section`."""
