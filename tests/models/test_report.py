from html.parser import HTMLParser

import pytest
from tests.models.made_up import made_up

from footfall.models import evaluation, report
from footfall.models.evaluation import Evaluation, Figure, Named, Options, evaluate
from footfall.models.report import interval, number, page
from footfall.models.rivals.base_rate import base_rate
from footfall.models.rivals.linear import demographics, logistic_regression


class Tags(HTMLParser):
    """Collects tags and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def judged() -> Evaluation:
    rivals = (
        Named("base_rate", "Base rate", base_rate),
        Named("demographics", "Demographics only", demographics),
        Named("logistic", "Logistic regression", logistic_regression),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "RIVALS", rivals)
        return evaluate(made_up(600, is_masked=True).rows, Options(n_resamples=10, n_threads=1))


def test_the_page_needs_no_script_and_no_network(judged: Evaluation) -> None:
    tags = Tags()
    tags.feed(page(judged, "shop"))

    assert "script" not in {tag for tag, _ in tags.seen}
    assert not [attributes for _, attributes in tags.seen if {"src", "href", "onclick", "onload"} & attributes.keys()]
    policies = [a["content"] for tag, a in tags.seen if tag == "meta" and a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_has_six_plots_for_each_table_and_says_the_verdict(judged: Evaluation) -> None:
    html = page(judged, "shop")

    for title in (
        "ROC curves",
        "Precision-recall curves",
        "Calibration",
        "Cumulative gain",
        "Lift",
        "ROC-AUC by clicks",
    ):
        assert html.count(f'aria-label="{title}') == 2
    for sentence in judged.verdict:
        assert sentence in html


def test_names_from_outside_are_text_and_nothing_else(judged: Evaluation) -> None:
    html = page(judged, "<script>alert(1)</script>", {"note": "<img src=x>"})

    assert "<script>" not in html
    assert "<img" not in html


def test_the_card_of_the_model_in_service_is_shown_with_its_parts(judged: Evaluation) -> None:
    card = {"version": 7, "targets": {"session": {"roc_auc": 0.87654}}, "features": [f"f{i}" for i in range(20)]}

    html = page(judged, "shop", card)

    assert "<dt>version</dt><dd>7</dd>" in html
    assert "<dt>targets.session.roc_auc</dt><dd>0.8765</dd>" in html
    assert "f11, … (20 in all)" in html
    assert "The model in service" not in page(judged, "shop")


def test_a_rival_that_could_not_be_fitted_says_why_in_its_row(judged: Evaluation) -> None:
    assert "Fewer than two of its parts could be fitted." in page(judged, "shop")


@pytest.mark.parametrize(
    ("figure", "name", "shown", "between"),
    [
        (Figure(0.8734, 0.85, 0.9), "roc_auc", ".873", ".850–.900"),
        (Figure(0.12345, 0.1, 0.151), "precision", "12.3", "10–15"),
        (Figure(1.2345, 1.0, 1.5), "log_loss", "1.23", "1.00–1.50"),
        (Figure(-0.05, -0.1, 0.0), "roc_auc", "-.050", "-.100–.000"),
        (Figure(float("nan"), float("nan"), float("nan")), "roc_auc", "–", ""),
    ],
)
def test_figures_are_short(figure: Figure, name: str, shown: str, between: str) -> None:
    assert number(figure, name) == shown
    assert interval(figure, name) == between


def test_every_figure_of_an_evaluation_has_a_title() -> None:
    assert set(report.FIGURE_TITLES) == set(evaluation.FIGURES)
