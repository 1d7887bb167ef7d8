"""Invitations: the app that serves people's links, and the page that opens there."""

from connect_tasks.invitations.app import invitation_app
from connect_tasks.invitations.hooks import StartedByPress

__all__ = ["StartedByPress", "invitation_app"]
