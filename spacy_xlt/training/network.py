"""The encoder in training: from windows of word pieces to pooled vectors with gradients."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from spacy_xlt.encoders.base import batches_of_like_length
from spacy_xlt.encoders.torch_encoder import has_bfloat16
from spacy_xlt.errors import XltError
from spacy_xlt.progress import progress_bar

# The number of word pieces in a batch of the frozen layers.
FROZEN_PIECES = 4096


class EncoderNetwork:
    """A Hugging Face encoder in training. Its word embeddings and lower layers can be frozen.

    Args:
        model: The model. It is changed in place.
        windows: The windows of each text, as lists of word-piece ids.
        pooling: `mean` over all word pieces, or `cls` for the first one.
        device: A torch device.
        bfloat16: Whether to compute matrix products in bfloat16 if the device supports it.
        freeze_layers: The number of lower layers that are not trained. Their output for each window is computed only
            once, and kept in half precision.
        progress: Show a progress bar while this output is computed.
    """

    def __init__(
        self,
        model: Any,
        windows: Sequence[Sequence[Sequence[int]]],
        *,
        pooling: str,
        device: Any,
        bfloat16: bool,
        freeze_layers: int = 0,
        progress: bool = False,
    ) -> None:
        self.model, self.windows, self.pooling, self.device = model, windows, pooling, device
        self.bfloat16 = bfloat16 and has_bfloat16(device)
        self.lengths = [sum(map(len, of_text)) for of_text in windows]
        # Training without dropout is as accurate, and faster: see docs/measured-settings.md.
        model.eval().requires_grad_(True)
        model.get_input_embeddings().requires_grad_(False)
        self._freeze_layers = freeze_layers
        self._frozen: list[list[Any]] = []
        if freeze_layers:
            _check_freezable(model, freeze_layers)
            for frozen in (model.embeddings, *model.encoder.layer[:freeze_layers]):
                frozen.requires_grad_(False)
            self._frozen = self._frozen_states(progress)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def __call__(self, rows: Sequence[int]) -> Any:
        """Return the vectors [len(rows), width] of texts, of unit length. Windows are weighted by their lengths."""
        import torch

        numbers = [(row, number) for row in rows for number in range(len(self.windows[row]))]
        pooled = self._pool(*self._states_of(numbers))
        if len(numbers) == len(rows):
            vectors = pooled
        else:
            owner = torch.zeros((len(rows), len(numbers)), device=self.device)
            places = {row: place for place, row in enumerate(rows)}
            for column, (row, number) in enumerate(numbers):
                owner[places[row], column] = len(self.windows[row][number])
            vectors = owner @ pooled
        return torch.nn.functional.normalize(vectors, dim=1)

    def states(self, rows: Sequence[int]) -> tuple[Any, Any]:
        """Return the last hidden states [len(rows), longest, width] of texts of one window each, and their mask."""
        return self._states_of([(row, 0) for row in rows])

    def _states_of(self, numbers: Sequence[tuple[int, int]]) -> tuple[Any, Any]:
        """Return the last hidden states [windows, longest, width] and their mask. A window is (row, number)."""
        import torch

        if self._freeze_layers:
            states, mask = self._pad([self._frozen[row][number] for row, number in numbers])
            with _only_layers(self.model, slice(self._freeze_layers, None), given=True):
                return self._run(mask, inputs_embeds=states), mask
        ids, mask = self._pad([torch.tensor(self.windows[row][number]) for row, number in numbers])
        return self._run(mask, input_ids=ids), mask

    def _run(self, mask: Any, **inputs: Any) -> Any:
        """Run the model, and return its last hidden states."""
        import torch

        # Attention is faster without a mask. If nothing is padded, no mask is needed.
        attention_mask = None if bool(mask.all()) else mask
        with self._attention(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            states = self.model(attention_mask=attention_mask, **inputs).last_hidden_state
        return states.float()

    def _pool(self, states: Any, mask: Any) -> Any:
        """Return the pooled states [windows, width]."""
        if self.pooling == "cls":
            return states[:, 0]
        weights = mask.to(states.dtype).unsqueeze(-1)
        return (states * weights).sum(1) / weights.sum(1)

    def _attention(self) -> AbstractContextManager[Any]:
        """Use plain attention on a CPU, because the backward pass of flash attention takes ten times as long there."""
        from torch.nn.attention import SDPBackend, sdpa_kernel

        return sdpa_kernel(SDPBackend.MATH) if self.device.type == "cpu" else nullcontext()

    def _pad(self, rows: Sequence[Any]) -> tuple[Any, Any]:
        """Stack tensors of different lengths [length, ...], padded with zeros, and return their mask."""
        import torch

        padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True).to(self.device)
        lengths = torch.tensor([len(row) for row in rows])
        mask = (torch.arange(padded.shape[1])[None, :] < lengths[:, None]).long().to(self.device)
        return padded.float() if padded.is_floating_point() else padded, mask

    def _frozen_states(self, progress: bool) -> list[list[Any]]:
        """Return the output [length, width] of the frozen layers for each window of each text."""
        import torch

        flat = [window for of_text in self.windows for window in of_text]
        states: list[Any] = [None] * len(flat)
        kind = torch.bfloat16 if self.bfloat16 else torch.float32
        with (
            torch.no_grad(),
            _only_layers(self.model, slice(self._freeze_layers)),
            progress_bar(title="Frozen layers", unit="text", total=len(flat), show=progress) as bar,
        ):
            for batch in batches_of_like_length([len(window) for window in flat], FROZEN_PIECES):
                ids, mask = self._pad([torch.tensor(flat[number]) for number in batch])
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
                    found = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
                for row, number in enumerate(batch):
                    states[number] = found[row, : len(flat[number])].to(kind).cpu().clone()
                bar.update(len(batch))
        of_texts = iter(states)
        return [[next(of_texts) for _ in of_text] for of_text in self.windows]


def can_freeze(model: Any) -> bool:
    """Return whether lower layers of a Hugging Face encoder can be frozen, as in BERT, XLM-R and similar models."""
    return hasattr(model, "embeddings") and hasattr(getattr(model, "encoder", None), "layer")


def _check_freezable(model: Any, layers: int) -> None:
    if not can_freeze(model):
        raise XltError(f"The layers of a {type(model).__name__} cannot be frozen: only those of BERT and XLM-R can.")
    there = len(model.encoder.layer)
    if layers >= there:
        raise XltError(f"The encoder has {there} layers: freeze at most {there - 1}, not {layers}.")


@contextmanager
def _only_layers(model: Any, which: slice, *, given: bool = False) -> Iterator[None]:
    """Make a BERT-like model run only some of its layers; if `given`, on states that it receives as embeddings."""
    embeddings, layers = model.embeddings, model.encoder.layer
    try:
        model.encoder.layer = layers[which]
        if given:
            model.embeddings = _given_states()
        yield
    finally:
        model.embeddings, model.encoder.layer = embeddings, layers


def _given_states() -> Any:
    import torch

    class GivenStates(torch.nn.Module):
        """Replaces the embeddings of a BERT-like model, and returns the states that it receives."""

        def forward(self, inputs_embeds: Any = None, **others: Any) -> Any:
            return inputs_embeds

    return GivenStates()
