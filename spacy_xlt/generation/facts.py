"""What a folder with an encoder-decoder says about its use. Training and export write it beside the weights."""

import json
from pathlib import Path
from typing import Optional

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from spacy_xlt.errors import XltError
from spacy_xlt.files import write_json
from spacy_xlt.generation.prompts import check_template

FACTS_FILE = "xlt_generation.json"


class FolderFacts(BaseModel):
    """How to use a model.

    Attributes:
        template: The prompt that it was trained with; None: none is known.
        max_pieces: The longest input and output in word pieces; None: as the tokenizer says.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    template: Optional[str] = None
    max_pieces: Optional[int] = None

    @field_validator("template")
    @classmethod
    def _check(cls, template: Optional[str]) -> Optional[str]:
        if template is not None:
            check_template(template)
        return template

    def save(self, folder: Path) -> None:
        """Write the facts to a folder."""
        write_json(self.model_dump(), folder / FACTS_FILE)


def read_facts(folder: Path) -> FolderFacts:
    """Read the facts of a folder. A folder without the file has none.

    Raises:
        XltError: The file is damaged.
    """
    file = folder / FACTS_FILE
    if not file.is_file():
        return FolderFacts()
    try:
        return FolderFacts.model_validate(json.loads(file.read_text(encoding="utf8")))
    except (ValueError, ValidationError) as error:
        raise XltError(f"{file} is damaged ({type(error).__name__}). Copy or train the model again.") from error
