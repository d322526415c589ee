"""Strict YAML to plain rows, layers over each other, the compiled snapshot; the only room that opens files."""
