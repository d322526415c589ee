"""Renews facts from their sources: instance types, images, model shapes. Nobody imports it but the command line."""

from __future__ import annotations
