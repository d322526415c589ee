"""Chat formats by name, the conversation a user hands in, and the text a chat template makes of it.

The templates themselves are ``registries/chat_templates/*.jinja``; whoever opens files hands their text in. A
template enforces its own format's role order, so what an engine serves and what ``--render`` prints refuse the same
conversations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .errors import Finding, MccError, listing, nearest, printable

ROLES = ("system", "user", "assistant")
CONVERSATION_KEYS = ("messages", "add_generation_prompt", "bos_token", "eos_token")
MESSAGE_KEYS = ("role", "content")
RENDER_BUDGET_S = 5.0
MAX_PROBLEMS = 20


class ChatError(MccError, ValueError):
    """A conversation or a template cannot be used.

    Attributes:
        problems: every problem found, one short line each; never empty.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True)
class ChatFormat:
    """One named chat format.

    Attributes:
        name: as in ``--chat-format`` and the registries' ``chat_template``.
        file: the template, below the registries' directory.
        bos_token: the format's own BOS; "" when its layout has none.
        eos_token: the format's own EOS; "" when its layout writes none.
        stop_token: what ends an answer; the generation config must list it.
        strict: role orders the format cannot express are refused.
        source: where the layout comes from.
    """

    name: str
    file: str
    bos_token: str
    eos_token: str
    stop_token: str
    strict: bool
    source: str


@dataclass(frozen=True)
class Conversation:
    """A checked conversation; a token that is None was not given, "" means none."""

    messages: tuple[Mapping[str, str], ...]
    add_generation_prompt: bool = False
    bos_token: str | None = None
    eos_token: str | None = None


def _formats() -> Mapping[str, ChatFormat]:
    llama = "section 1: Meta's reference chat code"
    mistral = "section 2: mistral-common's tokenizers"
    chatml = "section 4: the OpenHermes 2.5 template"
    gemma = "section 6: the shipped templates"
    rows = (
        ("llama-2", "<s>", "</s>", "</s>", True, llama),
        ("llama-3", "<|begin_of_text|>", "", "<|eot_id|>", False, "section 5: Meta's chat format code"),
        ("mistral-v1", "<s>", "</s>", "</s>", True, mistral),
        ("mistral-v3", "<s>", "</s>", "</s>", True, mistral),
        ("mistral-v3-tekken", "<s>", "</s>", "</s>", True, mistral),
        ("mistral-v7", "<s>", "</s>", "</s>", True, mistral),
        ("mistral-v7-tekken", "<s>", "</s>", "</s>", True, mistral),
        ("vicuna-v1.1", "<s>", "</s>", "</s>", False, "section 3: FastChat's conversation class"),
        ("chatml", "", "", "<|im_end|>", False, chatml),
        ("chatml-qwen2.5", "", "", "<|im_end|>", False, chatml),
        ("chatml-smollm2", "", "", "<|im_end|>", False, chatml),
        ("gemma", "<bos>", "", "<end_of_turn>", True, gemma),
        ("gemma-3", "<bos>", "", "<end_of_turn>", True, gemma),
        ("phi-3", "", "<|endoftext|>", "<|end|>", False, "section 7: the current shipped template"),
        ("zephyr", "", "</s>", "</s>", False, "section 8: the shipped template"),
    )
    return MappingProxyType(
        {
            name: ChatFormat(name, f"chat_templates/{name}.jinja", bos, eos, stop, strict, f"chat formats, {source}")
            for name, bos, eos, stop, strict, source in rows
        }
    )


CHAT_FORMATS: Mapping[str, ChatFormat] = _formats()
"""Every chat format with a shipped template, by name. Source: the chat format facts, section named in each row."""


def get_chat_format(name: str) -> ChatFormat:
    """The format of that name.

    Raises:
        ChatError: there is none; the nearest name, or all names, are in the text.
    """
    if name in CHAT_FORMATS:
        return CHAT_FORMATS[name]
    near = nearest(name, CHAT_FORMATS)
    wish = f"did you mean {near}?" if near else f"there are {listing(sorted(CHAT_FORMATS), limit=20)}"
    raise ChatError([f"no chat format is called {printable(name)}; {wish}"])


