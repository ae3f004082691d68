"""Fixtures for the tests of every module: see tests/fixtures.py."""

pytest_plugins = ["tests.fixtures"]
