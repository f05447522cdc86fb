"""BLEU, chrF and exact match of generated texts."""

from collections.abc import Sequence

from spacy_xlt.errors import XltError
from spacy_xlt.extras import require


def exact_match(outputs: Sequence[str], references: Sequence[str]) -> float:
    """Return the share of outputs that are equal to their references, up to white space. From 0 to 1.

    Raises:
        XltError: There is no output, or the numbers differ.
    """
    _check(outputs, references)
    return sum(is_exact(*pair) for pair in zip(outputs, references)) / len(outputs)


def is_exact(output: str, reference: str) -> bool:
    """Return whether an output is equal to its reference, up to white space."""
    return output.split() == reference.split()


def bleu(outputs: Sequence[str], references: Sequence[str]) -> float:
    """Return the BLEU score of a corpus, from 0 to 100, as sacrebleu computes it by default.

    Raises:
        XltError: There is no output, the numbers differ, or sacrebleu is not installed.

    References:
        Papineni et al. (2002), "BLEU: a method for automatic evaluation of machine translation", section 2.3. Post
        (2018), "A call for clarity in reporting BLEU scores".
    """
    _check(outputs, references)
    require("seq2seq", "sacrebleu")
    from sacrebleu.metrics import BLEU

    return float(BLEU().corpus_score(list(outputs), [list(references)]).score)


def chrf(outputs: Sequence[str], references: Sequence[str]) -> float:
    """Return the chrF2 score of a corpus, from 0 to 100, as sacrebleu computes it by default.

    Raises:
        XltError: There is no output, the numbers differ, or sacrebleu is not installed.

    References:
        Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation".
    """
    _check(outputs, references)
    require("seq2seq", "sacrebleu")
    from sacrebleu.metrics import CHRF

    return float(CHRF().corpus_score(list(outputs), [list(references)]).score)


def _check(outputs: Sequence[str], references: Sequence[str]) -> None:
    if len(outputs) != len(references):
        raise XltError(f"There are {len(outputs)} outputs and {len(references)} references. Give one for each text.")
    if not outputs:
        raise XltError("There is no output. Evaluate at least one text.")
