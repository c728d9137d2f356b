"""Why is a score what it is? The few things that moved it most, each told by one feature.

Contributions add up to the score's log-odds (exact tree SHAP, Lundberg et al. 2020, or the prior's terms). Those of
one family (:mod:`footfall.models.families`) are summed first, as a sum of contributions is the contribution of all of
them together; so the reasons are different things, and the effects of all families and the base are still the log-odds.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from footfall.models.families import FAMILY_OF
from footfall.models.words import words


class Reason(msgspec.Struct, frozen=True):
    """One thing that moved a score, told by the feature that did most of it."""

    feature: str
    value: float
    """In the feature's unit; NaN (``null`` in JSON) if unknown."""
    effect: float
    """What the feature's whole family added to the log-odds: above 0 it made an order likelier."""
    words: str


def family_effects(names: Sequence[str], contributions: np.ndarray) -> dict[str, float]:
    """What each family added to the log-odds.

    ``contributions`` float[k] belong to ``names``, which are of the catalogue; one more entry, as models give it, is
    the base and left out. Raises ValueError for any other length.
    """
    if len(contributions) - len(names) not in (0, 1):
        raise ValueError(f"{len(contributions)} contributions don't belong to {len(names)} features")
    effects: dict[str, float] = {}
    for name, contribution in zip(names, contributions.tolist(), strict=False):
        family = FAMILY_OF[name]
        effects[family] = effects.get(family, 0.0) + contribution
    return effects


def top_reasons(
    names: Sequence[str], values: np.ndarray, contributions: np.ndarray, n: int = 3, currency: str = "USD"
) -> list[Reason]:
    """The ``n`` families that moved a score most, strongest first; fewer if fewer moved it at all.

    Each is told by its member with the largest contribution in the direction of the family's effect. ``values``
    float[k] belong to ``names``; see :func:`family_effects` for the others.
    """
    effects = family_effects(names, contributions)
    tellers: dict[str, int] = {}
    for i, name in enumerate(names):
        family = FAMILY_OF[name]
        pull = contributions[i] * np.sign(effects[family])
        if pull > 0 and (family not in tellers or pull > contributions[tellers[family]] * np.sign(effects[family])):
            tellers[family] = i
    strongest = sorted(tellers, key=lambda family: -abs(effects[family]))[:n]
    return [
        Reason(names[i], float(values[i]), effects[family], words(names[i], float(values[i]), currency))
        for family in strongest
        for i in (tellers[family],)
    ]
