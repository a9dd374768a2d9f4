"""The words that the specification does not use, and what it says instead.

The style guide is in ``.github/CONTRIBUTING.md``; this is the part of it that a machine can check.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

#: What is not said anywhere, as a regular expression without regard to case; what is said instead.
NOT_SAID = {
    r"\btime-outs?\b": "timeout",
    r"\bfor ever\b": "forever",
    r"\bbut for\b": "except",
    r"\bthe other way about\b": "vice versa",
    r"\bparity ends\b": "unlike threading",
    r"\b(it is so|so it is|so is it)\b": "likewise",
    r"\bhow (it is|things are) with\b": "the attribute's name",
    r"\bthat there is not\b": "unknown",
    r"\bin silence\b|\bwithout a sound\b": "silently",
    r"\bpass(ed|es)? over\b": "is ignored",
    r"\b(has|have|had) (no time )?to wait\b": "blocks until",
    r"\bis an? \w+Error\b": "raises",
    r"\b(nobody|anybody|somebody|everybody)\b": "no process, any process, another process, all",
    r"\b(whoever|whomever|whom)\b": "the process that",
    r"(^|[.:;] )who\b(?!.*\?)": "the subject's name",
    r"(^|[.:;] )what \w+ (?!.*\?)": "the subject's name",
    r"^to \w+ ": "the verb's -ing form",
}
#: The same for claims' sentences alone.
NOT_IN_SENTENCES = {
    r"\btexts?\b": "string",
    r"\b(its|the) number\b": "PID",
    r"\b(one|ones|others)\b(?=[.,;:]| (is|has|that|who|does|can|may)\b)": "child, holder ...",
    r"\bwho\b": "child, holder ...",
}
#: Names of the package that are calls and nothing else: they are followed by "(".
CALLS = """
    acquire active_children apply_async cpu_count current_process freeze_support get_context
    get_lock get_obj get_start_method get_value is_alive is_set notify notify_all
    parent_process recv set_executable set_forkserver_preload set_start_method terminate wait_for
""".split()
_CALL = re.compile(
    rf"(?<![\w.\"'=-])(?<!to )(?<!can )(?<!may )(?<!cannot )({'|'.join(CALLS)})\b(?![(\w=-])"
)
#: What a sentence may begin with in lower case, beside a call: attributes and parameters.
ATTRIBUTES = """
    argv args authkey broken chunksize daemon exitcode group ident kwargs n_waiting name
    native_id parties pid sentinel
""".split()
LONGEST = 100


def wrong_words(text: str, table: dict[str, str] = NOT_SAID) -> list[str]:
    """What of the table is said in ``text``, with what is said instead."""
    plain = re.sub(r"``[^`]*``", "``", " ".join(text.split()))
    return [
        f"{found.group().strip()!r}: say {instead}"
        for pattern, instead in table.items()
        for found in re.finditer(pattern, plain, re.IGNORECASE)
    ]


def wrong_sentence(sentence: str) -> list[str]:
    """What is wrong with a claim's sentence, as far as a machine can tell."""
    wrong = wrong_words(sentence) + wrong_words(sentence, NOT_IN_SENTENCES)
    if len(sentence) > LONGEST:
        wrong.append(f"{len(sentence)} characters: at most {LONGEST}")
    if not sentence.endswith("."):
        wrong.append("no full stop at its end")
    wrong += [f"{found.group(1)!r}: say {found.group(1)}()" for found in _CALL.finditer(sentence)]
    first = re.match(r"([a-z_]\w*)(.?)", sentence)
    if first and first[1] not in ATTRIBUTES and first[2] not in ("(", ".", "="):
        wrong.append(f"{first[1]!r} at its beginning: say {first[1]}()")
    return wrong


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The docstrings, the comments and the assertions' messages of a file, with their lines."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from paragraphs(source, 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("#: ")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
            text := ast.get_docstring(node)
        ):
            yield from paragraphs(text, node.body[0].lineno)
        elif isinstance(node, ast.Assert) and node.msg is not None:
            for part in ast.walk(node.msg):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.lineno, part.value


def paragraphs(text: str, line: int) -> Iterator[tuple[int, str]]:
    """The paragraphs of a text that begins in ``line``, each with the line where it begins."""
    for paragraph in text.split("\n\n"):
        yield line, paragraph
        line += paragraph.count("\n") + 2
