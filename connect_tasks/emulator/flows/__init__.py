"""What the other side of a chat says: scripted flows, and those that were exported."""
