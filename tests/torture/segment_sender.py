"""A shop's back end: sends events with the unmodified Segment library, and notes what was acknowledged.

    python segment_sender.py URL WRITE_KEY NAME N_EVENTS ACKED_FILE

The library tells of failures only, so what it has flushed without one is acknowledged; a line of the file is the
messageIds of such a run of events.
"""

import os
import sys
from pathlib import Path

import segment.analytics.client as segment

AT_ONCE = 500


def main(url: str, write_key: str, name: str, n_events: int, acked: Path) -> int:
    errors: list[object] = []
    client = segment.Client(
        write_key, host=url, max_queue_size=10 * AT_ONCE, upload_interval=0.05, max_retries=60,
        on_error=lambda error, batch: errors.append(error),
    )  # fmt: skip
    with acked.open("a") as file:
        for start in range(0, n_events, AT_ONCE):
            ids = []
            for i in range(start, min(start + AT_ONCE, n_events)):
                what = ("Product Viewed", "Product Added", "Order Completed")[i % 3]
                properties = {"product_id": f"p{i % 50}", "price": 5}
                if what == "Order Completed":
                    properties = {"order_id": f"{name}:{i}", "revenue": 3}
                was_queued, message = client.track(f"{name}-{i % 40}", what, properties, message_id=f"{name}:{i}")
                assert was_queued
                ids.append(message["messageId"])
            client.flush()
            if errors:
                print(f"{name}: {errors[:3]}", file=sys.stderr)
                return 1
            file.write(" ".join(ids) + "\n")
            file.flush()
            os.fsync(file.fileno())
    client.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])))
