"""Document processing: files, streams and tables through a model, nothing lost."""

from spacy_xlt.batch.engine import process as process
