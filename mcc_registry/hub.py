"""Facts about a model from the Hugging Face Hub: optional, time-boxed, and never a reason to fail.

One look-up makes at most five small requests through huggingface_hub's own session (its proxies, certificates and
stored token). The library's retries are not used: they take 23 s against a broken server, and a command must go on
within 6 s.
The work runs in a daemon thread, so neither a hanging connection nor a slow import can hold the caller or the end
of the process. No text of the server or of an exception reaches a message, so no token can.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .errors import printable
from .hub_facts import (
    COMMIT,
    HubError,
    HubFacts,
    HubStatus,
    choose_weights,
    contents_of,
    find_template,
    hub_facts_from_mapping,
    parse_parameters,
    whole_number,
)
from .model_shape import model_shape_from_config, select_config

__all__ = ["HubError", "HubFacts", "fetch_hub_facts", "hub_facts_from_mapping", "model_shape_from_config"]

GO_ON = "continuing with what the registry knows"
BUDGET_S = 5.0
"""Seconds a look-up may take: a second less than a command may in all (design.md section 10, "hub")."""
DEFAULT_ENDPOINT = "https://huggingface.co"
MAX_INFO_BYTES = 4_000_000
"""Largest description of a model: about 250 bytes for each of its files, and few have more than hundreds."""
MAX_FILE_BYTES = 4_000_000
"""Largest file that is read; a ``tokenizer_config.json`` that lists thousands of tokens has 1 to 2 MB."""
MAX_BRACKETS = 100_000
"""Most lists and mappings of an answer: empty ones need fifty times their bytes in memory."""
MAX_TEMPLATE_CHARS = 512_000

_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?", re.ASCII)


def fetch_hub_facts(
    model_id: str,
    revision: str | None = None,
    *,
    budget_s: float = BUDGET_S,
    token: str | None = None,
    offline: bool = False,
) -> HubFacts:
    """What the Hub says of a model; never raises, never takes longer than the budget.

    Args:
        model_id: ``organisation/name``.
        revision: branch, tag or commit; None for the default branch.
        budget_s: seconds for everything, imports included; what is known by then is returned.
        token: used instead of ``HF_TOKEN`` or the stored token.
        offline: make no call; ``HF_HUB_OFFLINE`` in the environment does the same.
    """
    start = time.monotonic()
    shown = printable(model_id)
    facts = HubFacts("invalid", model_id, "", revision)
    if not _MODEL_ID.fullmatch(model_id) or ".." in model_id or "--" in model_id:
        return replace(facts, message=f"{shown} is not a Hugging Face Hub id (organisation/name); {GO_ON}")
    if revision is not None and not (revision.isprintable() and 0 < len(revision) <= 200):
        return replace(facts, message=f"{printable(revision)} cannot be a revision on the Hub; {GO_ON}")
    if offline or _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE"):
        return replace(facts, status="offline", message=f"offline: {shown} was not looked up on the Hub; {GO_ON}")
    lookup = _Lookup(replace(facts, status="unavailable"), token, start + budget_s)
    found = lookup.result(budget_s)
    return replace(found, elapsed_s=round(time.monotonic() - start, 3))


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")


class _Stop(Exception):
    """A request did not give what was wanted: the status it means and the sentence for it."""

    def __init__(self, status: HubStatus, message: str) -> None:
        self.status: HubStatus = status
        self.message = message
        super().__init__(message)


class _Lookup:
    """One look-up; ``facts`` grows as answers arrive and is never changed in place."""

    def __init__(self, facts: HubFacts, token: str | None, deadline: float) -> None:
        self.facts = facts
        self.shown = printable(facts.model_id)
        self.token = token
        self.deadline = deadline
        self.endpoint = (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
        self.ended = False

    def result(self, budget_s: float) -> HubFacts:
        """The facts known when the work or the budget ends."""
        import threading

        thread = threading.Thread(target=self._work, name="mcc-hub", daemon=True)
        thread.start()
        thread.join(max(0.0, self.deadline - time.monotonic()))
        ended = self.ended  # read first: what is known can only grow afterwards
        facts = self.facts
        if not ended:
            late = f"{self._host()} did not answer within {budget_s:g} s"
            known = facts.status in ("found", "gated")
            facts = replace(facts, message=f"{late}; {'some facts are missing' if known else GO_ON}")
        return facts

    def _work(self) -> None:
        try:
            self._gather()
        except _Stop as stop:
            self.facts = replace(self.facts, status=stop.status, message=f"{stop.message}; {GO_ON}")
        except Exception as error:  # whatever a server can provoke in a library; its text may hold secrets
            words = f"the Hub look-up of {self.shown} failed ({type(error).__name__})"
            status: HubStatus = self.facts.status if self.facts.status == "found" else "unavailable"
            self.facts = replace(self.facts, status=status, message=f"{words}; {GO_ON}")
        self.ended = True

    def _gather(self) -> None:
        self._open()
        path = f"/api/models/{self.facts.model_id}"
        if self.facts.revision is not None:
            path += f"/revision/{_quote(self.facts.revision)}"
        self._take_info(self._get_json(f"{path}?blobs=true", MAX_INFO_BYTES))
        problems = []
        for step in (self._take_config, self._take_template):
            try:
                step()
            except _Stop as stop:
                gated = stop.status == "gated"
                self.facts = replace(self.facts, status="gated" if gated else self.facts.status)
                problems.append(stop.message)
                if gated:
                    break
        if problems:
            self.facts = replace(self.facts, message="; ".join(dict.fromkeys(problems)))

    def _open(self) -> None:
        if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", self.endpoint):
            raise _Stop("invalid", "HF_ENDPOINT is not a plain http or https address")
        try:
            from huggingface_hub import get_token
            from huggingface_hub.utils import get_session  # type: ignore[attr-defined]
        except ImportError as error:
            raise _Stop("unavailable", "huggingface_hub is not installed, so the Hub was not asked") from error
        token = self.token
        if token is None and not _is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN"):
            token = get_token()
        self.session: Any = get_session()
        self.headers = {"user-agent": "mcc-registry", "accept-encoding": "identity"}
        if token:
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise _Stop("unauthorized", "the Hub token holds characters no token has")
            self.headers["authorization"] = f"Bearer {token}"

    def _take_info(self, info: object) -> None:
        siblings = info.get("siblings") if isinstance(info, dict) else None
        wrong = _Stop("invalid", f"{self._host()} answered for {self.shown}, but not as the Hub does")
        if not isinstance(info, dict) or not isinstance(info.get("id"), str) or not isinstance(siblings, list):
            raise wrong
        sizes: dict[str, int | None] = {}
        for entry in siblings:
            if not isinstance(entry, dict) or not isinstance(entry.get("rfilename"), str):
                raise wrong
            sizes[entry["rfilename"]] = whole_number(entry.get("size"))
        sha = info.get("sha")
        gated = info.get("gated")
        count, dtypes = parse_parameters(info.get("safetensors"))
        weight_files, weight_bytes = choose_weights(sizes)
        commit = sha if isinstance(sha, str) and COMMIT.fullmatch(sha) else None
        self.facts = replace(
            self.facts,
            status="found",
            message=f"{self.shown} is on the Hub" + (f" at commit {commit[:12]}" if commit else ""),
            commit=commit,
            gated=gated in ("auto", "manual", True) if gated is not None else None,
            parameter_count=count,
            dtype_counts=dtypes,
            weight_bytes=weight_bytes,
            weight_files=weight_files,
            contents=contents_of(sizes),
            file_names=tuple(sorted(sizes)),
        )

    def _take_config(self) -> None:
        if "config.json" in self.facts.file_names:
            config = self._get_json(self._file("config.json"), MAX_FILE_BYTES)
            if not isinstance(config, dict):
                raise _Stop("invalid", f"config.json of {self.shown} is not a JSON object")
            own_code = bool(config.get("auto_map")) or None
            self.facts = replace(self.facts, config=select_config(config), remote_code=own_code)

    def _take_template(self) -> None:
        names = self.facts.file_names
        source, text = "", None
        if "chat_template.jinja" in names:
            raw = self._get(self._file("chat_template.jinja"), MAX_TEMPLATE_CHARS * 4)
            try:
                source, text = "chat_template.jinja", raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _Stop("invalid", f"chat_template.jinja of {self.shown} is not UTF-8 text") from error
        for name in ("tokenizer_config.json", "chat_template.json"):  # the second is that of models with images
            if text is None and name in names:
                text = find_template(self._get_json(self._file(name), MAX_FILE_BYTES))
                source = name if text is not None else ""
        if text is not None and len(text) > MAX_TEMPLATE_CHARS:
            raise _Stop("invalid", f"the chat template of {self.shown} is too large to be one")
        self.facts = replace(self.facts, chat_template_source=source, chat_template=text)

    def _file(self, name: str) -> str:
        revision = self.facts.commit or self.facts.revision or "main"
        return f"/{self.facts.model_id}/resolve/{_quote(revision)}/{name}"

    def _get_json(self, path: str, limit: int) -> object:
        import json

        body = self._get(path, limit)
        if body.count(b"[") + body.count(b"{") > MAX_BRACKETS:
            words = f"with more than {MAX_BRACKETS} lists and mappings"
            raise _Stop("invalid", f"{self._host()} answered for {self.shown} {words}")
        try:
            answer: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _Stop("invalid", f"{self._host()} answered for {self.shown}, but not with JSON") from error
        return answer

    def _get(self, path: str, limit: int) -> bytes:
        """The body of one answer; time and size are bounded while it arrives."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _Stop("unavailable", f"{self._host()} was too slow")
        url, options = self.endpoint + path, {"headers": self.headers, "timeout": left}
        try:
            if callable(getattr(self.session, "stream", None)):  # httpx, since huggingface_hub 1.0
                with self.session.stream("GET", url, follow_redirects=True, **options) as answer:
                    return self._read(answer, answer.iter_bytes(65536), limit)
            with self.session.get(url, stream=True, **options) as answer:  # requests
                return self._read(answer, answer.iter_content(65536), limit)
        except _Stop:
            raise
        except Exception as error:  # the kinds differ between huggingface_hub's versions; names are stable
            raise self._failure(error) from error

    def _read(self, answer: Any, chunks: Any, limit: int) -> bytes:
        self._check(answer.status_code, answer.headers)
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > limit:
                raise _Stop("invalid", f"{self._host()} answered with more than {limit // 1_000_000} MB")
            if time.monotonic() > self.deadline:
                raise _Stop("unavailable", f"{self._host()} was too slow")
        return bytes(body)

    def _check(self, code: int, headers: Mapping[str, str]) -> None:
        """Raises what a refusal means. Source: the Hub's X-Error-Code header, as huggingface_hub reads it."""
        reason = headers.get("x-error-code", "")
        name = self.shown
        if code == 200:
            return
        if reason == "GatedRepo":
            known = "the token has no access yet" if "authorization" in self.headers else "no token was given"
            raise _Stop("gated", f"{name} is gated and {known}: accept its terms on the Hub and set HF_TOKEN")
        if reason == "RevisionNotFound":
            raise _Stop("not_found", f"{name} has no revision {printable(self.facts.revision)} on the Hub")
        if reason == "RepoNotFound" or code == 404:
            raise _Stop("not_found", f"{name} was not found on the Hub: private, local, or misspelt?")
        if code == 401:
            raise _Stop(
                "unauthorized", f"the Hub wants a valid token for {name} (401): private, or a wrong HF_TOKEN?"
            )
        if code == 403:
            raise _Stop("unauthorized", f"the Hub forbids access to {name} (403): the token lacks the permission")
        if code == 429:
            raise _Stop("rate_limited", "the Hub asks to slow down (429): try later, or set HF_TOKEN")
        if code >= 500:
            raise _Stop("unavailable", f"{self._host()} is having trouble ({code})")
        raise _Stop("invalid", f"{self._host()} answered {name} with the unexpected status {code}")

    def _failure(self, error: Exception) -> _Stop:
        name = type(error).__name__
        if "Timeout" in name:
            return _Stop("unavailable", f"{self._host()} did not answer in time")
        if "Redirect" in name:
            return _Stop("invalid", f"{self._host()} redirects without end")
        if name == "OfflineModeIsEnabled":
            return _Stop("offline", f"offline: {self.shown} was not looked up on the Hub")
        if "Connect" in name or "Network" in name or "Proxy" in name:
            return _Stop("unavailable", f"{self._host()} cannot be reached")
        return _Stop("unavailable", f"the connection to {self._host()} broke off ({name})")

    def _host(self) -> str:
        host = re.sub(r"^https?://", "", self.endpoint).split("/")[0]
        return "the Hub" if self.endpoint == DEFAULT_ENDPOINT else f"the Hub at {printable(host)}"


def _quote(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
