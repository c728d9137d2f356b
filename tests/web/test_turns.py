import threading
from collections.abc import Callable

from footfall.web.turns import Turns

LONG_S = 30.0


def on_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_loop_that_is_not_busy_is_not_waited_for() -> None:
    turns = Turns()
    for _ in range(3):
        turns.take()
        turns.give_back()
    assert not turns.is_busy


def test_a_thread_that_has_no_work_is_not_waited_for() -> None:
    turns = Turns()
    for _ in range(3):
        turns.lend(LONG_S)
    assert turns.is_busy


def test_the_loop_stands_still_while_the_thread_works() -> None:
    turns = Turns()
    told: list[str] = []
    n_rounds = 50

    def work() -> None:
        for _ in range(n_rounds):
            turns.take()
            told.append("begins")
            told.append("ends")
            turns.give_back()

    thread = on_a_thread(work)
    while thread.is_alive():
        turns.lend(LONG_S)
        told.append("loop")
    thread.join()
    turns.lend(LONG_S)  # nothing is left over that it would wait for
    assert told.count("begins") == n_rounds


def test_a_thread_that_works_long_does_not_hold_the_loop() -> None:
    turns = Turns()
    may_end = threading.Event()

    def work() -> None:
        turns.take()
        may_end.wait(LONG_S)
        turns.give_back()

    turns.lend(0.0)
    thread = on_a_thread(work)
    for _ in range(100):
        turns.lend(0.001)
    may_end.set()
    thread.join()
    turns.lend(LONG_S)
    turns.give_back()


def test_a_loop_that_stops_being_busy_does_not_hold_the_thread() -> None:
    turns = Turns()
    turns.lend(0.0)
    turns.take()  # nobody lends any more
    turns.give_back()
    turns.lend(LONG_S)
