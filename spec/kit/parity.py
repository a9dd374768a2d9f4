"""The result of a call as plain data, so that two calls can be compared."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def result_or_error(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The result of the call, or the name of the type of the exception that it raises.

    It is for calls that cannot block forever; all others belong in an actor.
    """
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
