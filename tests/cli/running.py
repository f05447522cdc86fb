"""Running `xlt` commands inside the test's process."""

from typing import Any

from typer.testing import CliRunner, Result

from spacy_xlt.cli import app


def run(*arguments: Any, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def succeed(*arguments: Any, stdin: str | None = None) -> str:
    """What a command that must succeed printed."""
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(*arguments: Any) -> str:
    """The one line on stderr of a command that must exit with 1; without the mark before it."""
    result = run(*arguments)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("✘ "), result.stderr
    assert result.stdout == ""
    return lines[0][2:]
