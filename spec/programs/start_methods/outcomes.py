"""A module that the programs beside it import."""


def result_or_error(call, *args, **kwargs):
    """Return the result of the call, or the name of the exception that it raises."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
