"""The exceptions of the package. Their messages say what is wrong, where it is, and what to do."""


class XltError(ValueError):
    """Raised for everything that a user can correct.

    Commands print the message as one line on stderr and exit with 1.

    Attributes:
        parameter: The name of the function's parameter that corrects the error; empty if there is none. Commands add
            the option of the same name to the message.
    """

    parameter: str = ""

    def __init__(self, message: str = "", *, parameter: str = "") -> None:
        super().__init__(message)
        if parameter:
            self.parameter = parameter


class XltWarning(UserWarning):
    """Warns of data or settings that may not be what the user wants. Commands print it as one line on stderr."""


class EncodingError(XltError):
    """Raised for a file that is not in the encoding that it is read with."""

    parameter = "encoding"


class UnusableError(XltError):
    """Raised if a back end cannot process any text, such as one with damaged weights."""


class NotInstalledError(UnusableError):
    """Raised if a package or a program that a back end needs is not installed."""


def first_line(error: BaseException) -> str:
    """Return the first line of the message of another package's exception; empty if it has no message."""
    return (str(error).strip().splitlines() or [""])[0]
