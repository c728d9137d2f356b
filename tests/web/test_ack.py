import asyncio
from collections.abc import Iterator

import pytest
from tests.web.collecting import FailingLog, until

from footfall.base.errors import Unavailable
from footfall.events.wire import Entry
from footfall.web.ack import LOOP_GROUP, GroupCommit


def entry(n: int = 1, body: bytes = b"{}") -> Entry:
    return Entry(1, 0, 0, n, body)


@pytest.fixture
def log() -> FailingLog:
    return FailingLog()


@pytest.fixture
def commit(log: FailingLog) -> Iterator[GroupCommit]:
    commit = GroupCommit(log, max_events=10)
    yield commit
    log.may_append.set()
    commit.close()


def test_an_event_is_in_the_log_when_it_is_acknowledged(commit: GroupCommit, log: FailingLog) -> None:
    async def story() -> None:
        await commit.submit(entry())
        assert log.next_offset() == 1

    asyncio.run(story())
    assert (commit.n_acked_events, commit.n_rounds) == (1, 1)


def test_nothing_is_acknowledged_before_the_append_returned(commit: GroupCommit, log: FailingLog) -> None:
    async def story() -> None:
        log.may_append.clear()
        waiting = commit.submit(entry())
        await asyncio.sleep(0.02)
        assert not waiting.done()
        log.may_append.set()
        await waiting

    asyncio.run(story())


def test_all_that_wait_share_one_append(commit: GroupCommit, log: FailingLog) -> None:
    async def story() -> None:
        log.may_append.clear()
        first = commit.submit(entry())
        await until(lambda: commit.n_waiting_events == 0)  # the thread has taken it
        others = [commit.submit(entry()) for _ in range(9)]
        log.may_append.set()
        await asyncio.gather(first, *others)

    asyncio.run(story())
    assert (log.n_appends, commit.n_acked_events) == (2, 10)


def test_entries_of_one_request_stay_together_and_in_order(commit: GroupCommit, log: FailingLog) -> None:
    async def story() -> None:
        await commit.submit(entry(2, b"{}\n{}"), entry(1, b"[]"))

    asyncio.run(story())
    assert [(offset, entry.n) for offset, entry in log.read(0, 10)] == [(0, 2), (2, 1)]


def test_a_full_queue_refuses_at_once(commit: GroupCommit, log: FailingLog) -> None:
    async def story() -> None:
        log.may_append.clear()
        waiting = [commit.submit(entry())]
        await until(lambda: commit.n_waiting_events == 0)
        waiting += [commit.submit(entry(6)), commit.submit(entry(4))]
        with pytest.raises(Unavailable) as caught:
            commit.submit(entry())
        assert (caught.value.code, caught.value.retry_after_s) == ("busy", 1)
        log.may_append.set()
        await asyncio.gather(*waiting)
        await commit.submit(entry())

    asyncio.run(story())
    assert (log.next_offset(), commit.n_refused_events) == (12, 1)


def test_the_queue_is_bounded_in_bytes_too(log: FailingLog) -> None:
    commit = GroupCommit(log, max_events=1_000, max_bytes=100)

    async def story() -> None:
        log.may_append.clear()
        waiting = [commit.submit(entry())]
        await until(lambda: commit.n_waiting_events == 0)
        waiting.append(commit.submit(entry(1, b"x" * 90)))
        with pytest.raises(Unavailable):
            commit.submit(entry(1, b"x" * 20))
        log.may_append.set()
        await asyncio.gather(*waiting)

    asyncio.run(story())
    commit.close()


def test_a_full_disk_refuses_everybody_and_recovers_by_itself(commit: GroupCommit, log: FailingLog) -> None:
    # good ── disk full: all who wait fail ── still full: refused at once or failed ── space: acknowledged again
    async def story() -> None:
        await commit.submit(entry())
        log.is_full = True
        answers = await asyncio.gather(*[commit.submit(entry()) for _ in range(5)], return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable] * 5
        with pytest.raises(Unavailable):
            await commit.submit(entry())
        log.is_full = False
        await until(lambda: commit.is_healthy)
        await commit.submit(entry())

    asyncio.run(story())
    assert log.next_offset() == 2
    assert commit.n_acked_events == 2
    assert commit.n_refused_events == 6


