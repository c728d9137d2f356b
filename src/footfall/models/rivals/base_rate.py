"""How good is no model at all? Every row gets the share of orders among the training rows."""

import numpy as np

from footfall.models.rivals.question import Answer, Question


def base_rate(question: Question) -> Answer:
    """The weighted share of ones, for everybody."""
    rate = question.base_rate()
    return Answer(
        np.full(len(question.split.valid), rate), np.full(len(question.split.test), rate), f"{rate:.2%} of the rows"
    )
