"""What the other side of a chat says: scripted flows."""
