"""What copier.yml and the template call: one session per template checkout and Copier worker.

Every function gets Jinja's context first. Answers are turned into a request, a request into a plan, a plan into the
project view; each step is done once per set of answers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from copier.errors import UserMessageError

from ..mcc_registry.answers import parse_answers
from ..mcc_registry.errors import Finding, RegistryError, has_errors, printable
from ..mcc_registry.models.request import ANSWER_NAMES, Request
from . import given, outside, questions, texts
from .facts import Facts
from .outside import process_store

HELPERS = (*given.STANDS_FOR, "outside_facts")
"""Questions that are not answers of design.md section 4; only ``outside_facts`` is saved."""


class Session(Facts):
    """The functions of one template checkout."""

    # ---------------------------------------------------------------- called by copier.yml

    def _begin(self, context: Any) -> None:
        """Remember, before anything is written, what an update is compared with."""
        if self._begun:
            return
        self._begun = True
        from .impact import read_lock, snapshot

        store = process_store()
        old = store.pop("old", None)
        store["real"] = {"update": old is not None, "old_lock": (old or {}).get("lock")}
        store["real"]["missing_layers"] = (old or {}).get("missing_layers", [])
        store["real"].update(old_answers=(old or {}).get("answers"), old_version=(old or {}).get("version"))
        if old is not None:
            store["real"]["files"] = snapshot(self._destination(context))
            store["real"]["had_lock"] = read_lock(self._destination(context), old.get("lock_text"))

    def gate(self, context: Any, _value: object = None) -> bool:
        """Check everything given before the first question; refuse with one report. Always returns False."""
        self._gated = True
        if self._role(context) == "old":
            self._refuse_unreadable(context)
        if self._role(context) != "real":
            return False
        from .destination import destination_faults

        settings = context["_copier_conf"]
        unusable = destination_faults(
            self._destination(context),
            self.root / "template",
            str(settings["answers_file"]),
            overwrite=bool(settings["overwrite"]),
        )
        if unusable:
            raise UserMessageError("\n\n".join(["Nothing was written.", *map(texts.block, unusable)]))
        self._begin(context)
        data: Mapping[str, Any] = context["_copier_conf"]["data"]
        recorded = set(context["_copier_answers"]) - {"mcc_gate", "mcc_check"}  # questions without an answer
        raw = {**{k: v for k, v in data.items() if k not in recorded}, **self.raw(context)}
        _, unknown = parse_answers({k: v for k, v in raw.items() if k not in ANSWER_NAMES}, also_known=HELPERS)
        unknown = [texts.renamed(f) for f in unknown]
        request, findings = self.request(context)
        findings = [*unknown, *given.impossible({**raw, **self._helpers(context)}), *findings]
        plan = self._guarded_plan(context, request, findings)
        errors = [f for f in plan.findings if f.severity == "error"] + self._dropped(context, request, plan)
        if self._interactive(context):
            errors = [f for f in errors if f.field in data or f in unknown]
        if errors:
            raise UserMessageError(self._refusal(context, request, plan, errors))
        return False

    @staticmethod
    def _helpers(context: Any) -> dict[str, Any]:
        """What was given for the questions that are no answers of their own."""
        return {name: context[name] for name in given.STANDS_FOR if name in context}

    def _refuse_unreadable(self, context: Any) -> None:
        """Refuse an update whose recorded answers Copier cannot read: its own word for that would be a traceback."""
        recorded = {name: context[name] for name in ANSWER_NAMES if name in context}
        problems = given.unreadable({**recorded, **self._helpers(context)})
        if problems:
            raise UserMessageError(texts.unreadable_answers(problems))

    def check(self, context: Any, _value: object = None) -> bool:
        """The same gate after the last question, for typed answers. Always returns False."""
        if self._role(context) != "real":
            return False
        request, findings = self.request(context)
        plan = self._guarded_plan(context, request, findings, look=True)
        errors = [f for f in plan.findings if f.severity == "error"] + self._dropped(context, request, plan)
        if errors:
            raise UserMessageError(self._refusal(context, request, plan, errors))
        return False

    def _dropped(self, context: Any, request: Request, plan: Any) -> list[Finding]:
        """An exact version that the project was rendered from and that has no row any more."""
        old = self._real().get("old_lock")
        if not isinstance(old, Mapping) or "framework_version" in context["_copier_conf"]["data"]:
            return []
        from ..mcc_registry.lock.behind import dropped_version

        return dropped_version(old, request, plan)

    def _refusal(self, context: Any, request: Request, plan: Any, errors: list[Finding]) -> str:
        """The report of a refusal; an update's says how to go on."""
        if not self._real().get("update"):
            return texts.refusal(plan.findings, errors)
        from ..mcc_registry.lock.onward import ways_on
        from .onward import refused_update

        changed = self._changed(context)
        ways = ways_on(request, errors, self.registry(context, request), self._decide(context, request), changed)
        version = self._real().get("old_version")
        return refused_update(
            texts.refusal_blocks(plan.findings, errors),
            errors,
            ways,
            changed,
            same_version=version is not None and version == context["_copier_answers"].get("_commit"),
            reference=context["_copier_conf"]["vcs_ref"],
            lost=self._lost_layers(context, request),
            layers=[place.shown for place in self._places(context, request)],
        )

    def _lost_layers(self, context: Any, request: Request) -> list[str]:
        """Layers the project was rendered with and nothing names now: those of a variable that is not set."""
        recorded = self._recorded(context, "layers")
        names = [str(layer.get("name")) for layer in recorded or () if isinstance(layer, Mapping)]
        now = {place.shown for place in self._places(context, request)}
        return [] if "registry_path" in self._changed(context) else [name for name in names if name not in now]

    def _changed(self, context: Any) -> dict[str, Any]:
        """The answers given now that the project had otherwise; of an old copy that did not tell, those of ``--data``."""
        old = self._real().get("old_answers")
        now = self.raw(context)
        if not isinstance(old, Mapping):
            return {name: value for name, value in now.items() if name in context["_copier_conf"]["data"]}
        return {name: value for name, value in now.items() if name in old and old[name] != value}

    def _guarded_plan(self, context: Any, request: Request, findings: list[Finding], look: bool = False) -> Any:
        """The plan, a broken registry or layer told as one report with the way to go on."""
        try:
            return self.plan(context, request, findings, look)
        except RegistryError as error:
            report = texts.broken_registry(error, findings)
            if self._real().get("update"):
                from .onward import broken_layer

                reference = context["_copier_conf"]["vcs_ref"]
                by_variable = bool(os.environ.get("REGISTRY_PATH"))
                report = broken_layer(report, bool(request.registry_path), by_variable, reference)
            raise UserMessageError(report) from None

    def default(self, context: Any, name: str) -> Any:
        """The default of a question that depends on other answers."""
        request, _ = self.request(context)
        if name == "project_name":
            return questions.name_from_folder(self._destination(context).name)
        migrated = self._migrated(context)
        return migrated[name] if name in migrated else questions.default_of(name, request)

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
        hub = None
        if name in questions.FROM_A_PLAN and not has_errors(findings):
            hub = texts.hub_value(self._hub(context, request))
        return json.dumps(questions.list_choices(name, request, registry, current, hub))

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
        answer = given.STANDS_FOR.get(name, name)
        value = context.get(name)
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
        """The project view and its plan; the new copy takes the view the real project was rendered from.

        Raises:
            UserMessageError: the answers make no plan (only possible when the gate could not refuse).
        """
        from ..mcc_registry.view import project_view

        request, findings = self.request(context)
        name = self.project_name(context, request)
        role, real = self._role(context), self._real()
        if not self._gated:  # --data gave an answer to the gate's own question
            self.gate(context)
        key = json.dumps([request.to_json(), name], sort_keys=True, default=str)
        if role == "new" and real.get("key") == key:
            return real["view"], None
        plan = self._guarded_plan(context, request, findings, look=True)
        if not plan.ok:
            errors = [f for f in plan.findings if f.severity == "error"]
            if role == "old":
                from .onward import old_copy_refused

                raise UserMessageError(old_copy_refused(self._missing(), texts.refusal_blocks(plan.findings, errors)))
            raise UserMessageError(texts.refusal(plan.findings, errors))
        place = f"{id(plan)} {name}"
        if place not in self._views:
            self._views[place] = project_view(plan, name)
        if role == "real":
            real.update(key=key, view=self._views[place])
        return self._views[place], plan

    def project(self, context: Any) -> dict[str, Any]:
        """The project view (``p`` in every template file)."""
        return self.view_and_plan(context)[0]

    def lock(self, context: Any) -> str:
        """The text of ``mcc.lock.yaml``."""
        from ..mcc_registry.lock import lock_data, to_text

        view, plan = self.view_and_plan(context)
        role, real = self._role(context), self._real()
        if plan is None:
            return to_text(real["lock"])
        data = lock_data(plan, view["project_name"])
        if role == "old":
            process_store()["old"] = {
                "lock": data,
                "lock_text": to_text(data),
                "missing_layers": self._missing(),
                "answers": self.raw(context),
                "version": context["_copier_answers"].get("_commit"),
            }
        else:
            from ..mcc_registry.lock.behind import missed_lines, missed_releases

            real["lock"] = data
            missed = []
            if real.get("update"):
                kind = plan.framework["accelerator"]["type"]
                missed = missed_releases(plan.request, self.registry(context, plan.request), kind)
            real["missed"] = missed_lines(missed, plan.request.framework_version)
        return to_text(data)

    def answers(self, context: Any) -> dict[str, Any]:
        """What the answers file saves: Copier's own keys, the answers, and facts from outside the template."""
        recorded = dict(context["_copier_answers"])
        order = ("_commit", "_src_path", *ANSWER_NAMES)
        saved = {name: recorded[name] for name in order if name in recorded}
        if "_src_path" in saved:
            saved["_src_path"] = absolute_source(str(saved["_src_path"]))
        actual = self.raw(context)
        for name in ("instance_type", "framework_version", *self._migrated(context)):
            if name in saved and name in actual:
                saved[name] = actual[name]
        for name in questions.SOMETIMES:  # asked at a terminal alone: the file must not depend on who updated
            if saved.get(name) in ("default", "recommended"):
                del saved[name]
        request, _ = self.request(context)
        if isinstance(actual.get("env_vars"), str):
            saved["env_vars"] = dict(request.env_vars)  # as it was written, not as YAML 1.1 has it
        facts = self._outside(context, request)
        if facts:
            saved["outside_facts"] = facts
        return saved

    def summary(self, context: Any) -> str:
        """What is shown after a copy."""
        view, _ = self.view_and_plan(context)
        return texts.summary(view, str(context["_copier_conf"]["dst_path"]), self._layer_lines())

    def impact(self, context: Any) -> str:
        """What is shown after an update: what changed, what it asks for, what is missed."""
        real = self._real()
        if not real.get("update") or "lock" not in real:
            return self.summary(context)
        from .impact import impact

        more = {"Pinned:": real.get("missed", []), "Warnings:": texts.warning_lines(real["view"])}
        more["Edited by hand:"] = self._edited_answers(real)
        more["Notes:"] = texts.note_lines(real["view"])
        more["Layers:"] = self._layer_lines()
        return impact(
            self._destination(context),
            real.get("files", {}),
            real.get("old_lock"),
            real["lock"],
            more,
            lambda changes: self._reasons(context, changes),
        )

    @staticmethod
    def _edited_answers(real: Mapping[str, Any]) -> list[str]:
        """What the recorded answers make of the old version and the project's lock does not have."""
        from ..mcc_registry.lock.compare import compare_locks, value_text

        had, made = real.get("had_lock"), real.get("old_lock")
        if not isinstance(had, Mapping) or not isinstance(made, Mapping) or real.get("missing_layers"):
            return []
        moved = [c for c in compare_locks(had, made) if c.action != "nothing"]
        if not moved:
            return []
        one = next((c for c in moved if c.what != "base_image"), moved[0])
        first = f"{one.what} {value_text(one.old)} in mcc.lock.yaml, {value_text(one.new)} by .copier-answers.yml"
        return [
            f"{printable(first, 300)}: one of them was edited by hand since the last update, so the difference was taken for "
            "your edits; better: git restore the project, undo that edit, and give the change with --data"
        ]

    def _missing(self) -> list[str]:
        """Layers the old copy has to do without."""
        return [] if self._replayed is None else self._replayed.missing

    def _layer_lines(self) -> list[str]:
        """What there is to say about layers that are too large to be recorded."""
        real = self._real()
        layers = [layer["name"] for layer in real.get("outside", {}).get("layers", []) if layer["files"] is None]
        lines = [
            f"{name} changed since the last update and was too large to be recorded: what it changed may show as a "
            "conflict, and 'Decided anew' compares with what the project would be without it"
            for name in real.get("missing_layers", [])
        ]
        return lines + [
            f"{name} is too large to be recorded with the answers ({outside.MAX_RECORDED_BYTES // 1024} KiB packed): "
            "leave out of it what your projects do not use, or expect conflicts where a later version of it changes"
            for name in layers
        ]

    def _reasons(self, context: Any, changes: list[Any]) -> list[Any]:
        """The changes of an update with what is said now of what the project had."""
        from ..mcc_registry.lock.because import with_reasons

        request, _ = self.request(context)
        return with_reasons(changes, request, self.registry(context, request), self._decide(context, request))

    def _decide(self, context: Any, request: Request) -> Callable[[Request], Any]:
        """Makes plans of requests that differ a little from the project's, with the same facts from outside."""
        from ..mcc_registry.resolve import resolve

        registry = self.registry(context, request)
        hub = texts.hub_value(self._hub(context, request))
        text = self._chat_template(context, request)[1]
        return lambda asked: resolve(asked, registry, hub=hub, chat_template_text=text)


def absolute_source(source: str) -> str:
    """A template source as it must be recorded: a local path as an absolute one, so that updates find it anywhere."""
    if "://" in source or source.startswith(("gh:", "gl:", "bb:", "git+", "git@")):
        return source
    from ..mcc_registry.loading.files import expanded

    path = expanded(source)
    return str(path.resolve()) if path.exists() else source
