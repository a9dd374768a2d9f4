"""Two exceptions of the package do not derive from ProcessError.

Documentation of ProcessError: "The base class of all multiprocessing exceptions."
"""

from multiprocessing import ProcessError
from multiprocessing.managers import RemoteError
from multiprocessing.pool import MaybeEncodingError

if __name__ == "__main__":
    for error in (RemoteError, MaybeEncodingError):
        print(error.__name__, "derives from ProcessError:", issubclass(error, ProcessError))
