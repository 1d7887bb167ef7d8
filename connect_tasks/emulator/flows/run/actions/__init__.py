"""What each type of action does, one module per kind of action."""
