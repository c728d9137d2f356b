"""Do several rivals together know more than the best of them? A logistic regression over their log-odds."""

from collections.abc import Mapping, Sequence

import numpy as np

from footfall.base.errors import BadInput
from footfall.models.rivals.question import Answer, Question, log_odds, probability

_N_FOLDS = 5
_PENALTY = 0.001
"""L2, times the number of rows."""


def blend(question: Question, answers: Mapping[str, Answer], names: Sequence[str]) -> Answer:
    """Stacking (Wolpert 1992) of calibrated answers, learned on the validation rows.

    Those rows' own scores are cross-fitted, five folds by visitor, so that calibrating the blend by them stays honest.
    Raises BadInput if fewer than two of the named rivals have an answer.
    """
    from sklearn.linear_model import LogisticRegression

    parts = [answers[name] for name in names if name in answers]
    if len(parts) < 2:
        raise BadInput("Fewer than two of its parts could be fitted.", code="no_parts")
    valid = np.column_stack([log_odds(part.valid) for part in parts])
    test = np.column_stack([log_odds(part.test) for part in parts])
    idx = question.split.valid
    labels, weights = question.labels(idx), question.weights(idx)
    folds = _folds(question.rows.visitors[idx], question.seed)

    def fit(is_in: np.ndarray) -> LogisticRegression:
        if len(np.unique(labels[is_in])) < 2:
            raise BadInput("The validation rows hold too few orders to blend by.", code="one_class")
        model = LogisticRegression(C=1.0 / (_PENALTY * is_in.sum()), max_iter=200)
        return model.fit(valid[is_in], labels[is_in], sample_weight=weights[is_in])

    of_valid = np.empty(len(idx))
    for fold in np.unique(folds):
        of_valid[folds == fold] = fit(folds != fold).decision_function(valid[folds == fold])
    whole = fit(np.ones(len(idx), bool))
    present = [name for name in names if name in answers]
    shares = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(present, whole.coef_[0], strict=True))
    return Answer(probability(of_valid), probability(whole.decision_function(test)), shares)


def _folds(visitors: np.ndarray, seed: int) -> np.ndarray:
    """int64[n]: one of five folds for each visitor."""
    ids, who = np.unique(visitors, return_inverse=True)
    if len(ids) < 2 * _N_FOLDS:
        raise BadInput("There are too few visitors among the validation rows to blend by.", code="few_rows")
    return (np.random.default_rng(seed).permutation(len(ids)) % _N_FOLDS)[who]
