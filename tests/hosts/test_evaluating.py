"""`footfall evaluate`: a site's past in, a table and a page out, and nothing changed."""

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from tests.hosts.learning import SETTINGS, learned_from

from footfall import cli
from footfall.base.errors import BadInput, Missing
from footfall.hosts.evaluating import WIDTH, evaluate_site, show
from footfall.hosts.importing import take_in
from footfall.hosts.init import init
from footfall.models import evaluation
from footfall.models.evaluation import Named, Options
from footfall.models.rivals.base_rate import base_rate
from footfall.models.rivals.linear import demographics, logistic_regression

QUICK = Options(n_resamples=10, n_threads=1)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quick rivals; all of them are in tests/models."""
    rivals = (
        Named("base_rate", "Base rate", base_rate),
        Named("demographics", "Demographics only", demographics),
        Named("logistic", "Logistic regression", logistic_regression),
    )
    monkeypatch.setattr(evaluation, "RIVALS", rivals)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned_from(tmp_path_factory.mktemp("evaluated") / "data")


def _files(data: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in data.rglob("*") if p.is_file()}


def test_the_past_is_judged_with_and_without_cart_events_and_written_down(
    few: None, shop: Path, tmp_path: Path
) -> None:
    found = evaluate_site(shop, SETTINGS, "", QUICK, tmp_path / "report.html")

    assert [table.is_masked for table in found.tables] == [False, True]
    assert found.sides["train"].n_positive_sessions > 50
    for table in found.tables:
        logistic = table.result("logistic")
        assert logistic is not None
        assert logistic.figures["roc_auc"].value > 0.55
    assert "Who will order?" in (tmp_path / "report.html").read_text("utf-8")


def test_the_lake_and_the_records_stay_as_they_are(few: None, shop: Path) -> None:
    lake = _files(shop / "lake")

    evaluate_site(shop, SETTINGS, "shop", QUICK)

    assert _files(shop / "lake") == lake
    assert not (shop / "scratch-lake").exists()


def test_what_is_printed_fits_into_a_hundred_columns_and_holds_every_rival(few: None, shop: Path) -> None:
    found = evaluate_site(shop, SETTINGS, "", QUICK)
    out = io.StringIO()

    show(found, Console(width=WIDTH, file=out))

    printed = out.getvalue()
    assert max(map(len, printed.splitlines())) <= WIDTH
    assert "…" not in printed
    for line in ("Base rate", "Logistic regression", "ROC-AUC by events seen, without cart events", *found.verdict):
        assert line.split()[0] in printed
    assert "Blend of four: Fewer than two of its parts could be fitted." in printed


def test_the_command_prints_all_of_it_as_json(few: None, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", "--data", str(shop), "--threads", "1", "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)

    assert printed["target"] == "session"
    assert set(printed["tables"][0]["results"][2]["figures"]) == set(evaluation.FIGURES)


def test_a_past_without_orders_is_refused_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = learned_from(tmp_path / "data", n_visits=60, order_rate=0.0)

    assert cli.main(["evaluate", "--data", str(data)]) == 1

    said = capsys.readouterr().err
    assert "0 have an order later in the session" in said
    assert "Import or collect more history" in said


def test_twenty_events_are_refused(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "e.ndjson"
    init(data, "shop", SETTINGS)
    lines = [
        {"type": "page", "messageId": f"m{i}", "anonymousId": f"a{i}", "timestamp": f"2024-05-01T10:{i:02d}:00Z"}
        for i in range(20)
    ]
    file.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    take_in(data, SETTINGS, [file], "segment", None, "")

    with pytest.raises(BadInput, match="0 have an order later in the session .* at least 5 of each are needed"):
        evaluate_site(data, SETTINGS, "", QUICK)


def test_a_shop_without_a_past_and_a_folder_without_a_shop_are_told_apart(tmp_path: Path) -> None:
    init(tmp_path / "data", "shop", SETTINGS)

    with pytest.raises((BadInput, Missing), match="import"):
        evaluate_site(tmp_path / "data", SETTINGS, "", QUICK)
    with pytest.raises(Missing, match="footfall init"):
        evaluate_site(tmp_path / "nothing", SETTINGS, "", QUICK)


def test_wrong_words_are_refused_before_the_work_begins(shop: Path, tmp_path: Path) -> None:
    assert cli.main(["evaluate", "--data", str(shop), "--target", "month"]) == 2
    assert cli.main(["evaluate", "--data", str(shop), "--report", str(tmp_path / "no" / "r.html")]) == 2
    assert cli.main(["evaluate", "--data", str(shop), "--report", str(tmp_path)]) == 2


@pytest.mark.slow
def test_a_slice_of_real_clicks_goes_through_the_whole_of_it(shared_data: Path, tmp_path: Path) -> None:
    source, part, data = (
        shared_data / "taobao_userbehavior_head" / "UserBehavior.csv",
        tmp_path / "t.csv",
        tmp_path / "d",
    )
    if not source.is_file():
        pytest.skip("The Taobao slice is missing from the shared data.")
    with source.open() as lines:
        part.write_text("".join(line for line, _ in zip(lines, range(25_000), strict=False)))
    init(data, "shop", SETTINGS)
    take_in(data, SETTINGS, [part], "taobao", None, "")

    found = evaluate_site(data, SETTINGS, "", msgspec.structs.replace(QUICK, n_trials=1), tmp_path / "report.html")

    table = found.tables[0]
    assert [r.name for r in table.results if r.why_not] == ["demographics"]  # these events tell nothing of the kind
    base, boosted = table.result("base_rate"), table.result("boosted")
    assert base is not None
    assert boosted is not None
    assert boosted.figures["roc_auc"].value > 0.55
    assert boosted.figures["log_loss"].value < base.figures["log_loss"].value
