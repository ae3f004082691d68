"""Typst templates to PDF, amounts in words, batches, print counts."""