def parse_conversation(text: str | bytes) -> Conversation:
    """The conversation in a JSON text; see ``check_conversation`` for its shape.

    Raises:
        ChatError: not JSON, a key given twice, or any problem ``check_conversation`` finds.
    """
    import json

    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                twice.append(f"the key {printable(key)} is given twice")
            seen[key] = value
        return seen

    try:
        data = json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text, object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        raise ChatError([f"the conversation is not UTF-8 text (byte {error.start})"]) from error
    except json.JSONDecodeError as error:
        raise ChatError([f"the conversation is not JSON: {error.msg} in line {error.lineno}"]) from error
    except (RecursionError, ValueError) as error:  # nested too deeply; a number of too many digits
        raise ChatError(["the conversation is not JSON that can be read"]) from error
    if twice:
        raise ChatError(list(dict.fromkeys(twice)))
    return check_conversation(data)


def check_conversation(data: object) -> Conversation:
    """A conversation from plain data, all problems reported at once.

    Args:
        data: a mapping with ``messages`` (a list of ``{"role", "content"}``, both text) and, optionally,
            ``add_generation_prompt`` (a boolean), ``bos_token`` and ``eos_token`` (text; "" for none).

    Raises:
        ChatError: unknown or missing keys, wrong types, unknown roles, no messages.

    Example:
        >>> check_conversation({"messages": [{"role": "user", "content": "Hi"}]}).add_generation_prompt
        False
    """
    if not isinstance(data, Mapping):
        raise ChatError([f'the conversation is {_kind(data)}; it must be an object: {{"messages": [...]}}'])
    problems = _unknown_keys(data, CONVERSATION_KEYS, "the conversation")
    messages = _check_messages(data, problems)
    prompt = data.get("add_generation_prompt", False)
    if not isinstance(prompt, bool):
        problems.append(f"add_generation_prompt is {_kind(prompt)}; it must be true or false")
    for key in ("bos_token", "eos_token"):
        if key in data and not isinstance(data[key], str):
            problems.append(f'{key} is {_kind(data[key])}; it must be text ("" for none, or leave it out)')
        elif key in data and not _encodable(data[key]):
            problems.append(f"{key} holds half of a character pair (a lone surrogate)")
    if problems:
        rest = len(problems) - MAX_PROBLEMS
        raise ChatError([*problems[:MAX_PROBLEMS], *([f"and {rest} more problems"] if rest > 0 else [])])
    return Conversation(messages, prompt, data.get("bos_token"), data.get("eos_token"))


def _check_messages(data: Mapping[Any, Any], problems: list[str]) -> tuple[Mapping[str, str], ...]:
    messages = data.get("messages")
    if "messages" not in data:
        problems.append("messages is missing")
        return ()
    if not isinstance(messages, list | tuple):
        problems.append(f"messages is {_kind(messages)}; it must be a list of messages")
        return ()
    if not messages:
        problems.append("the conversation is empty: messages has no entry")
    good = []
    for number, message in enumerate(messages, start=1):
        found = _message_problems(message, f"message {number}")
        problems += found
        if not found:
            good.append(MappingProxyType({"role": message["role"], "content": message["content"]}))
    return tuple(good)


def _message_problems(message: object, where: str) -> list[str]:
    if not isinstance(message, Mapping):
        return [f'{where} is {_kind(message)}; it must be an object: {{"role": "user", "content": "..."}}']
    problems = _unknown_keys(message, MESSAGE_KEYS, where)
    if "role" not in message:
        problems.append(f"{where} has no role")
    elif not isinstance(message["role"], str):
        problems.append(f"the role of {where} is {_kind(message['role'])}; it must be one of {listing(ROLES)}")
    elif message["role"] not in ROLES:
        near = nearest(message["role"], ROLES)
        wish = f"did you mean {near}?" if near else f"it must be one of {listing(ROLES)}"
        problems.append(f"{where} has the unknown role {printable(message['role'])}; {wish}")
    if "content" not in message:
        problems.append(f"{where} has no content")
    elif not isinstance(message["content"], str):
        problems.append(f"the content of {where} is {_kind(message['content'])}; it must be text")
    elif not _encodable(message["content"]):
        problems.append(f"the content of {where} holds half of a character pair (a lone surrogate)")
    return problems


