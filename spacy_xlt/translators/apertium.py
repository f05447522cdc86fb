"""Apertium: rule-based translation by the installed program `apertium`."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Optional

from spacy_xlt.errors import NotInstalledError, XltError, first_line
from spacy_xlt.languages import base_code
from spacy_xlt.translators.base import Stateless

PROGRAM = "apertium"


class Apertium(Stateless):
    """`spacy-xlt.Apertium.v1`: the installed program `apertium` and its language pairs.

    Each batch of a language is translated by one process. Words that Apertium does not know are kept. Install a pair of
    languages first, on Debian for example with `apt install apertium apertium-eng-spa`.
    """

    def config(self) -> dict[str, Any]:
        """See `Translator.config`."""
        return {"@xlt_translators": "spacy-xlt.Apertium.v1"}

    def source_languages(self) -> list[str]:
        """Return the languages that the installed pairs translate from, sorted."""
        return sorted({source for source, _ in installed_pairs()})

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """See `Translator.translate`. A text is not translated if no pair is installed for its language.

        Raises:
            XltError: Apertium is not installed, or it fails.
        """
        pairs = installed_pairs()
        result: list[Optional[str]] = [None] * len(texts)
        for language in sorted(set(languages)):
            mode = pairs.get((language, to))
            rows = [row for row, each in enumerate(languages) if each == language]
            if mode is not None:
                for row, translation in zip(rows, _translate([texts[row] for row in rows], mode)):
                    result[row] = translation
        return result


@lru_cache(maxsize=1)
def installed_pairs() -> dict[tuple[str, str], str]:
    """Return the mode of each installed pair: `{("es", "en"): "spa-eng"}`.

    Raises:
        XltError: Apertium is not installed.
    """
    pairs: dict[tuple[str, str], str] = {}
    for mode in sorted(_run(["-l"], "").split(), key=len):
        languages = mode.split("-")
        if len(languages) == 2:
            pairs.setdefault((base_code(languages[0]), base_code(languages[1])), mode)
    return pairs


def _translate(texts: list[str], mode: str) -> list[str]:
    """Translate texts in one process: each text is a line. Their own line ends become spaces."""
    lines = [" ".join(text.split()) for text in texts]
    found = _run(["-u", "-f", "line", mode], "".join(f"{line}\n" for line in lines)).split("\n")[: len(lines)]
    if len(found) != len(lines):
        raise XltError(f"Apertium returned {len(found)} lines for {len(lines)} texts.")
    return found


def _run(arguments: list[str], text: str) -> str:
    if shutil.which(PROGRAM) is None:
        raise NotInstalledError(
            "Apertium is not installed. Install it and a pair of languages, on Debian for example with: "
            "apt install apertium apertium-eng-spa"
        )
    done = subprocess.run([PROGRAM, *arguments], input=text.encode("utf8"), capture_output=True, check=False)
    if done.returncode:
        message = first_line(ValueError(done.stderr.decode("utf8", "replace")))
        raise XltError(f"Apertium failed with the arguments {' '.join(arguments)}: {message}")
    return done.stdout.decode("utf8", "replace")
