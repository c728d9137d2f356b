"""Which way of foretelling orders is how good in a shop? Its past, made into rows, judged, told and written down."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table as RichTable

from footfall.adapters.deployed import DeployedModels
from footfall.base.errors import BadInput, FootfallError
from footfall.hosts.past import past_of
from footfall.hosts.progress import steps
from footfall.models import report
from footfall.models.evaluation import FIGURES, JUDGE_MOST, TRAIN_MOST, Evaluation, Options, Table, evaluate
from footfall.models.model import from_bytes
from footfall.models.rows import TARGETS
from footfall.settings import Settings
from footfall.training_set import make_rows

MOST_ROWS = TRAIN_MOST + 2 * JUDGE_MOST
"""Of larger histories every second session is left out, and again, until the rows fit."""
WIDTH = 100
"""Columns that the printed tables need."""


def evaluate_site(
    data: Path, settings: Settings, site_name: str, options: Options, report_file: Path | None = None
) -> Evaluation:
    """Judge all rivals by a site's past, beside a running server, and write the report if a file is named.

    Raises ``BadInput`` if the past holds too little to judge anything by, or the target's name is unknown; ``Missing``
    without a data folder or site.
    """
    if options.target not in TARGETS:
        raise BadInput(f"There is no target {options.target}; there are {', '.join(TARGETS)}.", code="bad_usage")
    if report_file is not None and report_file.is_dir():
        raise BadInput(f"{report_file} is a folder: name a file in it for the report.", code="bad_usage")
    if report_file is not None and not report_file.absolute().parent.is_dir():
        raise BadInput(f"There is no folder {report_file.parent} for the report: make it first.", code="bad_usage")
    with steps() as tell, past_of(data, site_name) as past:
        site = past.site
        rows = make_rows(
            past.lake,
            past.shelf,
            settings,
            site.number,
            is_masked=True,
            splits=past.splits,
            on_progress=lambda done, n: tell("Going through the past", done, n),
            most_rows=MOST_ROWS,
        )
        if not len(rows):
            raise BadInput(
                "There are no sessions of people yet: collect some, or `footfall import` history.", code="few_rows"
            )
        evaluation = evaluate(rows, options, lambda what, done, n: tell(f"Judging: {what}", done, n))
    if report_file is not None:
        report_file.write_text(report.page(evaluation, site.name, _card(data, site.number)), "utf-8")
    return evaluation


def _card(data: Path, site: int) -> Mapping[str, Any] | None:
    """What is known of the model that serves; nothing if there is none that can be read."""
    copies = DeployedModels(data)
    try:
        champion = copies.read(site).champion
        if champion is None:
            return None
        model = from_bytes(copies.model(site, champion))
    except FootfallError:
        return None
    card = msgspec.to_builtins(model.card)
    return {"version": champion.version, **card}


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the tables and what they say, for a terminal of WIDTH columns."""
    sides = evaluation.sides
    what = report.TARGET_WORDS[evaluation.target]
    console.print(
        f"Foretold: {what}. Learned from {sides['train'].n_sessions:,} sessions "
        f"({sides['train'].n_positive_sessions:,} with an order), chosen by {sides['valid'].n_sessions:,} "
        f"({sides['valid'].n_positive_sessions:,}), judged by the latest {sides['test'].n_sessions:,} "
        f"({sides['test'].n_positive_sessions:,}).",
        soft_wrap=False,
    )
    for table in evaluation.tables:
        console.print()
        console.print(_figures(table))
        console.print(_by_clicks(table))
    console.print()
    lacking = {
        (result.title, result.why_not) for table in evaluation.tables for result in table.results if result.why_not
    }
    for title, why_not in sorted(lacking):
        console.print(f"{title}: {why_not}", markup=False)
    for sentence in evaluation.verdict:
        console.print(sentence, markup=False)
    console.print(
        f"Small figures are 95 % intervals ({evaluation.n_resamples} resamples of visitors). Precision and recall in "
        f"percent. Took {evaluation.seconds:.0f} s.",
        style="dim",
        markup=False,
    )


def _titled(table: Table, what: str) -> str:
    return f"{what}, without cart events" if table.is_masked else what


def _figures(table: Table) -> RichTable:
    printed = RichTable(
        title=_titled(table, "Rivals on the same sessions"), title_justify="left", box=None, padding=(0, 1)
    )
    printed.add_column("", no_wrap=True)
    for name in FIGURES:
        printed.add_column(report.FIGURE_TITLES[name], justify="right", no_wrap=True)
    for result in table.results:
        if result.why_not:
            printed.add_row(result.title, *["–"] * len(FIGURES), style="dim")
            continue
        cells = [
            f"{report.number(result.figures[name], name)}\n[dim]{report.interval(result.figures[name], name)}[/]"
            for name in FIGURES
        ]
        printed.add_row(result.title, *cells, style="bold" if result.name == table.judged_by else "")
    return printed


def _by_clicks(table: Table) -> RichTable:
    fitted = [result for result in table.results if not result.why_not and result.name != "base_rate"]
    printed = RichTable(title=_titled(table, "ROC-AUC by events seen"), title_justify="left", box=None, padding=(0, 1))
    printed.add_column("", no_wrap=True)
    for n_seen, _, _ in report.clicks_of(fitted):
        printed.add_column(n_seen, justify="right", no_wrap=True, min_width=7)
    printed.add_row("moments", *[f"{n_rows:,}" for _, n_rows, _ in report.clicks_of(fitted)], style="dim")
    for result in fitted:
        cells = [report.number(of.roc_auc, "roc_auc") for of in result.by_clicks]
        printed.add_row(result.title, *cells, style="bold" if result.name == table.judged_by else "")
    return printed
