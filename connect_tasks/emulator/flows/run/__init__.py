"""A contact flow at work: events in, lines and state out; no I/O, and no clock of its own."""
