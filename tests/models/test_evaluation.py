import msgspec
import numpy as np
import pytest
from tests.models.made_up import made_up

from footfall.base.errors import BadInput
from footfall.models import evaluation
from footfall.models.evaluation import (
    BLEND,
    FIGURES,
    TITLES,
    Evaluation,
    Figure,
    Named,
    Options,
    Result,
    Table,
    curves,
    cut_to_size,
    evaluate,
    verdict,
)
from footfall.models.rivals.base_rate import base_rate
from footfall.models.rivals.linear import demographics, logistic_regression
from footfall.models.rivals.markov import markov_chain
from footfall.models.rivals.question import Answer, Question
from footfall.models.rows import split_by_time

QUICK = Options(n_resamples=20, n_threads=1)
FEW = (
    Named("base_rate", "Base rate", base_rate),
    Named("demographics", "Demographics only", demographics),
    Named("markov", "Markov chain", markov_chain),
    Named("logistic", "Logistic regression", logistic_regression),
)


def fails(question: Question) -> Answer:
    raise BadInput("There is no such luck.")


def gives_nan(question: Question) -> Answer:
    return Answer(np.full(len(question.split.valid), np.nan), np.full(len(question.split.test), np.nan))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "RIVALS", FEW)


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    return evaluate(made_up(500, is_masked=True).rows, Options(n_resamples=20, n_threads=1, n_trials=2))


def test_every_rival_stands_in_both_tables_with_every_figure(whole: Evaluation) -> None:
    assert [table.is_masked for table in whole.tables] == [False, True]
    for table in whole.tables:
        assert [result.name for result in table.results] == list(TITLES)
        for result in table.results:
            assert not result.why_not
            assert list(result.figures) == list(FIGURES)
            assert [of.n_seen for of in result.by_clicks] == [1, 2, 3, 5, 8, 13, 21]


def test_intervals_hold_their_figures_and_clicks_beat_demographics_where_they_decide(whole: Evaluation) -> None:
    table = whole.tables[0]
    for result in table.results:
        for name in ("roc_auc", "log_loss", "brier"):
            figure = result.figures[name]
            assert figure.low <= figure.value <= figure.high
    boosted = table.result("boosted")
    assert boosted is not None
    assert boosted.figures["roc_auc"].value > 0.8
    assert table.judged_by == "boosted"
    assert table.demographics_gap is not None
    assert table.demographics_gap.low > 0.1
    assert "clicks tell more" in whole.verdict[0]


def test_every_row_of_the_test_side_is_counted_once_by_clicks(whole: Evaluation) -> None:
    by_clicks = whole.tables[0].results[0].by_clicks

    assert sum(of.n_rows for of in by_clicks) == whole.sides["test"].n_rows


def test_the_whole_of_it_can_be_written_as_json_and_read_again(whole: Evaluation) -> None:
    written = msgspec.json.encode(whole)

    assert b"NaN" not in written
    assert msgspec.json.decode(written)["tables"][0]["results"][0]["title"] == "Base rate"


def test_a_rival_that_cannot_be_fitted_says_why_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rivals = (*FEW, Named("unlucky", "Unlucky", fails), Named("lost", "Lost", gives_nan))
    monkeypatch.setattr(evaluation, "RIVALS", rivals)
    monkeypatch.setattr(evaluation, "TITLES", {rival.name: rival.title for rival in rivals} | {BLEND: "Blend"})

    results = {result.name: result for result in evaluate(made_up(600).rows, QUICK).tables[0].results}

    assert results["unlucky"].why_not == "There is no such luck."
    assert "finite" in results["lost"].why_not
    assert results["logistic"].figures["roc_auc"].value > 0.7
    assert results[BLEND].note.startswith("logistic")


def test_when_the_budget_is_spent_the_rest_says_so(few: None) -> None:
    found = evaluate(made_up(600).rows, msgspec.structs.replace(QUICK, budget_s=0.0))

    assert all("--budget-s" in result.why_not for result in found.tables[0].results)
    assert found.verdict == ["With everything seen, no rival could be fitted to the clicks."]


