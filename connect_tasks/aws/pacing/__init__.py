"""How fast, and how many at once: token buckets, concurrency limits, and waiting for them."""
