"""Inspecting images with a real container engine."""
