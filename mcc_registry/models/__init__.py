"""Frozen pydantic models of every registry kind, of a request and of a plan; no files, no look-ups."""
