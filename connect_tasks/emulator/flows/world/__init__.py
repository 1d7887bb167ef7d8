"""What stands around a flow when it runs here: queues, hours, bots and functions."""
