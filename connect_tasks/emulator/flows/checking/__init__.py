"""What people should know of a flow before it runs: what it names, and what a chat cannot do."""
