"""The local instance: its contacts, chats and participants, without any I/O."""
