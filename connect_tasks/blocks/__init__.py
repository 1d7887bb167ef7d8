"""The Prefect block that says which Amazon Connect instance to use, and how fast."""

from connect_tasks.blocks.instance import AmazonConnectInstance, block_name, load_instance

__all__ = ["AmazonConnectInstance", "block_name", "load_instance"]
