"""Contact flows as they are exported: what stands in the file, and what is wrong with it."""
