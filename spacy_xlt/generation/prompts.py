"""The prompts that tell a model what to do with a text."""

import re
from typing import Optional

from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, name

TEXT = "{text}"
# The prompts of models without language tokens, after Raffel et al. (2020), appendix D.
PROMPTS = {
    "translate": "translate {source} to {target}: {text}",
    "summarize": "summarize: {text}",
    "reply": "reply: {text}",
}
_FIELD = re.compile(r"\{(\w*)\}")


def check_template(template: str) -> None:
    """Check that a template has a field for the text, and no unknown field.

    Raises:
        XltError: It has not.
    """
    fields = _FIELD.findall(template)
    unknown = [field for field in fields if field not in ("text", "source", "target")]
    if fields.count("text") != 1 or unknown:
        raise XltError(
            f"The template '{template}' must have the field {TEXT} once, and may have {{source}} and {{target}}."
        )


def fill_languages(template: str, language: str, to: str) -> Optional[str]:
    """Return a template with the English names of the languages; None if it needs the name of an unknown language.

    Args:
        template: The template.
        language: The code of the language of the text.
        to: The code of the language of the output.
    """
    for field, code in (("{source}", language), ("{target}", to)):
        if field in template:
            if code == UNKNOWN:
                return None
            template = template.replace(field, name(code))
    return template


def fill_text(template: str, text: str) -> str:
    """Return a template with a text. Braces in the text have no meaning."""
    before, _, after = template.partition(TEXT)
    return f"{before}{text}{after}"
