"""What copier.yml and the template call: one session per template checkout and Copier worker.

Every function gets Jinja's context first. Answers are turned into a request, a request into a plan, a plan into the
project view; each step is done once per set of answers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from copier.errors import UserMessageError

from ..mcc_registry.answers import parse_answers
from ..mcc_registry.errors import Finding, RegistryError, has_errors
from ..mcc_registry.models.request import ANSWER_NAMES, Request
from . import questions, texts

HELPERS = ("instance_type_name", "framework_version_text", "outside_facts")
"""Questions that are not answers of design.md section 4; only ``outside_facts`` is saved."""

UPDATE_FOLDERS = (".old_copy.", ".new_copy.")
"""Parts of the names of the folders Copier renders into for an update's comparison.

Source: Copier 9.19.1, ``Worker._apply_update``; the gate must not refuse there (design.md section 8).
"""


class Session:
    """The functions of one template checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._registries: dict[tuple[str, ...], Any] = {}
        self._plans: dict[str, Any] = {}
        self._views: dict[str, dict[str, Any]] = {}

    # ---------------------------------------------------------------- answers

    def raw(self, context: Any) -> dict[str, Any]:
        """The answers so far, as Copier has them, without those the framework has no use for."""
        data: Mapping[str, Any] = context["_copier_conf"]["data"]
        answers = {name: context[name] for name in ANSWER_NAMES if name in context}
        if answers.get("instance_type") == questions.OTHER:
            answers["instance_type"] = context.get("instance_type_name") or "auto"
        if answers.get("framework_version") == questions.OTHER:
            answers["framework_version"] = context.get("framework_version_text") or "recommended"
        framework = str(answers.get("framework", "transformers"))
        for name in questions.not_for(framework):
            if name not in data:
                answers.pop(name, None)
        return answers

    def request(self, context: Any) -> tuple[Request, list[Finding]]:
        """The request the answers so far make, and what is wrong with their form."""
        return parse_answers(self.raw(context))

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

    def _may_refuse(self, context: Any) -> bool:
        """Whether this worker renders the real project: an update's two comparison copies must never refuse."""
        return not any(mark in part for part in self._destination(context).parts for mark in UPDATE_FOLDERS)

    # ---------------------------------------------------------------- registries and plans

    def registry(self, context: Any, request: Request) -> Any:
        """The registries of this checkout with the layers in force; loaded once per set of layers."""
        from ..mcc_registry.registry import Registry

        base = self._destination(context) if self._may_refuse(context) else Path.cwd()
        layers = tuple(str(base / p) for p in request.registry_path.split(os.pathsep) if p)
        found = self._registries.get(layers)
        if found is None:
            found = self._registries[layers] = Registry.load(list(layers), root=self.root / "registries")
        return found

    def plan(self, context: Any, request: Request, findings: list[Finding]) -> Any:
        """The plan of a request, resolved once."""
        from ..mcc_registry.resolve import resolve

        hub = None if has_errors(findings) else self._hub(context, request)
        key = json.dumps(
            [request.to_json(), sorted(request.given or ()), hub], sort_keys=True, default=str, ensure_ascii=True
        )
        plan = self._plans.get(key)
        if plan is None:
            registry = self.registry(context, request)
            more, text = texts.read_chat_template(request, self._destination(context))
            more += texts.hub_findings(request, hub)
            plan = self._plans[key] = resolve(
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
        recorded = context.get("outside_facts")
        hub = recorded.get("hub") if isinstance(recorded, Mapping) else None
        if isinstance(hub, Mapping) and hub.get("model_id") == name and hub.get("asked") == request.model_revision:
            return dict(hub)
        store = process_store()
        key = (name, request.model_revision)
        if key not in store:
            if not self._may_refuse(context):
                return None
            store[key] = texts.ask_hub(name, request.model_revision)
        found: dict[str, Any] | None = store[key]
        return found

    # ---------------------------------------------------------------- called by copier.yml

    def gate(self, context: Any) -> bool:
        """Check everything given before the first question; refuse with one report. Always returns False."""
        if not self._may_refuse(context):
            return False
        data: Mapping[str, Any] = context["_copier_conf"]["data"]
        recorded = set(context["_copier_answers"])
        raw = {**{k: v for k, v in data.items() if k not in recorded}, **self.raw(context)}
        _, unknown = parse_answers({k: v for k, v in raw.items() if k not in ANSWER_NAMES}, also_known=HELPERS)
        request, findings = self.request(context)
        findings = [*unknown, *findings]
        plan = self._guarded_plan(context, request, findings)
        errors = [f for f in plan.findings if f.severity == "error"]
        if self._interactive(context):
            errors = [f for f in errors if f.field in data or f in unknown]
        if errors:
            raise UserMessageError(texts.refusal(plan.findings, errors))
        return False

    def check(self, context: Any) -> bool:
        """The same gate after the last question, for typed answers. Always returns False."""
        if not self._may_refuse(context):
            return False
        request, findings = self.request(context)
        plan = self._guarded_plan(context, request, findings)
        if not plan.ok:
            raise UserMessageError(texts.refusal(plan.findings, [f for f in plan.findings if f.severity == "error"]))
        return False

    def _guarded_plan(self, context: Any, request: Request, findings: list[Finding]) -> Any:
        """The plan, a broken registry or layer told as one report with the way to go on."""
        try:
            return self.plan(context, request, findings)
        except RegistryError as error:
            raise UserMessageError(texts.broken_registry(error, findings)) from None

    def default(self, context: Any, name: str) -> Any:
        """The default of a question that depends on other answers."""
        request, _ = self.request(context)
        if name == "project_name":
            return questions.name_from_folder(self._destination(context).name)
        return questions.default_of(name, request)

    def choices(self, context: Any, name: str) -> str:
        """The choices of a question as YAML: short lists, best first; what was given is always among them."""
        current = context.get(name)
        if not self._interactive(context):
            request, _ = self.request(context)
            value = questions.default_of(name, request) if current in (None, "") else current
            return json.dumps([value])
        request, findings = self.request(context)
        try:
            registry = self.registry(context, request)
        except RegistryError as error:
            raise UserMessageError(texts.broken_registry(error, findings)) from None
        return json.dumps(questions.list_choices(name, request, registry, current))

    def ask(self, context: Any, name: str) -> bool:
        """Whether a question that depends on the registries is worth asking."""
        request, _ = self.request(context)
        if getattr(request, name) not in ("default", "recommended"):
            return True
        if not self._interactive(context):
            return False
        try:
            registry = self.registry(context, request)
        except RegistryError:
            return False
        return len(questions.list_choices(name, request, registry, None)) > 1 + (name == "image_source")

    def validate(self, context: Any, name: str) -> str:
        """What is wrong with one typed answer, in one line that stands alone; "" when nothing is."""
        if not self._interactive(context):
            return ""
        answer = name
        value = context.get(name)
        if name == "instance_type_name":
            answer = "instance_type"
        elif name == "framework_version_text":
            answer = "framework_version"
        if value == questions.OTHER:
            return ""
        raw = {**self.raw(context), answer: value}
        request, findings = parse_answers(raw)
        mine = [f for f in findings if f.field == answer]
        if not mine:
            try:
                plan = self.plan(context, request, [])
            except RegistryError as error:
                mine = list(error.findings)
            else:
                mine = [f for f in plan.findings if f.severity == "error" and f.field == answer]
        return texts.one_line(mine[0]) if mine else ""

    # ---------------------------------------------------------------- called by the template

    def view_and_plan(self, context: Any) -> tuple[dict[str, Any], Any]:
        """The project view and its plan.

        Raises:
            UserMessageError: the answers make no plan (only possible when the gate could not refuse).
        """
        from ..mcc_registry.view import project_view

        request, findings = self.request(context)
        plan = self._guarded_plan(context, request, findings)
        if not plan.ok:
            raise UserMessageError(texts.refusal(plan.findings, [f for f in plan.findings if f.severity == "error"]))
        name = self.project_name(context, request)
        key = f"{id(plan)} {name}"
        if key not in self._views:
            self._views[key] = project_view(plan, name)
        return self._views[key], plan

    def project(self, context: Any) -> dict[str, Any]:
        """The project view (``p`` in every template file)."""
        return self.view_and_plan(context)[0]

    def lock(self, context: Any) -> str:
        """The text of ``mcc.lock.yaml``."""
        from ..mcc_registry.lock import lock_text

        view, plan = self.view_and_plan(context)
        return lock_text(plan, view["project_name"])

    def answers(self, context: Any) -> dict[str, Any]:
        """What the answers file saves: Copier's own keys, the answers, and facts from outside the template."""
        given = dict(context["_copier_answers"])
        order = ("_commit", "_src_path", *ANSWER_NAMES)
        saved = {name: given[name] for name in order if name in given}
        if "_src_path" in saved:
            saved["_src_path"] = absolute_source(str(saved["_src_path"]))
        actual = self.raw(context)
        for name in ("instance_type", "framework_version"):
            if name in saved and name in actual:
                saved[name] = actual[name]
        request, _ = self.request(context)
        hub = self._hub(context, request)
        if hub is not None and hub.get("status") in ("found", "gated"):
            saved["outside_facts"] = {"hub": hub}
        return saved

    def summary(self, context: Any) -> str:
        """What is shown after a copy."""
        view, plan = self.view_and_plan(context)
        return texts.summary(view, plan, str(context["_copier_conf"]["dst_path"]))


def absolute_source(source: str) -> str:
    """A template source as it must be recorded: a local path as an absolute one, so that updates find it anywhere."""
    if "://" in source or source.startswith(("gh:", "gl:", "bb:", "git+", "git@")):
        return source
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else source


def process_store() -> dict[Any, Any]:
    """Facts asked for in this process; an update's workers run different checkouts and share only this."""
    module = sys.modules.setdefault("_mcc_process_store", ModuleType("_mcc_process_store"))
    store: dict[Any, Any] = module.__dict__.setdefault("store", {})
    return store

