"""Components that are saved as what one object in them saves, such as an encoder with its weights."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Optional, Protocol, Union

from spacy.language import Language
from spacy.training import Example
from spacy.util import SimpleFrozenList
from typing_extensions import Self

from spacy_xlt.pipeline.stream import DocPipe


class Saved(Protocol):
    """What a component has to save: an encoder, a translator, or the model of a task."""

    @property
    def is_loaded(self) -> bool:
        """Whether there is something to save."""
        ...

    def load(self, folder: Path) -> None: ...

    def to_disk(self, folder: Path) -> None: ...

    def to_bytes(self) -> bytes: ...

    def from_bytes(self, data: bytes) -> None:
        """Take what `to_bytes` has returned. Empty bytes change nothing."""
        ...


class SavedPipe(DocPipe):
    """A component whose data are those of the object `saved`."""

    @property
    def saved(self) -> Saved:
        """The object."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop the results that are remembered. It is called when the data have changed."""

    def initialize(
        self,
        get_examples: Optional[Callable[[], Iterable[Example]]] = None,
        *,
        nlp: Optional[Language] = None,
        source: Optional[str] = None,
    ) -> None:
        """Load the data, such as weights, from a folder.

        Args:
            get_examples: Not used.
            nlp: Not used.
            source: The folder, such as an encoder folder. None loads the default encoder if the component needs an
                encoder and has no weights yet, and otherwise nothing.

        Raises:
            XltError: The folder is missing or damaged.
        """
        if source is None:
            self._load_default()
        else:
            self._load_source(Path(source).expanduser())

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> None:
        """Write the data to a folder. A component without data writes nothing."""
        if self.saved.is_loaded:
            self.saved.to_disk(Path(path))

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> Self:
        """Load what `to_disk` has written. If the folder does not exist, nothing changes."""
        if Path(path).exists():
            self._load(Path(path))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = SimpleFrozenList()) -> bytes:
        """Return what `to_disk` writes. The bytes are empty if the component has no data."""
        return self.saved.to_bytes() if self.saved.is_loaded else b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = SimpleFrozenList()) -> Self:
        """Load what `to_bytes` has returned."""
        self.saved.from_bytes(data)
        self.forget()
        return self

    def _load_default(self) -> None:
        """Load what a component without data needs. Most components need nothing."""

    def _load_source(self, folder: Path) -> None:
        """Load the folder that `initialize` names."""
        self._load(folder)

    def _load(self, folder: Path) -> None:
        self.saved.load(folder)
        self.forget()
