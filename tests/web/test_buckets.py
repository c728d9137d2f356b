from footfall.web.buckets import TokenBuckets


def test_a_key_may_send_its_rate_and_its_burst() -> None:
    buckets = TokenBuckets(rate_per_s=100, burst=200)
    assert buckets.take("a", 200, now_ms=0) == 0
    assert buckets.take("a", 1, now_ms=0) == 1
    assert buckets.take("a", 50, now_ms=500) == 0
    assert buckets.take("a", 1, now_ms=500) == 1


def test_keys_do_not_share_a_bucket() -> None:
    buckets = TokenBuckets(100, 100)
    assert buckets.take("a", 100, 0) == 0
    assert buckets.take("b", 100, 0) == 0


def test_the_wait_is_long_enough_in_whole_seconds() -> None:
    buckets = TokenBuckets(10, 100)
    assert buckets.take("a", 100, 0) == 0
    assert buckets.take("a", 25, 0) == 3
    assert buckets.take("a", 25, 3_000) == 0


def test_more_than_a_bucket_passes_when_it_is_full_and_leaves_a_debt() -> None:
    buckets = TokenBuckets(10, 20)
    assert buckets.take("a", 60, 0) == 0
    assert buckets.take("a", 1, 4_000) == 1
    assert buckets.take("a", 1, 5_000) == 0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    buckets = TokenBuckets(10, 10)
    assert buckets.take("a", 10, 5_000) == 0
    assert buckets.take("a", 1, 1_000) == 1


def test_memory_is_bounded() -> None:
    buckets = TokenBuckets(10, 10, max_keys=2)
    for key in ("a", "b", "c"):
        assert buckets.take(key, 10, 0) == 0
    assert buckets.take("c", 1, 0) == 1
    assert buckets.take("a", 1, 0) == 0  # forgotten, so full again
