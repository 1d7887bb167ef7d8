"""The commands, one module for each small group; `app` has the list."""
