"""Validation levels: their order and their meaning; apart from the models, so that ranking needs no pydantic."""

from __future__ import annotations

LEVEL_RANK = {"tested": 0, "community-validated": 1, "experimental": 2, "unknown": 3}
"""Validation levels, best first."""

LEVEL_MEANING = {
    "tested": "deployed to a SageMaker endpoint and recorded with evidence; preferred for production",
    "community-validated": "built and run by someone who recorded it; expect edge cases",
    "experimental": "passes all automatic checks, but nobody recorded a deployment; try it before production",
    "unknown": "no registry row describes this version; not recommended for production",
}
"""What each level means, in the words users see (seed document, "Validation Levels")."""
