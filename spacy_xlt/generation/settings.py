"""How an encoder-decoder generates texts."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Optional, get_args

from spacy_xlt.errors import XltError
from spacy_xlt.generation.prompts import check_template

Task = Literal["translate", "summarize", "reply", "generate"]
TASKS: tuple[Task, ...] = get_args(Task)
# Unless `max_length` is set, an output has at most this many times the word pieces of its input, and this many more.
LONGER, MORE = 2, 10


class Output(NamedTuple):
    """What a model has generated.

    Attributes:
        text: The text.
        looped: Whether the model repeated itself without end. The text is then cut off after the first repetition.
    """

    text: str
    looped: bool = False


@dataclass(frozen=True)
class GenerationSettings:
    """How a model generates.

    Attributes:
        task: `translate` reads a text sentence by sentence and gives the text in another language. The others read as
            much of a text at once as the model can: `summarize`, `reply` and `generate`, which has no prompt.
        template: The prompt, with `{text}` and perhaps `{source}` and `{target}`, the English names of the languages.
            None: the one that the model was trained with, or else that of the task.
        beams: The number of beams. 1 is greedy search, which takes a fraction of the time.
        temperature: 0 takes the most probable word pieces. A higher number draws them at random.
        top_k: Draw from this many most probable word pieces; 0: from all.
        top_p: Draw from the most probable word pieces that have this probability together.
        max_length: The most word pieces of an output; None: twice those of its input and ten more.
        seed: The seed of the random numbers. The same text gets the same output.

    Raises:
        XltError: A setting has no sense.
    """

    task: Task = "translate"
    template: Optional[str] = None
    beams: int = 1
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    max_length: Optional[int] = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise XltError(f"There is no task '{self.task}'. Use {', '.join(TASKS[:-1])} or {TASKS[-1]}.")
        if self.template is not None:
            check_template(self.template)
        for name, least in (("beams", 1), ("temperature", 0.0), ("top_k", 0), ("max_length", 1)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise XltError(f"{name} is at least {least}, not {value}.")
        if not 0.0 < self.top_p <= 1.0:
            raise XltError(f"top_p is above 0 and at most 1, not {self.top_p}.")
        if self.samples and self.beams > 1:
            raise XltError(f"beams is {self.beams} and temperature is {self.temperature}. Set only one of them.")

    @property
    def samples(self) -> bool:
        """Whether word pieces are drawn at random."""
        return self.temperature > 0.0

    def longest_output(self, pieces: int, limit: int) -> int:
        """Return the number of word pieces that an output has at most.

        Args:
            pieces: The word pieces of the input.
            limit: What the model can decode.
        """
        return min(LONGER * pieces + MORE if self.max_length is None else self.max_length, limit)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return asdict(self)


GREEDY = GenerationSettings()
