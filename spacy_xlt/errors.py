"""The one exception of the package: a sentence that names the thing, the place and the mend."""


class XltError(ValueError):
    """Raised for everything a user can put right. The message says what is wrong, where, and what to do.

    Commands print it as one line on stderr and exit with 1.
    """


class XltWarning(UserWarning):
    """Warns of data or settings that may not be what the user wants. Commands print it as one line on stderr."""


class EncodingError(XltError):
    """Raised for a file that is not in the encoding it was read in. Commands add the option that names another."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception of another package says; empty if it says nothing."""
    return (str(error).strip().splitlines() or [""])[0]
