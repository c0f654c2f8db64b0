"""The engine as the service sees it: loads, failures, ends, and what each gives back."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engine_parts import Blobs, row, rows, soon
from multitap_adapters.backbone import Backbone
from multitap_adapters.file import TensorData, parse_adapter, serialize_adapter, tensor_shapes
from multitap_registry.errors import CorruptBlob
from multitap_server.engine.contract import EncodedRow, Engine, TextRow
from multitap_server.engine.errors import (
    AdapterUnavailable,
    BackboneMismatch,
    DeadlineExceeded,
    EngineStopped,
    InputTooLong,
    Overloaded,
    UnsupportedAdapter,
)
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import running
from multitap_server.engine.settings import EngineSettings
from random_adapters import houlsby, random_adapter, random_spec

Publish = Callable[..., str]
UNKNOWN_TOKEN = EncodedRow([1, 10**6], [0, 0], truncated=False)


async def idle(engine: MixedEngine) -> None:
    """Return when callbacks have run and nothing is queued."""
    async with asyncio.timeout(20):
        await asyncio.sleep(0)
        while engine.statistics().queued_rows:  # noqa: ASYNC110  only statistics tell
            await asyncio.sleep(0.001)


def resident(engine: MixedEngine) -> tuple[int, int]:
    now = engine.statistics()
    return now.resident_adapters, now.resident_bytes


async def test_rows_are_answered_in_their_order(engine: MixedEngine, publish: Publish) -> None:
    digest = publish(labels=3)
    texts = rows([5, 9, 2])

    outputs = await soon(engine.submit(digest, texts))
    alone = [(await soon(engine.submit(digest, [text])))[0] for text in texts]

    assert [output.shape for output in outputs] == [(3,)] * 3
    np.testing.assert_allclose(outputs, alone, rtol=1e-5, atol=1e-5)


async def test_no_rows_give_no_outputs(engine: MixedEngine, publish: Publish) -> None:
    assert await soon(engine.submit(publish(), [])) == []


async def test_many_tasks_in_flight_share_a_few_forward_passes(
    engine: MixedEngine, publish: Publish
) -> None:
    digests = [publish(seed, modules=houlsby(1 + seed % 4)) for seed in range(16)]
    await soon(asyncio.gather(*(engine.submit(digest, rows([4])) for digest in digests)))
    before = engine.statistics()

    futures = [engine.submit(digests[i % 16], [row(3, i)]) for i in range(64)]
    await soon(asyncio.gather(*futures))

    after = engine.statistics()
    assert after.rows - before.rows == 64
    assert after.tokens - before.tokens == 192
    assert after.forward_passes - before.forward_passes <= 16
    assert after.adapter_loads == 16


async def test_a_submission_larger_than_a_batch_takes_several_passes(
    engine: MixedEngine, publish: Publish
) -> None:
    outputs = await soon(engine.submit(publish(), rows([50] * 12)))

    assert len(outputs) == 12
    assert engine.statistics().forward_passes == 3  # 5 rows of 50 tokens fit into 256


async def test_a_cold_adapter_does_not_hold_up_warm_ones(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    cold, warm = publish(1), publish(2)
    gate = blobs.hold(cold)
    waiting = engine.submit(cold, rows([4]))

    for _ in range(3):
        await soon(engine.submit(warm, rows([4])))

    assert not waiting.done()
    assert engine.statistics().queued_rows == 1
    gate.set()
    assert len(await soon(waiting)) == 1


async def test_callers_of_one_cold_adapter_share_its_load(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    digest = publish()

    await soon(asyncio.gather(*(engine.submit(digest, rows([4])) for _ in range(20))))

    assert blobs.reads == [digest]


async def test_a_load_that_fails_fails_its_own_rows_only(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    good, bad = publish(1), publish(2)
    blobs.errors[bad] = CorruptBlob(bad, None)
    answers = await soon(
        asyncio.gather(
            *(engine.submit(digest, rows([4])) for digest in (good, bad, good, bad)),
            return_exceptions=True,
        )
    )

    assert [isinstance(answer, AdapterUnavailable) for answer in answers] == [False, True] * 2
    assert resident(engine)[0] == 1
    await idle(engine)


async def test_an_adapter_that_could_not_be_loaded_is_tried_again(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    digest = publish()
    blobs.errors[digest] = CorruptBlob(digest, None)
    with pytest.raises(AdapterUnavailable):
        await soon(engine.submit(digest, rows([4])))
    blobs.errors.clear()

    assert len(await soon(engine.submit(digest, rows([4])))) == 1


async def test_a_submission_that_cannot_run_fails_alone(
    engine: MixedEngine, publish: Publish
) -> None:
    digests = [publish(1), publish(2)]
    await soon(asyncio.gather(*(engine.submit(digest, rows([2])) for digest in digests)))
    texts = [[row(4)], [row(3), UNKNOWN_TOKEN], [row(5)], [row(6)]]

    answers = await soon(
        asyncio.gather(
            *(engine.submit(digests[i % 2], text) for i, text in enumerate(texts)),
            return_exceptions=True,
        )
    )

    assert [isinstance(answer, IndexError) for answer in answers] == [False, True, False, False]
    assert len(await soon(engine.submit(digests[0], rows([2])))) == 1


async def test_a_full_queue_refuses_at_once_and_holds_nothing(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    cold, other = publish(1), publish(2)
    gate = blobs.hold(cold)
    waiting = engine.submit(cold, rows([64] * 64))

    with pytest.raises(Overloaded) as refused:
        engine.submit(other, rows([1]))

    assert refused.value.retry_after_s > 0
    assert blobs.reads in ([], [cold])
    gate.set()
    await soon(waiting)
    assert len(await soon(engine.submit(other, rows([1])))) == 1


async def test_cancelling_during_a_load_gives_room_and_pin_back(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    digest = publish()
    gate = blobs.hold(digest)
    waiting = engine.submit(digest, rows([64] * 64))

    waiting.cancel()
    await asyncio.sleep(0)

    assert engine.statistics().queued_rows == 0
    again = engine.submit(digest, rows([4]))
    gate.set()
    assert len(await soon(again)) == 1
    assert engine.statistics().rows == 1
    assert blobs.reads == [digest]


async def test_a_deadline_during_a_load_gives_room_and_pin_back(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    digest = publish()
    gate = blobs.hold(digest)

    with pytest.raises(DeadlineExceeded, match="no answer within 1 ms"):
        await soon(engine.submit(digest, rows([64] * 64), timeout_s=0.001))
    await asyncio.sleep(0)

    assert engine.statistics().queued_rows == 0
    gate.set()
    assert len(await soon(engine.submit(digest, rows([4])))) == 1
    assert engine.statistics().rows == 1


async def test_cancelled_and_expired_rows_that_are_queued_never_run(
    engine: MixedEngine, publish: Publish
) -> None:
    digest = publish()
    await soon(engine.submit(digest, rows([2])))
    busy = engine.submit(digest, rows([40] * 60))
    cancelled = engine.submit(digest, rows([3]))
    expired = engine.submit(digest, rows([3]), timeout_s=0.0)
    cancelled.cancel()

    with pytest.raises(DeadlineExceeded):
        await soon(expired)
    await soon(busy)
    await idle(engine)

    assert engine.statistics().rows == 61


async def test_cancelling_half_way_drops_the_rest(engine: MixedEngine, publish: Publish) -> None:
    digest = publish()
    await soon(engine.submit(digest, rows([2])))
    huge = engine.submit(digest, rows([60] * 68))

    huge.cancel()
    await idle(engine)
    await soon(engine.submit(digest, rows([2])))

    assert engine.statistics().rows < 70


class Texts(list[EncodedRow]):
    """A list that can be watched for its end."""


async def test_an_answered_submission_is_not_kept_until_its_deadline(
    engine: MixedEngine, publish: Publish
) -> None:
    texts, gone = Texts(rows([3])), asyncio.Event()
    weakref.finalize(texts, asyncio.get_running_loop().call_soon_threadsafe, gone.set)

    await soon(engine.submit(publish(), texts, timeout_s=600))
    del texts

    await soon(gone.wait())


async def test_pins_of_every_ending_come_back(
    tiny_backbone: Backbone, blobs: Blobs, publish: Publish
) -> None:
    settings = EngineSettings(adapter_bytes=0)
    async with running(MixedEngine(tiny_backbone, blobs.read, settings)) as engine:
        good, poisoned, gone, late, broken = (publish(seed) for seed in range(5))
        blobs.errors[broken] = CorruptBlob(broken, None)
        futures = [
            engine.submit(good, rows([3])),
            engine.submit(poisoned, [UNKNOWN_TOKEN]),
            engine.submit(gone, rows([3])),
            engine.submit(late, rows([3]), timeout_s=0.0),
            engine.submit(broken, rows([3])),
        ]
        futures[2].cancel()
        await soon(asyncio.gather(*futures, return_exceptions=True))
        await idle(engine)
        while engine.statistics().adapter_loads < 4:
            await soon(asyncio.sleep(0.001))

        assert resident(engine) == (0, 0)


async def test_a_failed_load_whose_callers_left_is_not_complained_about(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    bad, good = publish(1), publish(2)
    blobs.errors[bad] = CorruptBlob(bad, None)
    gate = blobs.hold(bad)
    for _ in range(3):
        engine.submit(bad, rows([4])).cancel()
    gate.set()

    await soon(engine.submit(good, rows([4])))
    with pytest.raises(AdapterUnavailable):
        await soon(engine.submit(bad, rows([4])))
    gc.collect()

    assert complaints == []


async def test_stopping_answers_what_waits_first(
    tiny_backbone: Backbone, blobs: Blobs, publish: Publish
) -> None:
    warm, cold = publish(1), publish(2)
    engine = MixedEngine(tiny_backbone, blobs.read, EngineSettings(batch_tokens=64))
    async with running(engine):
        await soon(engine.submit(warm, rows([2])))
        gate = blobs.hold(cold)
        queued = engine.submit(warm, rows([30] * 20))
        loading = engine.submit(cold, rows([5]))
        asyncio.get_running_loop().call_soon(gate.set)

    assert (len(queued.result()), len(loading.result())) == (20, 1)


async def test_stopping_does_not_wait_for_ever(
    tiny_backbone: Backbone, blobs: Blobs, publish: Publish
) -> None:
    digest = publish()
    gate = blobs.hold(digest)
    settings = EngineSettings(drain_s=0.0)
    async with running(MixedEngine(tiny_backbone, blobs.read, settings)) as engine:
        loading = engine.submit(digest, rows([5]))

    with pytest.raises(EngineStopped, match="the engine is stopping"):
        loading.result()
    gate.set()


async def test_loads_that_have_not_begun_are_dropped_at_the_end(
    tiny_backbone: Backbone, blobs: Blobs, publish: Publish
) -> None:
    settings = EngineSettings(drain_s=0.0, loading_threads=1)
    digests = [publish(seed) for seed in range(3)]
    gates = [blobs.hold(digest) for digest in digests]
    async with running(MixedEngine(tiny_backbone, blobs.read, settings)) as engine:
        futures = [engine.submit(digest, rows([5])) for digest in digests]
        while not blobs.reads:
            await soon(asyncio.sleep(0.001))
    for gate in gates:
        gate.set()

    assert [type(future.exception()) for future in futures] == [EngineStopped] * 3
    assert blobs.reads == digests[:1]


async def test_a_stop_that_is_cancelled_still_fails_what_waits(
    tiny_backbone: Backbone, blobs: Blobs, publish: Publish
) -> None:
    digest = publish()
    gate = blobs.hold(digest)
    engine = MixedEngine(tiny_backbone, blobs.read, EngineSettings())
    await engine.start()
    loading = engine.submit(digest, rows([5]))
    stop = asyncio.create_task(engine.stop())
    await asyncio.sleep(0)

    stop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stop

    assert isinstance(loading.exception(), EngineStopped)
    gate.set()
    await engine.stop()


async def test_an_engine_that_does_not_run_takes_nothing_and_is_not_ready(
    tiny_backbone: Backbone, blobs: Blobs, publish: Publish
) -> None:
    engine = MixedEngine(tiny_backbone, blobs.read, EngineSettings())
    with pytest.raises(EngineStopped, match="has not started"):
        engine.require_ready()
    async with running(engine):
        engine.require_ready()

    with pytest.raises(EngineStopped, match="is stopping"):
        engine.submit(publish(), rows([2]))


class EndOfTheThread(BaseException):
    """What no worker catches."""


class Deadly(list[int]):
    """Token ids that end whoever reads them."""

    def __iter__(self) -> Iterator[int]:
        raise EndOfTheThread


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_when_the_worker_dies_everybody_is_told(
    engine: MixedEngine, publish: Publish, blobs: Blobs
) -> None:
    warm, cold = publish(1), publish(2)
    await soon(engine.submit(warm, rows([2])))
    blobs.hold(cold)
    loading = engine.submit(cold, rows([4]))

    deadly = engine.submit(warm, [EncodedRow(Deadly([1, 2]), [0, 0], truncated=False)])

    for future in (deadly, loading):
        with pytest.raises(EngineStopped, match="worker has died"):
            await soon(future)
    with pytest.raises(EngineStopped, match="worker has died"):
        engine.require_ready()


async def test_a_check_leaves_nothing_resident(
    engine: MixedEngine, tiny_backbone: Backbone
) -> None:
    file = random_adapter(tiny_backbone.identity, modules=houlsby())

    await asyncio.to_thread(engine.check, file)

    assert resident(engine) == (0, 0)
    assert engine.statistics().rows == 0


async def test_a_check_refuses_outputs_that_are_not_finite(
    engine: MixedEngine, tiny_backbone: Backbone
) -> None:
    spec = random_spec(tiny_backbone.identity)
    huge = {
        name: TensorData.from_numpy(np.full(shape, 3e38, dtype=np.float32))
        for name, shape in tensor_shapes(spec).items()
    }

    with pytest.raises(UnsupportedAdapter, match="is not finite"):
        engine.check(parse_adapter(serialize_adapter(spec, huge)))
    assert resident(engine) == (0, 0)


async def test_a_check_refuses_another_backbone(
    engine: MixedEngine, tiny_backbone: Backbone
) -> None:
    other = tiny_backbone.identity.model_copy(update={"config_digest": "sha256:" + "e" * 64})

    with pytest.raises(BackboneMismatch, match="config_digest"):
        engine.check(random_adapter(other))


async def test_texts_are_cut_to_the_task_s_length(engine: MixedEngine) -> None:
    short, long = engine.encode(
        [TextRow("a good film"), TextRow("good " * 40)], max_tokens=8, truncate=True
    )

    assert (len(short.token_ids), short.truncated) == (5, False)
    assert (len(long.token_ids), long.truncated) == (8, True)


async def test_a_pair_has_two_types(engine: MixedEngine) -> None:
    (pair,) = engine.encode([TextRow("good", "bad")], max_tokens=8, truncate=False)

    assert list(pair.type_ids) == [0, 0, 0, 1, 1]


async def test_a_text_that_must_stay_whole_is_refused_with_its_place(engine: MixedEngine) -> None:
    with pytest.raises(InputTooLong) as refused:
        engine.encode([TextRow("fine"), TextRow("good " * 40)], max_tokens=8, truncate=False)

    assert (refused.value.index, refused.value.tokens, refused.value.limit_tokens) == (1, 42, 8)


async def test_the_engine_keeps_its_contract(
    engine: MixedEngine, tiny_backbone: Backbone, caplog: pytest.LogCaptureFixture
) -> None:
    contract: Engine = engine

    assert contract.backbone == tiny_backbone.identity
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
