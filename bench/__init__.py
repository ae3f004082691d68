"""Benchmarks: `make bench`, or `python -m bench [NAME …]`. What is measured and how: docs/performance.md."""