def test_without_masked_rows_there_is_one_table(few: None) -> None:
    found = evaluate(made_up(600).rows, QUICK)

    assert [table.is_masked for table in found.tables] == [False]
    assert found.tables[0].judged_by in ("logistic", "markov")


def test_the_same_seed_gives_the_same_figures(few: None) -> None:
    rows = made_up(600).rows

    first, again = (evaluate(rows, QUICK) for _ in range(2))

    assert [r.figures for r in first.tables[0].results] == [r.figures for r in again.tables[0].results]


def test_calibrated_rivals_say_about_as_many_orders_as_there_are(few: None) -> None:
    found = evaluate(made_up(3_000).rows, QUICK)

    for result in found.tables[0].results:
        assert result.curves is not None
        said = sum(mean * share for mean, _, share in result.curves.calibration)
        assert said == pytest.approx(found.base_rate, abs=0.03)


def test_progress_ends_at_its_total(few: None) -> None:
    told: list[tuple[int, int]] = []

    evaluate(made_up(600).rows, QUICK, lambda what, done, total: told.append((done, total)))

    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    assert all(done <= total for done, total in told)


@pytest.mark.parametrize("n_sessions", [4, 20])
def test_a_handful_of_sessions_is_refused(n_sessions: int) -> None:
    with pytest.raises(BadInput) as refused:
        evaluate(made_up(n_sessions).rows, QUICK)

    assert refused.value.code in ("few_orders", "few_rows", "one_class")


def test_sessions_without_any_order_are_refused_with_the_counts() -> None:
    rows = made_up(600).rows
    none = msgspec.structs.replace(rows, labels=np.zeros_like(rows.labels))

    with pytest.raises(BadInput, match=r"Of the 420 sessions that are the oldest 70 %, 0 have an order"):
        evaluate(none, QUICK)


def test_sides_are_cut_by_whole_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "TRAIN_MOST", 200)
    monkeypatch.setattr(evaluation, "JUDGE_MOST", 50)
    rows = made_up(600).rows
    split = split_by_time(rows, 0)

    cut = cut_to_size(rows, split, seed=0)

    assert len(cut.train) <= 200
    assert len(cut.test) <= 50
    for before, after in zip(split, cut, strict=True):
        kept = set(rows.visitors[after].tolist())
        assert set(after.tolist()) == {i for i in before.tolist() if rows.visitors[i] in kept}


def test_curves_go_through_what_is_known_of_four_rows() -> None:
    found = curves(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]), np.ones(4))

    assert found.roc == [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]
    assert found.pr == [(0.5, 1.0), (1.0, 0.66667), (1.0, 0.5)]
    assert found.gain == [(0.0, 0.0), (0.25, 0.5), (0.75, 1.0), (1.0, 1.0)]
    assert sum(share for _, _, share in found.histogram) == pytest.approx(1.0, abs=1e-4)


def _result(name: str, auc: float) -> Result:
    return Result(name, TITLES[name], figures={"roc_auc": Figure(auc, auc - 0.02, auc + 0.02)})


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (Figure(0.1, 0.05, 0.15), "clicks tell more, by 0.100 (0.050 to 0.150)."),
        (
            Figure(0.1, -0.05, 0.25),
            "these rows don't show that either tells more (difference 0.100 (-0.050 to 0.250)).",
        ),
        (Figure(-0.1, -0.15, -0.05), "here demographics tell more, by 0.100 (0.050 to 0.150)."),
    ],
)
def test_the_verdict_says_what_the_interval_allows(gap: Figure, said: str) -> None:
    table = Table(False, [_result("demographics", 0.6), _result("boosted", 0.7)], gap, "boosted")

    assert verdict([table])[0].endswith(said)


def test_the_verdict_says_when_nothing_demographic_is_known() -> None:
    unknown = Result("demographics", "Demographics only", why_not="Nothing is known.")

    said = verdict([Table(True, [unknown, _result("boosted", 0.7)], None, "boosted")])[0]

    assert said == (
        "Without cart events, the clicks (boosted trees) reach a ROC-AUC of 0.700 (0.680 to 0.720); nothing "
        "demographic could be fitted to compare with."
    )
