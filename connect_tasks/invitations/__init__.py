"""Invitations: the app that serves people's links, and the page that opens there."""

from connect_tasks.invitations.app import invitation_app
from connect_tasks.invitations.hooks import StartedByPress
from connect_tasks.invitations.local_app import LocalApp
from connect_tasks.invitations.page import InvitationPage

__all__ = ["InvitationPage", "LocalApp", "StartedByPress", "invitation_app"]
