"""A tiny random model for natural language inference."""

from pathlib import Path

from tests.encoders.tiny import make_tiny_bert


def make_tiny_nli(
    folder: Path, scratch: Path, classes: tuple[str, ...] = ("entailment", "neutral", "contradiction")
) -> Path:
    """A BERT with a random classifier, and the tokenizer of `make_tiny_bert`."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification

    raw = make_tiny_bert(scratch)
    names = dict(enumerate(classes))
    config = AutoConfig.from_pretrained(
        str(raw), num_labels=len(names), id2label=names, label2id={name: number for number, name in names.items()}
    )
    torch.manual_seed(0)
    model = BertForSequenceClassification(config)
    # Larger weights, so that the probabilities of texts differ visibly.
    model.classifier.weight.data.mul_(50.0)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(raw)).save_pretrained(folder)
    return folder
