import numpy as np
from tests.models.rivals.asking import asked, rows_of

from footfall.base.kinds import Kind
from footfall.models.rivals.markov import markov_chain
from footfall.models.rows import Split

KINDS = {"p": Kind.PRODUCT_VIEW, "s": Kind.SEARCH, "c": Kind.CART_ADD}


def test_the_order_of_events_tells_what_their_number_does_not() -> None:
    # orderers search and then view; the others view and then search: each trail has two of both
    trails = [("spsp", 1), ("psps", 0)] * 30
    rows = rows_of([*trails, ("sp", 1), ("ps", 0)], KINDS)
    train, rest = np.arange(60), np.array([60, 61])

    answer = markov_chain(asked(rows, Split(train, train, rest)))

    likely, unlikely = answer.test
    assert likely > 0.8
    assert unlikely < 0.2


def test_rows_of_a_session_count_what_they_saw_and_no_more() -> None:
    rows = rows_of([("pc", 1), ("pp", 0)] * 20 + [("p", 0)], KINDS)
    train = np.arange(40)

    answer = markov_chain(asked(rows, Split(train, train, np.array([40]))))

    assert 0.4 < answer.test[0] < 0.6  # a first product view is all alike


def test_masked_cart_events_tell_nothing() -> None:
    rows = rows_of([("pc", 1), ("p", 0)] * 20, KINDS)
    at = np.arange(40)

    answer = markov_chain(asked(rows, Split(at, at, at), is_masked=True))

    assert len(set(np.round(answer.test, 6).tolist())) == 1


def test_how_many_events_were_seen_counts_by_itself() -> None:
    # of short trails half are orderers', of long ones a tenth; all that is ever seen is product views
    short, long = [("p", i % 2) for i in range(200)], [("p" * 13, int(i % 10 == 0)) for i in range(200)]
    rows = rows_of([*short, *long, ("p", 0), ("p" * 13, 0)], KINDS)
    train = np.arange(400)

    answer = markov_chain(asked(rows, Split(train, train, np.array([400, 401]))))

    assert np.round(answer.test, 1).tolist() == [0.5, 0.1]