def _unknown_keys(data: Mapping[Any, Any], known: Sequence[str], where: str) -> list[str]:
    problems = []
    for key in data:
        if key not in known:
            near = nearest(str(key), known)
            wish = f"did you mean {near}?" if near else f"known keys: {listing(known)}"
            problems.append(f"{where} has the unknown key {printable(key)}; {wish}")
    return problems


def _kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, words in ((str, "text"), (int | float, "a number"), (list | tuple, "a list"), (Mapping, "an object")):
        if isinstance(value, kind):
            return words
    return "no JSON value"


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def template_fault(shown: str, template_text: str) -> Finding | None:
    """Why a user's chat template is none, with the line; None when it can be parsed. It is not rendered.

    Args:
        shown: the template's path as the user wrote it.
        template_text: its text.
    """
    from .chat_sandbox import find_syntax_fault

    found = find_syntax_fault(template_text)
    if found is None:
        return None
    line, words = found
    message = f"chat_template: {printable(shown)} is no Jinja template: line {line}: {printable(words, 80)}"
    source = f"{printable(shown, 200)}:{line}"
    hint = "correct the line, or use auto or none"
    return Finding("MCC018", "error", "chat_template", message, hint, source, "chat-template-unreadable")


def render_chat(
    template_text: str,
    messages: Sequence[Mapping[str, str]],
    *,
    add_generation_prompt: bool = False,
    bos_token: str | None = None,
    eos_token: str | None = None,
    default_bos: str = "",
    default_eos: str = "",
    trusted: bool = False,
    budget_s: float = RENDER_BUDGET_S,
) -> str:
    """The text a chat template makes of a conversation, exactly as an engine would hand it to its tokenizer.

    Args:
        template_text: a Jinja chat template.
        messages: ``role`` and ``content`` of each message.
        add_generation_prompt: whether the text ends by opening the assistant's turn.
        bos_token: the BOS to write; None takes ``default_bos``, "" writes none.
        eos_token: as ``bos_token``.
        default_bos: the format's own BOS.
        default_eos: the format's own EOS.
        trusted: the template is one this project ships: render it here. Any other runs in a process of its own
            under limits of time and memory (about 0.1 s more).
        budget_s: seconds until such a process is ended.

    Raises:
        ChatError: the template refuses the conversation, is broken, or needs too much.
    """
    from .chat_sandbox import TemplateRefused, render, render_isolated

    variables = {
        "messages": [dict(m) for m in messages],
        "add_generation_prompt": add_generation_prompt,
        "bos_token": default_bos if bos_token is None else bos_token,
        "eos_token": default_eos if eos_token is None else eos_token,
        "tools": None,
        "documents": None,
    }
    try:
        if trusted:
            return render(template_text, variables)
        return render_isolated(template_text, variables, budget_s=budget_s)
    except TemplateRefused as refusal:
        raise ChatError([printable(refusal, limit=300)]) from refusal


def render_format(
    chat_format: ChatFormat, template_text: str, conversation: Conversation, *, trusted: bool = False
) -> str:
    """The text of a conversation in a shipped format; absent tokens are the format's own.

    Args:
        chat_format: the format, for its tokens.
        template_text: the text of ``chat_format.file``.
        conversation: from ``check_conversation``.
        trusted: the template is the shipped one, not a layer's; see ``render_chat``.

    Raises:
        ChatError: the format cannot express the conversation.
    """
    return render_chat(
        template_text,
        conversation.messages,
        add_generation_prompt=conversation.add_generation_prompt,
        bos_token=conversation.bos_token,
        eos_token=conversation.eos_token,
        default_bos=chat_format.bos_token,
        default_eos=chat_format.eos_token,
        trusted=trusted,
    )
