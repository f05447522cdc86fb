"""Batch classification of files, streams and tables. An interrupted run can be resumed."""

from spacy_xlt.batch.engine import process as process
