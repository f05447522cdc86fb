"""A stopping criterion of transformers for outputs that loop."""

from typing import Any

from spacy_xlt.generation.loops import LoopDetector


def make_loop_criterion(rows: int) -> Any:
    """Return a criterion that stops each row of a batch as soon as it loops. It is for greedy search and sampling."""
    import torch
    from transformers import StoppingCriteria

    class LoopCriterion(StoppingCriteria):
        def __init__(self) -> None:
            self.detectors = [LoopDetector() for _ in range(rows)]

        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            last = input_ids[:, -1].tolist()
            looped = [detector.add(piece) for detector, piece in zip(self.detectors, last)]
            return torch.tensor(looped, device=input_ids.device)

    return LoopCriterion()
