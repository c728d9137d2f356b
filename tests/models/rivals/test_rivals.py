"""What holds for every rival."""

import msgspec
import numpy as np
import pytest
from tests.models.rivals.asking import question

from footfall.models import metrics
from footfall.models.evaluation import RIVALS, Named
from footfall.models.rivals.blend import blend
from footfall.models.rivals.question import Answer, Question


@pytest.fixture(scope="module")
def asking() -> Question:
    return question(400)


@pytest.mark.parametrize("rival", RIVALS, ids=[rival.name for rival in RIVALS])
def test_answers_are_probabilities_for_every_row_and_the_same_each_time(rival: Named, asking: Question) -> None:
    answer = rival.fit(asking)

    assert answer.valid.shape == asking.split.valid.shape
    assert answer.test.shape == asking.split.test.shape
    for scores in (answer.valid, answer.test):
        assert ((scores >= 0) & (scores <= 1)).all()
    assert np.allclose(rival.fit(asking).test, answer.test, atol=1e-6)


@pytest.mark.parametrize("rival", RIVALS, ids=[rival.name for rival in RIVALS])
def test_labels_of_the_test_side_change_no_answer(rival: Named, asking: Question) -> None:
    labels = asking.rows.labels.copy()
    labels[asking.split.test] = 1 - labels[asking.split.test]
    lied_to = asking._replace(rows=msgspec.structs.replace(asking.rows, labels=labels))

    assert np.allclose(rival.fit(lied_to).test, rival.fit(asking).test, atol=1e-6)


def test_a_blend_of_a_good_and_a_useless_answer_is_about_as_good_as_the_good_one(asking: Question) -> None:
    chance = np.random.default_rng(5)
    good = {rival.name: rival.fit for rival in RIVALS}["logistic"](asking)
    useless = Answer(chance.random(len(good.valid)), chance.random(len(good.test)))
    labels = asking.labels(asking.split.test)

    blended = blend(asking, {"good": good, "useless": useless}, ("good", "useless", "absent"))

    assert metrics.roc_auc(labels, blended.test) > metrics.roc_auc(labels, good.test) - 0.03
    assert "absent" not in blended.note
