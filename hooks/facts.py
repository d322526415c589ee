"""From the answers so far to a request, registries, facts from outside, and a plan; each step once per set of answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..mcc_registry.answers import lightened, parse_answers
from ..mcc_registry.errors import Finding, RegistryError, has_errors
from ..mcc_registry.models.request import ANSWER_NAMES, Request
from . import given, images, migrations, outside, questions, texts
from .outside import process_store

RECORDED_HUB = ("found", "gated", "not_found", "unauthorized", "invalid")
"""Hub answers that show in the project, so that the old copy of an update needs them again."""

KEPT_HUB = ("found", "gated")
"""Hub answers that stay in force while model and revision stay."""


class Facts:
    """What one template checkout knows in one Copier worker."""

    def __init__(self, root: Path, notes: Any) -> None:
        self.root = root
        self._notes = notes
        self._registries: dict[tuple[str, ...], Any] = {}
        self._requests: dict[str, tuple[Request, list[Finding]]] = {}
        self._plans: dict[str, Any] = {}
        self._views: dict[str, dict[str, Any]] = {}
        self._images: images.Images | None = None
        self._replayed: outside.Replayed | None = None
        self._begun = False
        self._gated = False

    # ---------------------------------------------------------------- answers

    def raw(self, context: Any) -> dict[str, Any]:
        """The answers so far, as Copier has them, without those the framework has no use for."""
        data: Mapping[str, Any] = context["_copier_conf"]["data"]
        answers = {name: lightened(context[name]) for name in ANSWER_NAMES if name in context}
        text = self._env_vars_text(context, data)
        if text is not None:
            answers["env_vars"] = text
        answers.update(self._migrated(context))
        if answers.get("instance_type") == questions.OTHER:
            answers["instance_type"] = context.get("instance_type_name") or "auto"
        if answers.get("framework_version") == questions.OTHER:
            answers["framework_version"] = context.get("framework_version_text") or "recommended"
        framework = str(answers.get("framework", "transformers"))
        for name in questions.not_for(framework):
            if name not in data:
                answers.pop(name, None)
        return answers

    def _env_vars_text(self, context: Any, data: Mapping[str, Any]) -> str | None:
        """The text ``env_vars`` was given as; the new copy of an update has it from the real project."""
        role = self._role(context)
        if role == "real":
            self._real()["env_vars_text"] = given.env_vars_text(data)
        return None if role == "old" else self._real().get("env_vars_text")

    def _migrated(self, context: Any) -> dict[str, Any]:
        """Recorded answers under names and values of today; an old copy keeps what was recorded."""
        role = outside.role_of(self._destination(context))
        if role == "old" or not (migrations.RENAMED_ANSWERS or migrations.RENAMED_VALUES):
            return {}
        rows = [r.old for r in migrations.RENAMED_ANSWERS]
        recorded = {name: context[name] for name in (*ANSWER_NAMES, *rows) if name in context}
        return migrations.migrated(recorded, context["_copier_conf"]["data"] if role == "real" else ())

    def request(self, context: Any) -> tuple[Request, list[Finding]]:
        """The request the answers so far make, and what is wrong with their form."""
        raw = self.raw(context)
        key = repr(raw)
        found = self._requests.get(key)
        if found is None:
            found = self._requests[key] = parse_answers(raw)
        request, findings = found
        return request, [*findings]

    def project_name(self, context: Any, request: Request) -> str:
        """The project's name: the answer, else made from the destination folder."""
        return request.project_name or questions.name_from_folder(self._destination(context).name)

    @staticmethod
    def _destination(context: Any) -> Path:
        path = Path(str(context["_copier_conf"]["dst_path"]))
        return path if path.is_absolute() else Path.cwd() / path

    @staticmethod
    def _interactive(context: Any) -> bool:
        return not context["_copier_conf"]["defaults"]

    def _role(self, context: Any) -> outside.Role:
        """Which copy is rendered: an update's two comparison copies must never refuse (design.md section 8)."""
        return outside.role_of(self._destination(context))

    @staticmethod
    def _real() -> dict[str, Any]:
        """What the real project is rendered from, kept for the new copy and for the report."""
        real: dict[str, Any] = process_store().setdefault("real", {})
        return real

    # ---------------------------------------------------------------- facts from outside, registries and plans

    def _recorded(self, context: Any, name: str) -> Any:
        """One of the facts from outside the template that the answers recorded."""
        recorded = context.get("outside_facts")
        return recorded.get(name) if isinstance(recorded, Mapping) else None

    def _places(self, context: Any, request: Request) -> list[outside.Place]:
        """The layers in force: recorded ones for the old copy, those of the real project for the new one."""
        role = self._role(context)
        if role == "old":
            if self._replayed is None:
                # Where the real project lies is not known here: a layer with the recorded digest is the right one anywhere.
                self._replayed = outside.Replayed(
                    self._recorded(context, "layers"),
                    lambda: outside.find_places(request.registry_path, Path.cwd(), os.environ),
                )
            return self._replayed.places
        real = self._real()
        if role == "new" and "places" in real:
            return [outside.Place(Path(path), shown) for path, shown in real["places"]]
        places = outside.find_places(request.registry_path, self._destination(context), os.environ)
        real["places"] = [(str(place.path), place.shown) for place in places]
        return places

    def registry(self, context: Any, request: Request) -> Any:
        """The registries of this checkout with the layers in force; loaded once per set of layers."""
        from ..mcc_registry.registry import Registry

        places = self._places(context, request)
        key = tuple(f"{place.path}\0{place.shown}" for place in places)
        found = self._registries.get(key)
        if found is None:
            shown = {str(place.path): place.shown for place in places}
            root = self.root / "registries"
            digest = self._notes.get("registries")
            try:
                paths = [place.path for place in places]
                found = Registry.load(paths, root=root, environ={}, shown=shown, digest=digest)
            except RegistryError:
                if self._role(context) != "old" or not places:
                    raise
                found = Registry.load(root=root, environ={}, digest=digest)
            if digest is None and found.shipped_digest:
                self._notes.put("registries", found.shipped_digest)
            self._registries[key] = found
        return found

    def _chat_template(self, context: Any, request: Request) -> tuple[list[Finding], str | None]:
        """The text of the user's chat template: the recorded one for the old copy."""
        if request.chat_template in ("auto", "none", "") or not request.is_transformers:
            return [], None
        role, real = self._role(context), self._real()
        if role == "old":
            recorded = self._recorded(context, "chat_template")
            live = texts.read_chat_template(request, self._destination(context))[1]
            return [], outside.recorded_text(recorded, live) or "{# its text was too large to be recorded #}\n"
        if role == "new" and isinstance(real.get("chat_template"), str):
            return [], real["chat_template"]
        findings, text = texts.read_chat_template(request, self._destination(context))
        real["chat_template"] = text
        return findings, text

    def plan(self, context: Any, request: Request, findings: list[Finding], look: bool = False) -> Any:
        """The plan of a request, resolved once; with ``look`` its image is inspected, if the answers want that."""
        from ..mcc_registry.resolve import resolve

        look = look and request.validate_with_docker
        hub = None if has_errors(findings) else self._hub(context, request)
        key = json.dumps(
            [request.to_json(), sorted(request.given or ()), hub, look],
            sort_keys=True,
            default=str,
            ensure_ascii=True,
        )
        plan = self._plans.get(key)
        if plan is None:
            registry = self.registry(context, request)
            more, text = self._chat_template(context, request)
            more += texts.hub_findings(request, hub)
            decide = self._inspected(context).plan if look else resolve
            plan = self._plans[key] = decide(
                request,
                registry,
                hub=texts.hub_value(hub),
                chat_template_text=text,
                findings=[*findings, *more],
            )
        return plan

    def _hub(self, context: Any, request: Request) -> dict[str, Any] | None:
        """The Hub's facts: those recorded with the answers while model and revision stay, else asked for once."""
        name = request.effective_model_name
        if name is None or request.offline or texts.model_kind(name) != "hub":
            return None
        role = self._role(context)
        hub = self._recorded(context, "hub")
        kept = isinstance(hub, Mapping) and (role == "old" or hub.get("status") in KEPT_HUB)
        if kept and hub.get("model_id") == name and hub.get("asked") == request.model_revision:
            return dict(hub)
        if role == "old":
            return None
        store = process_store()
        key = (name, request.model_revision)
        if key not in store:
            if role == "new":
                return None
            store[key] = texts.ask_hub(name, request.model_revision)
        found: dict[str, Any] | None = store[key]
        return found

    def _inspected(self, context: Any) -> images.Images:
        """The container images looked at for this project."""
        if self._images is None:
            self._images = images.Images(self._recorded(context, "images"), self._role(context))
        return self._images

    def _outside(self, context: Any, request: Request) -> dict[str, Any]:
        """The facts from outside the template that are saved with the answers."""
        real = self._real()
        if self._role(context) == "new" and isinstance(real.get("outside"), dict):
            return dict(real["outside"])
        facts: dict[str, Any] = {}
        hub = self._hub(context, request)
        if hub is not None and hub.get("status") in RECORDED_HUB:
            facts["hub"] = hub
        if request.validate_with_docker and (looked := self._inspected(context).to_record()):
            facts["images"] = looked
        if self._role(context) == "old":
            return facts
        places = self._places(context, request)
        if places:
            facts["layers"] = outside.record_layers(places)
        text = self._chat_template(context, request)[1]
        if text is not None:
            facts["chat_template"] = {"asked": request.chat_template, **outside.record_text(text)}
        real["outside"] = facts
        return facts
