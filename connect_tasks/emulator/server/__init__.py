"""The local Amazon Connect on the wire: HTTP and web sockets."""
