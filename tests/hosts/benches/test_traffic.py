"""What the benchmarks send is what a shop's page sends."""

from collections import Counter

import msgspec

from footfall.events.wire import Event
from footfall.hosts.benches.traffic import Traffic, uuid_of


def test_traffic_is_half_a_kilobyte_an_event_by_time_with_two_percent_of_orders() -> None:
    stream = Traffic(1_000).visits(20_000)

    assert len(stream.lines) == 20_000
    assert 480 <= sum(map(len, stream.lines)) / 20_000 <= 620
    assert (stream.times_ms[1:] >= stream.times_ms[:-1]).all()
    events = [msgspec.json.decode(line, type=Event) for line in stream.lines]
    kinds = Counter(str(event.event or event.type) for event in events)
    assert 0.015 <= kinds["Order Completed"] / 20_000 <= 0.025
    assert kinds["Product Viewed"] > kinds["Product Added"] > kinds["Checkout Started"] > kinds["identify"] > 0
    orders = [event.properties for event in events if event.event == "Order Completed"]
    assert all(properties is not None and properties.products for properties in orders)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_messages() -> None:
    def messages(seed: int) -> set[object]:
        return {msgspec.json.decode(line, type=Event).messageId for line in Traffic(100, seed).visits(500).lines}

    assert Traffic(100).visits(500).lines == Traffic(100).visits(500).lines
    assert len(messages(1)) == len(messages(2)) == 500
    assert not messages(1) & messages(2)


def test_sessions_go_on_from_one_stretch_to_the_next() -> None:
    traffic = Traffic(100)
    first, second = traffic.visits(500), traffic.visits(500)

    assert first.times_ms[-1] < second.times_ms[0]


def test_ids_look_random_and_do_not_repeat() -> None:
    ids = {uuid_of(number, 7) for number in range(10_000)}

    assert len(ids) == 10_000
    assert {len(text) for text in ids} == {36}
