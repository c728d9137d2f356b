import time

from footfall.web.tally import BUCKETS_S, Tally


def test_answers_are_counted_by_status_and_acknowledgements_by_their_time() -> None:
    tally = Tally()
    now_s = time.perf_counter()
    tally.note(200, now_s - 0.0501)
    tally.note(200, now_s - 100.0)
    tally.note(503, now_s)
    tally.note(400, 0.0)
    assert tally.n_by_status == {200: 2, 503: 1, 400: 1}
    assert sum(tally.n_by_bucket) == 2
    assert tally.n_by_bucket[len(BUCKETS_S)] == 1, "longer than every bound"
    assert tally.sum_s > 100.05


def test_a_request_that_was_never_whole_has_no_time() -> None:
    tally = Tally()
    tally.note(200, 0.0)
    assert (tally.n_by_status, sum(tally.n_by_bucket)) == ({200: 1}, 0)
