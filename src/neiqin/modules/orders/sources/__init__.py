"""Where platform files come from by themselves: folders, addresses, SFTP. How to add one: docs/operations.md."""
