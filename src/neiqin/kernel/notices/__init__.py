"""Inbox, e-mail, digests, quiet hours."""
