"""What came of a call, as plain data: how two calls are compared, side by side."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def outcome(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the call returns, or the name of the exception's type that it raises.

    Only for calls that cannot wait for ever, or in an actor.
    """
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
