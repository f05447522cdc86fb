"""Classify chunks with actors of Ray Data, on this machine or on a cluster (extra `ray`).

One task of `ray.data` reads the chunks, because parsing takes little time. `map_batches` classifies them on actors,
each of which loads the model once. The driver writes the results in order, so that parts and manifest have the same
bytes as with the local engine. Ray replaces an actor or a node that dies. All nodes must see the files and the model
under the same paths.
"""

import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from spacy_xlt.batch.chunks import Chunk, make_chunks
from spacy_xlt.batch.fields import Fields
from spacy_xlt.batch.model import Predictions
from spacy_xlt.batch.sources import FileRows
from spacy_xlt.batch.workers import Load
from spacy_xlt.data.paths import Input
from spacy_xlt.errors import XltError

# A chunk is sent as one pickled cell of an Arrow table. Pickle is safe here: all chunks come from our processes.
COLUMN = "chunk"


def map_in_actors(
    files: Sequence[Input],
    fields: Fields,
    size: int,
    skip: int,
    digest: Optional[str],
    load: Load,
    actors: int,
    address: Optional[str],
    gpu_id: int,
) -> Iterator[tuple[Chunk, Predictions]]:
    """Yield each chunk with its predictions, in order.

    Args:
        files: The input files.
        fields: The fields with the text and the id.
        size: The number of records in a chunk; `skip` and `digest` are those of `make_chunks`.
        load: Loads the model.
        actors: The number of actors; 0: one fewer than there are CPUs, or as many as there are GPUs.
        address: The address of a cluster; None: Ray of this process, which is started if need be.
        gpu_id: 0 or more: each actor gets a GPU.

    Raises:
        XltError: Ray is missing, or the cluster has too few CPUs for the actors and one task that reads.
    """
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError:
        raise XltError("The engine ray needs Ray: pip install 'spacy-xlt[ray]'") from None
    own = not ray.is_initialized()
    if own:
        # Reading takes little time, so Ray of our own may count one more CPU than there are.
        cpus = max(os.cpu_count() or 1, actors + 1, 2)
        ray.init(address=address, num_cpus=None if address else cpus, log_to_driver=False, include_dashboard=False)
    try:
        count, resources = _pool(ray.cluster_resources(), actors, gpu_id)
        with _in_order(ray):
            dataset = ray.data.read_datasource(_make_source(files, fields, size, skip, digest), override_num_blocks=1)
            mapped = dataset.map_batches(
                ModelActor,
                fn_constructor_args=(load,),
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(size=count),
                **resources,
            )
            for batch in mapped.iter_batches(batch_size=1, batch_format="pyarrow", prefetch_batches=1):
                yield pickle.loads(batch[COLUMN][0].as_py())
    except RayError as error:
        raise _plain(error) from error
    finally:
        if own:
            ray.shutdown()


def _pool(there: dict[str, float], actors: int, gpu_id: int) -> tuple[int, dict[str, float]]:
    """The number of actors, and the resources of each."""
    cpus, gpus = int(there.get("CPU", 0)), int(there.get("GPU", 0))
    if gpu_id >= 0:
        if gpus < max(1, actors):
            raise XltError(f"The Ray cluster has {gpus} GPUs, too few for {max(1, actors)} actors. Use fewer workers.")
        return actors or gpus, {"num_gpus": 1}
    if cpus <= max(1, actors):
        raise XltError(
            f"The Ray cluster has {cpus} CPUs, too few for {max(1, actors)} actors and one task that reads. "
            "Use fewer workers, or start Ray with more CPUs."
        )
    return actors or cpus - 1, {"num_cpus": 1}


class ModelActor:
    """Loads the model once, and classifies one chunk per call."""

    def __init__(self, load: Load) -> None:
        self._model = load()

    def __call__(self, batch: Any) -> Any:
        import pyarrow

        chunk: Chunk = pickle.loads(batch[COLUMN][0].as_py())
        results = self._model(chunk.inputs)
        return pyarrow.table({COLUMN: pyarrow.array([pickle.dumps((chunk, results))], pyarrow.binary())})


def _make_source(files: Sequence[Input], fields: Fields, size: int, skip: int, digest: Optional[str]) -> Any:
    """A source of Ray Data: one task that yields one chunk per block."""
    import pyarrow
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    def read() -> Iterator[Any]:
        for chunk in make_chunks(iter(FileRows(files)), fields, size, skip=skip, digest=digest):
            yield pyarrow.table({COLUMN: pyarrow.array([pickle.dumps(chunk)], pyarrow.binary())})

    class ChunkSource(Datasource):
        def estimate_inmemory_data_size(self) -> Optional[int]:
            return None

        def get_read_tasks(self, parallelism: int, *others: Any, **options: Any) -> list[ReadTask]:
            metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
            return [ReadTask(read, metadata)]

    return ChunkSource()


@contextmanager
def _in_order(ray: Any) -> Iterator[None]:
    """Make Ray Data keep the order and one chunk per block, without progress bars."""
    context = ray.data.DataContext.get_current()
    before = (context.execution_options.preserve_order, context.target_max_block_size, context.enable_progress_bars)
    context.execution_options.preserve_order = True
    # Ray joins blocks up to this size, and would give all of them to one actor.
    context.target_max_block_size = 1
    context.enable_progress_bars = False
    try:
        yield
    finally:
        context.execution_options.preserve_order, context.target_max_block_size, context.enable_progress_bars = before


def _plain(error: BaseException) -> BaseException:
    """The XltError that was raised in a task, or an XltError with the message of Ray."""
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, XltError):
            # Our errors are one line; Ray adds its own.
            return XltError(str(getattr(cause, "cause", None) or cause).splitlines()[0])
        cause = getattr(cause, "cause", None) or cause.__cause__
    reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return XltError(f"Ray failed ({reason}). The finished parts are kept; run the same again.")
