"""Word embeddings of which only some rows learn."""

from collections.abc import Sequence
from typing import Any


def train_rows(model: Any, rows: Sequence[int]) -> Any:
    """Let only some rows of a model's word embeddings learn, in place.

    The rows are a small table of their own, so the gradient and the optimizer hold these rows and not the whole matrix,
    which has four fifths of the weights.

    Args:
        model: A Hugging Face model.
        rows: The ids of the word pieces whose embeddings learn.

    Returns:
        The table of the rows, a parameter [len(rows), width]. `merge_rows` puts it back.
    """
    import torch

    class TrainedRows(torch.nn.Module):
        """Looks up the trained rows in their table, and all others in the frozen embeddings."""

        ids: Any
        places: Any

        def __init__(self, frozen: Any) -> None:
            super().__init__()
            self.frozen = frozen
            ids = torch.tensor(list(rows), device=frozen.weight.device)
            self.table = torch.nn.Parameter(frozen.weight.detach()[ids].clone())
            places = torch.full((frozen.num_embeddings,), -1, device=ids.device)
            places[ids] = torch.arange(len(ids), device=ids.device)
            self.register_buffer("places", places, persistent=False)
            self.register_buffer("ids", ids, persistent=False)

        def forward(self, ids: Any) -> Any:
            places = self.places[ids]
            learned = self.table[places.clamp(min=0)]
            return torch.where((places >= 0).unsqueeze(-1), learned, self.frozen(ids))

    embeddings = TrainedRows(model.get_input_embeddings())
    model.set_input_embeddings(embeddings)
    return embeddings.table


def merge_rows(model: Any) -> None:
    """Put the rows that `train_rows` trained back into the word embeddings of a model.

    The old matrix stays as it is, because other models may share it.
    """
    import torch

    trained = model.get_input_embeddings()
    weight = trained.frozen.weight.detach().clone()
    weight[trained.ids] = trained.table.detach()
    padding = trained.frozen.padding_idx
    model.set_input_embeddings(torch.nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=padding))