def test_nothing_is_taken_until_the_log_is_open_again(commit: GroupCommit, log: FailingLog) -> None:
    async def story() -> None:
        log.is_full = True
        log.n_reopen_failures = 3
        with pytest.raises(Unavailable):
            await commit.submit(entry())
        log.is_full = False
        assert not commit.is_healthy
        with pytest.raises(Unavailable) as caught:
            commit.submit(entry())  # at once, not later
        assert caught.value.code == "log_down"
        assert commit.outage == "The disk is full."
        await until(lambda: commit.is_healthy)
        await commit.submit(entry())

    asyncio.run(story())
    assert log.n_reopen_failures == 0
    assert log.next_offset() == 1


def test_closing_writes_what_waits_and_refuses_the_rest(log: FailingLog) -> None:
    commit = GroupCommit(log, max_events=10)

    async def story() -> None:
        waiting = [commit.submit(entry()) for _ in range(3)]
        commit.close()
        with pytest.raises(Unavailable) as caught:
            commit.submit(entry())
        assert caught.value.code == "stopping"
        await asyncio.gather(*waiting)

    asyncio.run(story())
    assert log.next_offset() == 3


def test_closing_ends_an_outage(log: FailingLog) -> None:
    commit = GroupCommit(log, max_events=10)

    async def story() -> None:
        log.is_full = True
        log.n_reopen_failures = 1_000_000
        with pytest.raises(Unavailable):
            await commit.submit(entry())

    asyncio.run(story())
    commit.close()
    assert log.next_offset() == 0


def test_a_large_group_is_answered_in_the_turn_that_hands_it_over(log: FailingLog) -> None:
    commit = GroupCommit(log, max_events=1_000)

    async def story() -> None:
        for _ in range(20):
            waiting = [commit.submit(entry()) for _ in range(LOOP_GROUP)]
            await asyncio.gather(*waiting)

    asyncio.run(story())
    commit.close()
    assert (log.n_appends, log.next_offset(), commit.n_acked_events) == (20, 20 * LOOP_GROUP, 20 * LOOP_GROUP)


def test_a_disk_that_hangs_does_not_hold_the_loop(log: FailingLog) -> None:
    commit = GroupCommit(log, max_events=1_000)

    async def story() -> None:
        log.may_append.clear()
        waiting = [commit.submit(entry()) for _ in range(3 * LOOP_GROUP)]
        for _ in range(100):
            await asyncio.sleep(0)
            waiting.append(commit.submit(entry()))
        assert not any(future.done() for future in waiting)
        log.may_append.set()
        await asyncio.gather(*waiting)

    asyncio.run(story())
    commit.close()
    assert log.next_offset() == 3 * LOOP_GROUP + 100


def test_a_large_group_that_fails_is_refused_as_a_whole(log: FailingLog) -> None:
    commit = GroupCommit(log, max_events=1_000)

    async def story() -> None:
        log.is_full = True
        answers = await asyncio.gather(*[commit.submit(entry()) for _ in range(LOOP_GROUP)], return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable] * LOOP_GROUP
        log.is_full = False
        await until(lambda: commit.is_healthy)
        await asyncio.gather(*[commit.submit(entry()) for _ in range(LOOP_GROUP)])

    asyncio.run(story())
    commit.close()
    assert log.next_offset() == LOOP_GROUP


def test_one_request_that_cannot_be_told_does_not_keep_the_others_waiting(commit: GroupCommit) -> None:
    def told(_: Unavailable | None) -> None:
        raise RuntimeError("by the test")

    async def story() -> None:
        commit.put([entry()], told)
        await commit.submit(entry())

    asyncio.run(story())
