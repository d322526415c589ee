"""Rules on the container's environment that are never silenced: secrets, quoting, limits, standing warnings."""

from __future__ import annotations

from collections.abc import Iterable

from ..answer_forms import secret_finding
from ..env_text import text_of, unwritable
from ..errors import Fact, Finding, printable
from .base import Rule
from .candidate import Candidate

MAX_ENTRIES = {"realtime": 100, "async": 100, "batch": 16}
"""Most Environment entries. Source: facts/sagemaker.md, CreateModel and TransformJob."""

MAX_BYTES = 32 * 1024
"""All keys and values of one request. Source: facts/sagemaker.md, CreateModel."""


class SecretInEnvironment(Rule[Candidate]):
    """A secret in ``env_vars`` would be written to files and shown by DescribeModel; its value is never echoed.

    Source: facts/sagemaker.md ("Don't include any sensitive data in your environment variables").
    """

    code, name, field = "MCC010", "secret-in-answer", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            # What looks like a secret by itself was refused and hidden when the answers were read.
            if user.name.parameter is not None and user.name.parameter.secret:
                yield secret_finding(user.written)


class Unquotable(Rule[Candidate]):
    """``container.env`` knows no quoting: a value with a line break, or one too long for SageMaker, cannot be written.

    Every value of the plan is judged, whoever asked for it: an answer, a registry (with its file and key) or the Hub.
    """

    code, name, field = "MCC312", "value-unquotable", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        told: set[str | None] = set()
        for user in subject.user:
            why = unwritable(text_of(user.raw))
            if why:
                told |= {user.name.canonical, user.written}
                yield self._finding(f"env_vars: the value of {printable(user.written)} {why}", why, "of your project")
        for variable, written in subject.env.items():
            why = unwritable(written.value)
            if not why or not told.isdisjoint((written.setting, variable)):
                continue
            setting = subject.settings.get(written.setting or "")
            if setting is None or setting.source == "User_Input":
                yield self._finding(
                    f"env_vars: the value of {variable} {why}, as it is written", why, "of your project"
                )
            else:
                fact = Fact(f"set by {setting.source}", setting.file, setting.key)
                message = f"{written.setting}: the value of {setting.source} {why}"
                yield self._finding(message, why, "of the image", fact)

    def _finding(self, message: str, why: str, whose: str, fact: Fact | None = None) -> Finding:
        hint = f"put long text into a file {whose}"
        if not why.startswith("has"):
            hint = f"write it on one line; long text belongs in a file {whose}"
        if fact is not None and fact.file:
            hint = f"shorten it in {fact.file}; long text belongs in a file {whose}"
        return self.finding("error", message, hint=hint, facts=() if fact is None else (fact,))


class TooManyVariables(Rule[Candidate]):
    """SageMaker limits the environment: 100 entries and 32 KB for a model, 16 entries for a transform job."""

    code, name, field = "MCC313", "environment-limit", "env_vars"

    def check(self, subject: Candidate) -> Iterable[Finding]:
        limit = MAX_ENTRIES.get(subject.request.deployment_target, 100)
        if subject.env_count > limit:
            yield self.finding(
                "error",
                f"{subject.env_count} variables; SageMaker takes {limit} for {subject.request.deployment_target}",
                hint="leave some out",
            )
        elif subject.env_bytes > MAX_BYTES:
            yield self.finding(
                "error",
                f"the variables have {subject.env_bytes} bytes; SageMaker takes {MAX_BYTES}",
                hint="shorten them",
            )


class PassedThrough(Rule[Candidate]):
    """A variable that is no setting of the engine is passed on as it is (``NCCL_DEBUG``, or the owner's own)."""

    code, name, field = "MCC307", "variable-passed-through", "env_vars"
    severities = ("info",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        names = [u.written for u in subject.user if u.name.kind == "variable"]
        if names:
            yield self.finding("info", f"passed to the container as they are: {', '.join(sorted(names)[:8])}")


class ValidationOff(Rule[Candidate]):
    """``validate_env_vars: false`` silences the rules on settings; that stays visible in plan and README."""

    code, name, field = "MCC314", "validation-off", "validate_env_vars"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if not subject.request.validate_env_vars:
            yield self.finding(
                "warning",
                "settings are not checked (validate_env_vars is false)",
                hint="set validate_env_vars=true to have mistakes named before the container starts",
            )


class TrustRemoteCode(Rule[Candidate]):
    """``trust_remote_code`` runs Python code from the model's repository inside the container: a standing warning."""

    code, name, field = "MCC315", "trust-remote-code", "env_vars"
    severities = ("warning",)

    def check(self, subject: Candidate) -> Iterable[Finding]:
        setting = subject.settings.get("trust_remote_code")
        if setting is not None and setting.value is True:
            yield self.finding(
                "warning",
                "trust_remote_code runs code from the model's repository in your container",
                hint="pin model_revision to a commit you have read, or leave it out",
                facts=(Fact(f"set by {setting.source}", setting.file, setting.key),),
            )


class SkippedSetting(Rule[Candidate]):
    """A registry's setting that the chosen release does not know is left out, and that is said."""

    code, name, field = "MCC316", "registry-setting-skipped", "framework_version"
    severities = ("info",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for skipped in subject.skipped:
            yield self.finding(
                "info", f"{skipped.canonical}={printable(skipped.value)} of {skipped.source} left out: {skipped.why}"
            )


RULES: tuple[Rule[Candidate], ...] = (
    SecretInEnvironment(),
    Unquotable(),
    TooManyVariables(),
    ValidationOff(),
    TrustRemoteCode(),
    PassedThrough(),
    SkippedSetting(),
)
