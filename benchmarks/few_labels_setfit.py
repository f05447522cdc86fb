"""SetFit on a few labels of SIB-200, in an environment of its own: `benchmarks/few_labels.py` runs it.

    SETFIT_PYTHON/bin/python benchmarks/few_labels_setfit.py ENCODER TRAIN.json TEST.json OUT.json SEED MAX_STEPS

TRAIN.json: [[text, label], ...]; TEST.json: {language: [[text, label], ...]}. Writes {language: accuracy}, seconds.
"""

import json
import sys
import time
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from setfit import SetFitModel, Trainer, TrainingArguments


def main(encoder: str, train: str, test: str, out: str, seed: int, max_steps: int) -> None:
    torch.manual_seed(seed)
    examples = json.loads(Path(train).read_text(encoding="utf8"))
    transformer = Transformer(encoder, max_seq_length=256)
    body = SentenceTransformer(modules=[transformer, Pooling(transformer.get_word_embedding_dimension())], device="cpu")
    start, cpu = time.perf_counter(), time.process_time()
    model = SetFitModel(model_body=body, model_head=_logistic())
    arguments = TrainingArguments(
        batch_size=16,
        num_epochs=1,
        max_steps=max_steps,
        seed=seed,
        report_to="none",
        save_strategy="no",
        output_dir=f"{out}.trainer",
    )
    labels = sorted({label for _, label in examples})
    data = Dataset.from_dict(
        {"text": [text for text, _ in examples], "label": [labels.index(label) for _, label in examples]}
    )
    Trainer(model=model, args=arguments, train_dataset=data).train()
    seconds = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    accuracy = {}
    for language, rows in json.loads(Path(test).read_text(encoding="utf8")).items():
        found = model.predict([text for text, _ in rows])
        accuracy[language] = sum(labels[int(each)] == label for each, (_, label) in zip(found, rows)) / len(rows)
    Path(out).write_text(json.dumps({"accuracy": accuracy, "seconds": seconds}), encoding="utf8")


def _logistic():  # type: ignore[no-untyped-def]
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
