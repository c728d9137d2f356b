"""How are models shown? Registry and deployed copies in the shapes of ``web/shapes.py``."""

from collections.abc import Sequence
from typing import Any

from footfall.adapters.deployed import Copy, DeployedModels
from footfall.base.errors import FootfallError
from footfall.base.times import iso
from footfall.models.model import why_not
from footfall.ports import ARCHIVED, CHALLENGER, CHAMPION, ModelVersion
from footfall.record.features import CATALOGUE_ID

_METRICS = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")


def model_list(
    site: int,
    versions: Sequence[ModelVersion],
    copies: DeployedModels,
    is_training: bool,
    serving: int | None = None,
) -> dict[str, Any]:
    """A ``ModelList``. ``serving`` is the version that scores in this server; None where no server is asked.

    Stages are those of what is deployed here; the registry may be a step behind after a crash.
    """
    try:
        deployed = copies.read(site)
        champion, challenger = _number(deployed.champion), _number(deployed.challenger)
    except FootfallError:
        champion, challenger = None, None
    outcome = copies.outcome(site)
    scores = champion if serving is None else serving
    rows = []
    for found in versions:
        row = model_row(found)
        row["stage"] = {champion: CHAMPION, challenger: CHALLENGER}.get(found.version, ARCHIVED)
        rows.append(row)
    return {
        "site": site,
        "catalogue_id": CATALOGUE_ID,
        "champion": champion,
        "challenger": challenger,
        "scored_by": "model" if scores else "prior",
        "is_training": is_training,
        "last_training": outcome and {"at": iso(outcome.at_ms), "outcome": outcome.outcome, "message": outcome.message},
        "versions": rows,
    }


def model_row(found: ModelVersion) -> dict[str, Any]:
    """A ``ModelRow``, with the registry's stage."""
    card = found.card
    why = why_not(str(card.get("catalogue_id", "")), int(card.get("layout", 0)))
    why = why if found.has_files else "its files are gone"
    return {
        "version": found.version,
        "stage": found.stage,
        "made": iso(found.made_ms),
        "targets": list(card.get("targets", {})),
        "n_rows": card.get("n_rows", 0),
        "n_sessions": card.get("n_sessions", 0),
        "n_orders": card.get("n_orders", 0),
        "window": {"from": iso(card.get("from_ms", 0)), "to": iso(card.get("until_ms", 0))},
        "metrics": {
            target: {name: of.get("metrics", {}).get(name) for name in _METRICS}
            for target, of in card.get("targets", {}).items()
        },
        "can_serve": not why,
        "why_not": why,
    }


def model_detail(found: ModelVersion) -> dict[str, Any]:
    """A ``ModelDetail``."""
    return {**model_row(found), "card": {**found.card, "notes": list(found.notes)}}


def _number(copy: Copy | None) -> int | None:
    return None if copy is None else copy.version
