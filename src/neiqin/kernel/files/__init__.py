"""Encrypted files of records: versions, hashes, scoped download, safe previews."""
