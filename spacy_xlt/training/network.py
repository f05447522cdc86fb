"""The encoder in training: windows of word pieces in, pooled vectors with gradients out."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from spacy_xlt.encoders.base import batches_of_like_length
from spacy_xlt.encoders.torch_encoder import has_bfloat16
from spacy_xlt.errors import XltError
from spacy_xlt.progress import progress_bar

# Word pieces of a batch in which the frozen layers compute.
FROZEN_PIECES = 4096


class EncoderNetwork:
    """A Hugging Face encoder that learns, but for its word embeddings and its lower layers.

    Args:
        model: The model. It is changed in place.
        windows: Of each text its windows, lists of word-piece ids.
        pooling: `mean` over all word pieces, or `cls`, the first one.
        device: A torch device.
        bfloat16: Matrix products in bfloat16 where the device has it.
        freeze_layers: Lower layers that stay as they are. Their output for each window is computed once, here, and
            kept in half precision.
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
        # Without dropout: as accurate (SIB-200, mean of 13 languages, seeds 0 and 1: .882; with it .883), and faster.
        model.eval().requires_grad_(True)
        model.get_input_embeddings().requires_grad_(False)
        self._freeze_layers = freeze_layers
        self._states: list[list[Any]] = []
        if freeze_layers:
            _check_freezable(model, freeze_layers)
            for frozen in (model.embeddings, *model.encoder.layer[:freeze_layers]):
                frozen.requires_grad_(False)
            self._states = self._frozen_states(progress)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def __call__(self, rows: Sequence[int]) -> Any:
        """Return the vectors [len(rows), width] of texts, of unit length: the mean of their windows by length."""
        import torch

        numbers = [(row, number) for row in rows for number in range(len(self.windows[row]))]
        if self._freeze_layers:
            states, mask = self._pad([self._states[row][number] for row, number in numbers])
            with _only_layers(self.model, slice(self._freeze_layers, None), given=True):
                pooled = self._pool(mask, inputs_embeds=states)
        else:
            ids, mask = self._pad([torch.tensor(self.windows[row][number]) for row, number in numbers])
            pooled = self._pool(mask, input_ids=ids)
        if len(numbers) == len(rows):
            vectors = pooled
        else:
            owner = torch.zeros((len(rows), len(numbers)), device=self.device)
            places = {row: place for place, row in enumerate(rows)}
            for column, (row, number) in enumerate(numbers):
                owner[places[row], column] = len(self.windows[row][number])
            vectors = owner @ pooled
        return torch.nn.functional.normalize(vectors, dim=1)

    def _pool(self, mask: Any, **inputs: Any) -> Any:
        """Run the model and pool its last states: [windows, width]."""
        import torch

        # Attention is faster without a mask, and where nothing is padded the mask says nothing.
        attention_mask = None if bool(mask.all()) else mask
        with self._attention(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            states = self.model(attention_mask=attention_mask, **inputs).last_hidden_state
        states = states.float()
        if self.pooling == "cls":
            return states[:, 0]
        weights = mask.to(states.dtype).unsqueeze(-1)
        return (states * weights).sum(1) / weights.sum(1)

    def _attention(self) -> AbstractContextManager[Any]:
        """On a CPU, plain matrix products: the backward pass of its flash attention takes ten times as long."""
        from torch.nn.attention import SDPBackend, sdpa_kernel

        return sdpa_kernel(SDPBackend.MATH) if self.device.type == "cpu" else nullcontext()

    def _pad(self, rows: Sequence[Any]) -> tuple[Any, Any]:
        """Stack tensors of different lengths [length, ...] with zeros behind; the mask is 1 where something is."""
        import torch

        padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True).to(self.device)
        lengths = torch.tensor([len(row) for row in rows])
        mask = (torch.arange(padded.shape[1])[None, :] < lengths[:, None]).long().to(self.device)
        return padded.float() if padded.is_floating_point() else padded, mask

    def _frozen_states(self, progress: bool) -> list[list[Any]]:
        """What the frozen layers make of each window of each text: [length, width]."""
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
    """Whether lower layers of a Hugging Face encoder can be frozen: those of BERT, XLM-R and models like them."""
    return hasattr(model, "embeddings") and hasattr(getattr(model, "encoder", None), "layer")


def _check_freezable(model: Any, layers: int) -> None:
    if not can_freeze(model):
        raise XltError(f"The layers of a {type(model).__name__} cannot be frozen: only those of BERT and XLM-R can.")
    there = len(model.encoder.layer)
    if layers >= there:
        raise XltError(f"The encoder has {there} layers: freeze at most {there - 1}, not {layers}.")


@contextmanager
def _only_layers(model: Any, which: slice, *, given: bool = False) -> Iterator[None]:
    """Let a BERT-like model compute some of its layers only; given: on states that it gets as its embeddings."""
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
        """Stands in for the embeddings of a BERT-like model and returns the states that it is given."""

        def forward(self, inputs_embeds: Any = None, **others: Any) -> Any:
            return inputs_embeds

    return GivenStates()
