"""A stand-in for the model store of DJL Serving (LMI is built on it): which models a start would register.

What it imitates, read in djl-serving's ModelStore and its Python engine: without SERVING_LOAD_MODELS every folder of
the store is a model, or the store itself when it has files; HF_MODEL_ID registers one more model with its HF_REVISION;
OPTION_ variables are read when a registered model is loaded, and register nothing.
"""

from pathlib import Path


def registered(env: dict[str, str], store: Path) -> list[dict[str, str]]:
    """The models a start registers: where each is, and what it loads."""
    found = []
    names = [path for path in sorted(store.iterdir()) if not path.name.startswith(".")]
    if names and all(path.is_dir() for path in names):
        found = [str(path) for path in names if any(path.iterdir())]
    elif names:
        found = [str(store)]
    named = env.get("HF_MODEL_ID")
    if named and named not in found:
        found.append(named)
    options = {
        name.removeprefix("OPTION_").lower(): value for name, value in env.items() if name.startswith("OPTION_")
    }
    revision = {"revision": env["HF_REVISION"]} if "HF_REVISION" in env else {}
    return [{"model_id": place, **(revision if place == named else {}), **options} for place in found]
