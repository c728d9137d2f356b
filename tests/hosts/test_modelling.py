"""Models while the server runs: taken over, watched, moved, trained anew; what breaks leaves the old one serving."""

import fcntl
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest
import structlog
from tests.hosts.learning import SETTINGS, time_ms, visit
from tests.stories import DAY_MS, HOUR_MS, NOON_MS, Shop, track

from footfall.adapters.deployed import Deployed, DeployedModels, Outcome
from footfall.adapters.registry import open_registry
from footfall.base.clock import SystemClock
from footfall.base.errors import BadInput
from footfall.hosts.alarms import Alarms
from footfall.hosts.modelling import RETRY_MS, Modelling
from footfall.hosts.training import LOCK, ORPHANED, is_training
from footfall.hosts.watching import _outcomes
from footfall.models.drift import Duel
from footfall.models.model import from_bytes, to_bytes
from footfall.ports import Artefact
from footfall.settings import Settings
from footfall.training_set import make_rows

CALM = msgspec.structs.replace(SETTINGS, drift_min_scores=100, retrain_every_h=0, decisions_max_per_s=10_000)


@pytest.fixture
def data(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "data")
    return tmp_path / "data"


class House:
    """A data folder whose loops are turned by hand."""

    def __init__(self, data: Path, settings: Settings = CALM) -> None:
        self.shop = Shop(data, settings, now_ms=NOON_MS)
        self.models: Modelling = self.shop.running.modelling
        self.folder = self.shop.folder
        self.copies = DeployedModels(data)

    def begin(self) -> "House":
        self.models.reload()
        self.folder.is_scoring = True
        return self

    @property
    def version(self) -> int:
        """Who scores site 1."""
        return self.folder.scoring.of(1).version

    def register(self, n: int = 1) -> None:
        """More versions with the bytes of the first."""
        registry = open_registry(self.folder.path, CALM)
        champion = self.copies.read(1).champion
        assert champion is not None
        card = registry.version(1, 1).card
        for _ in range(n):
            registry.register(1, Artefact(self.copies.model(1, champion), self.copies.past(1, champion)), card, {})

    def visits(self, n: int, order_rate: float) -> None:
        """Live traffic of some hours, scored event by event, all sessions ended, carried to the lake."""
        rng = Random(n)
        start_ms = NOON_MS - 6 * HOUR_MS
        visits = [visit(rng, f"live-{i}", start_ms + i * 60_000, order_rate) for i in range(n)]
        for event in sorted(
            (event for events in visits for event in events), key=lambda event: str(event["timestamp"])
        ):
            self.shop.send(event, received_ms=time_ms(str(event["timestamp"])))
        self.shop.end_all()
        self.shop.store()

    def alarms(self) -> list[str]:
        return [alarm["what"] for alarm in self.models.alarms.of(1)]


@pytest.fixture
def house(data: Path) -> Iterator[House]:
    made = House(data).begin()
    yield made
    made.shop.close()


# -- taking models over --------------------------------------------------------------------------------------------


def test_what_is_deployed_serves_from_the_start_and_others_hear_of_it(data: Path) -> None:
    made = House(data)
    heard: list[tuple[int, int, int]] = []
    made.models.on_loaded = lambda site, served, past: heard.append((site, served.version if served else 0, len(past)))
    made.begin()
    assert made.version == 1
    made.models.turn()
    assert [(site, version, n > 1000) for site, version, n in heard] == [(1, 1, True)]
    made.shop.close()


def test_a_model_promoted_elsewhere_is_taken_over_while_events_come(house: House) -> None:
    house.register()
    sent = threading.Event()

    def send() -> None:
        house.visits(60, 0.3)
        sent.set()

    sender = threading.Thread(target=send)
    sender.start()
    copy = house.copies.read(1).champion
    assert copy is not None
    model = house.copies.model(1, copy)
    versions = []
    number = 1
    while not sent.is_set() or number < 8:
        number += 1
        renamed = house.copies.put(1, number, Artefact(model, b""))
        house.copies.point(1, Deployed(renamed))
        house.models.reload()
        versions.append(house.version)
    sender.join()
    assert versions == list(range(2, number + 1))
    ledger = house.folder.ledger()
    assert ledger["lag_events"] == 0
    assert ledger["received"] == ledger["applied"] + ledger["duplicate"] + ledger["failed"]


def test_a_cut_file_leaves_the_old_model_serving_until_it_is_mended(house: House) -> None:
    house.register()
    copy = house.copies.put(1, 2, open_registry(house.folder.path, CALM).artefact(1, 2))
    path = house.folder.path / "models" / "site-1" / f"v00002-{copy.model}.model"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    house.copies.point(1, Deployed(copy))
    house.models.reload()
    assert (house.version, house.alarms()) == (1, ["model:champion"])
    assert house.models.models(1)["scored_by"] == "model"
    path.write_bytes(whole)
    house.shop.clock.set_ms(NOON_MS + RETRY_MS)
    house.models.reload()
    assert (house.version, house.alarms()) == (2, [])


def test_a_cut_file_at_the_start_leaves_the_prior_scoring(data: Path) -> None:
    next((data / "models" / "site-1").glob("*.model")).write_bytes(b"cut")
    made = House(data).begin()
    assert (made.version, made.alarms()) == (0, ["model:champion"])
    assert made.models.models(1)["scored_by"] == "prior"
    made.shop.close()


def test_nonsense_in_a_whole_file_leaves_the_prior_scoring(data: Path) -> None:
    copies = DeployedModels(data)
    champion = copies.read(1).champion
    assert champion is not None
    model = from_bytes(copies.model(1, champion))

    def named(**parts: bytes) -> bytes:  # an object of UBJSON
        return b"{" + b"".join(b"U" + bytes([len(k)]) + k.encode() + value for k, value in parts.items()) + b"}"

    booster = named(
        learner=named(
            objective=named(name=b"SU\x0fbinary:logistic"),
            gradient_booster=named(name=b"SU\x06gbtree"),
            learner_model_param=named(base_score=b"U\x05"),
        )
    )
    session = msgspec.structs.replace(model.targets["session"], booster=booster)
    broken = to_bytes(msgspec.structs.replace(model, targets={"session": session}))
    copies.point(1, Deployed(copies.put(1, 2, Artefact(broken, b""))))
    made = House(data).begin()
    assert made.version == 0
    assert made.alarms() == ["model:champion"]
    made.shop.close()


def test_a_damaged_pointer_leaves_the_old_model_serving(house: House) -> None:
    (house.folder.path / "models" / "site-1" / "deployed.json").write_text("{")
    house.models.reload()
    assert (house.version, house.alarms()) == (1, ["model:pointer"])


def test_a_registry_that_is_gone_stops_nothing_from_serving(data: Path) -> None:
    shutil.rmtree(data / "models" / "registry")
    made = House(data).begin()
    assert made.version == 1
    made.models.turn()
    assert made.alarms() == []
    made.shop.close()


# -- moving models -------------------------------------------------------------------------------------------------


def test_promoting_and_rolling_back_serve_at_once(house: House) -> None:
    house.register()
    house.models.promote(1, 2, "user:1 ada")
    assert house.version == 2
    assert house.models.rollback(1, "user:1 ada") == 1
    answer = house.models.models(1)
    assert (answer["champion"], house.version) == (1, 1)
    assert [row["stage"] for row in answer["versions"]] == ["archived", "champion"]
    card = house.models.model(1, 2)["card"]
    assert card["notes"][0].endswith("Became champion: asked for (user:1 ada)")


def test_a_model_of_other_features_is_refused_and_the_list_says_why(house: House) -> None:
    registry = open_registry(house.folder.path, CALM)
    card = registry.version(1, 1).card | {"catalogue_id": "0123456789abcdef"}
    registry.register(1, Artefact(b"of another version"), card, {})
    row = house.models.models(1)["versions"][0]
    assert (row["version"], row["can_serve"]) == (2, False)
    assert "train a new one" in row["why_not"]
    with pytest.raises(BadInput):
        house.models.promote(1, 2, "ada")
    assert (house.version, house.models.models(1)["champion"]) == (1, 1)


def test_a_site_without_models_has_an_empty_list(tmp_path: Path) -> None:
    made = House(tmp_path / "new").begin()
    found = made.models.models(1)
    assert (found["champion"], found["scored_by"], found["versions"], found["last_training"]) == (
        None,
        "prior",
        [],
        None,
    )
    assert not (tmp_path / "new" / "models").exists()  # nobody waited for a registry
    made.shop.close()


# -- watching ------------------------------------------------------------------------------------------------------


def test_traffic_like_the_past_raises_no_alarm_of_orders(house: House) -> None:
    house.visits(150, 0.3)
    found = house.models.watch(1)
    assert found is not None
    assert found.n_scores > 300
    assert found.calibration["session"].n > 300
    assert 0 < found.calibration["session"].observed < 0.6
    assert "drift:calibration:session" not in house.alarms()
    assert found.psi.get("session_events_n", 0.0) < 0.25
    shown = house.models.drift(1)
    assert shown["version"] == 1
    assert shown["psi"] == sorted(shown["psi"], key=lambda row: -row["psi"])


def test_far_fewer_orders_than_foretold_are_an_alarm_that_ends(house: House) -> None:
    house.visits(200, 0.0)
    house.models.watch(1)
    assert "drift:calibration:session" in house.alarms()
    (family,) = house.models.figures()
    assert family.observed["session"] == 0
    assert "drift:calibration:session" in family.alarms
    house.models._settings = msgspec.structs.replace(CALM, drift_min_scores=1_000_000)
    house.models.watch(1)
    assert house.alarms() == []


def test_a_challenger_is_held_against_the_champion_on_the_same_scores(house: House) -> None:
    house.register()
    champion = house.copies.read(1).champion
    challenger = house.copies.put(1, 2, open_registry(house.folder.path, CALM).artefact(1, 2))
    house.copies.point(1, Deployed(champion, challenger))
    house.models.reload()
    house.visits(150, 0.3)
    house.models.watch(1)
    contest = house.models.drift(1)["challenger"]
    assert contest["n"] > 300
    assert contest["champion_log_loss"] == contest["challenger_log_loss"]
    assert contest["better"] == "undecided"


class Rivals:
    """A house whose challenger is 2, of the champion's bytes; the duel's outcome is the test's."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house = house
        self.found = Duel(400, 0.5, 0.4, "challenger")
        house.register()
        artefact = open_registry(house.folder.path, CALM).artefact(1, 2)
        house.copies.point(1, Deployed(house.copies.read(1).champion, house.copies.put(1, 2, artefact)))
        house.models.reload()
        monkeypatch.setattr("footfall.hosts.watching._duel", lambda *_: self.found)

    def promotions(self) -> list[tuple[str, dict[str, object]]]:
        rows = self.house.folder.definitions.audit(50)
        return [(row.actor, row.detail) for row in rows if row.action == "models.promote"]


def test_a_challenger_that_wins_on_live_scores_serves_and_it_is_noted_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivals = Rivals(house, monkeypatch)
    for _ in range(3):
        house.models.watch(1)
    assert house.version == 2
    why = "it foretold better on 400 live scores (log-loss 0.4000, before 0.5000)"
    assert rivals.promotions() == [("server", {"version": 2, "why": why})]
    (note,) = house.models.model(1, 2)["card"]["notes"]
    assert note.endswith(f"Became champion: {why}")
    assert house.models.models(1)["challenger"] is None


@pytest.mark.parametrize(
    "found", [Duel(400, 0.5, 0.4, "undecided"), Duel(400, 0.4, 0.5, "champion"), Duel(99, 0.5, 0.4, "challenger")]
)
def test_a_challenger_that_has_not_won_goes_on_challenging(
    house: House, monkeypatch: pytest.MonkeyPatch, found: Duel
) -> None:
    rivals = Rivals(house, monkeypatch)
    rivals.found = found
    house.models.watch(1)
    assert (house.version, rivals.promotions()) == (1, [])


def test_chance_is_not_asked_again_before_there_are_twice_the_scores_or_a_window_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivals = Rivals(house, monkeypatch)
    for n, better, version in [(400, "undecided", 1), (799, "challenger", 1), (800, "challenger", 2)]:
        rivals.found = Duel(n, 0.5, 0.4, better)  # type: ignore[arg-type]
        house.models.watch(1)
        assert house.version == version


def test_no_challenger_is_promoted_while_a_training_runs_or_when_that_is_forbidden(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivals = Rivals(house, monkeypatch)
    with (house.folder.path / "models" / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        house.models.watch(1)
        assert house.version == 1
    house.models._settings = msgspec.structs.replace(CALM, promote_automatically=False)
    house.models.watch(1)
    assert (house.version, rivals.promotions()) == (1, [])
    house.models._settings = CALM
    house.models.watch(1)
    assert house.version == 2


def test_a_challenger_of_the_prior_is_tried_on_live_scores_and_wins(house: House) -> None:
    house.copies.point(1, Deployed(None, house.copies.read(1).champion))
    house.models.reload()
    assert house.version == 0
    house.visits(150, 0.3)
    found = house.models.watch(1)
    assert found is not None
    assert found.duel is not None
    assert found.duel.n > 300
    assert (found.version, found.duel.better) == (0, "challenger")
    assert house.version == 1


def test_orders_of_the_same_second_and_late_ones_count_as_they_do_in_training(house: House) -> None:
    view = {"product_id": "p1", "price": 9}
    order = {"revenue": 9, "products": [{"product_id": "p1", "price": 9, "quantity": 1}]}
    at_ms = NOON_MS - 60 * 60_000
    told = [
        ("Product Viewed", at_ms, "same", view),
        ("Order Completed", at_ms, "same", order | {"order_id": "o1"}),  # in the view's own millisecond
        ("Product Viewed", at_ms, "never", view),
        ("Product Viewed", at_ms, "next", view),
        ("Order Completed", at_ms + 45 * 60_000, "next", order | {"order_id": "o2"}),  # in the session after
        ("Product Viewed", at_ms, "late", view),
        ("Order Completed", at_ms - DAY_MS, "late", order | {"order_id": "o3"}),  # told after, done before
        ("Product Viewed", NOON_MS + 8 * DAY_MS, "someone", view),  # so that all weeks are over
    ]
    for name, time, who, goods in told:
        house.shop.send(track(name, time, who, **goods), received_ms=max(time, at_ms))
    house.shop.end_all()
    house.shop.store()
    lake = house.folder.lake
    found = _outcomes(lake, 1, 1, at_ms - DAY_MS * 2, NOON_MS + DAY_MS)
    served = dict(zip(found["offset"].to_pylist(), zip(found["ordered"].to_pylist(), found["ordered_soon"].to_pylist(),
                                                      strict=True), strict=True))  # fmt: skip
    rows = make_rows(lake, house.folder.shelf, CALM, 1, wanted_offsets=np.array(list(served), np.int64))
    trained = {offset: (bool(a), bool(b)) for offset, (a, b) in zip(rows.offsets.tolist(), rows.labels, strict=True)}
    assert {offset: served[offset] for offset in trained} == trained
    assert len(trained) >= 4
    assert {(True, True), (False, False), (False, True)} <= set(trained.values())


def test_nothing_is_watched_while_the_prior_scores(tmp_path: Path) -> None:
    made = House(tmp_path / "new").begin()
    assert made.models.watch(1) is None
    assert made.models.drift(1)["at"] is None
    made.shop.close()


# -- training ------------------------------------------------------------------------------------------------------


def test_a_training_is_due_by_schedule_or_drift(house: House) -> None:
    house.models._settings = msgspec.structs.replace(CALM, retrain_every_h=24)
    at_ms = house.shop.clock.now_ms()
    house.copies.tell(1, Outcome(at_ms, "champion", "x"))
    assert house.models._why_train(1, at_ms + 23 * HOUR_MS) == ""
    assert house.models._why_train(1, at_ms + 24 * HOUR_MS) == "schedule"
    house.models.alarms.hold(1, "drift:", [("scores", "they moved")])
    assert house.models._why_train(1, at_ms + 5 * HOUR_MS) == ""
    assert house.models._why_train(1, at_ms + 6 * HOUR_MS) == "drift"
    assert house.models._why_train(1, at_ms + 7 * HOUR_MS) == ""


def test_the_server_trains_in_another_process_and_takes_the_outcome_over(learnable: Path, tmp_path: Path) -> None:
    shutil.copytree(learnable, tmp_path / "data")
    settings = msgspec.structs.replace(CALM, retrain_every_h=24, retrain_min_orders=20, retrain_budget_s=1)
    made = House(tmp_path / "data", settings).begin()
    assert made.version == 0
    made.models._train_what_is_due(made.shop.clock.now_ms())
    with pytest.raises(BadInput, match="under way"):
        made.models.train(1, "ada")
    (child,) = made.models._training.values()
    assert child.process.wait(150) == 0, made.models.turn() or made.copies.outcome(1)
    made.models.turn()
    assert made.version == 1
    answer = made.models.models(1)
    assert (answer["is_training"], answer["last_training"]["outcome"]) == (False, "champion")
    (row,) = made.folder.definitions.audit(1)
    assert (row.actor, row.action, row.site) == ("server", "models.promote", 1)
    assert "Model 1 serves from now on" in row.detail["why"]
    made.shop.close()


def test_a_training_whose_outcome_could_not_be_written_is_not_begun_again_at_once(house: House) -> None:
    house.models._settings = msgspec.structs.replace(CALM, retrain_every_h=24, retrain_min_orders=20)
    (house.folder.path / "models" / "site-1" / "training.json").unlink()
    at_ms = house.shop.clock.now_ms()
    assert house.models._why_train(1, at_ms) == "schedule"
    house.models._train_what_is_due(at_ms)
    (child,) = house.models._training.values()
    child.process.kill()
    child.process.wait(30)
    assert house.models._why_train(1, at_ms + 60_000) == ""
    assert house.models._why_train(1, at_ms + 24 * HOUR_MS) == "schedule"


def test_too_few_orders_start_no_training(house: House) -> None:
    house.models._settings = msgspec.structs.replace(CALM, retrain_every_h=24, retrain_min_orders=100_000)
    house.models._train_what_is_due(house.shop.clock.now_ms() + DAY_MS * 9)
    assert not house.models._training


def test_a_training_that_is_killed_is_told_and_the_old_model_serves(house: House) -> None:
    house.models.train(1, "ada")
    (child,) = house.models._training.values()
    child.process.kill()
    child.process.wait(30)
    house.models.turn()
    assert house.alarms() == ["training"]
    last = house.models.models(1)["last_training"]
    assert last["outcome"] == "failed"
    assert "killed" in last["message"]
    assert house.version == 1


def test_a_training_ends_with_the_server_that_began_it(house: House) -> None:
    house.models.train(1, "ada")
    (child,) = house.models._training.values()
    assert child.process.stdin is not None
    child.process.stdin.close()  # as the system does for a server that is killed
    assert child.process.wait(60) in (0, ORPHANED)
    assert not is_training(house.folder.path)


def test_a_start_removes_what_a_killed_training_left(data: Path) -> None:
    (data / "scratch-lake" / "999999999-dead").mkdir(parents=True)
    made = House(data)
    made.models.start()
    assert not (data / "scratch-lake").exists()
    made.models.stop()
    made.shop.close()


def test_stopping_ends_a_training_that_was_begun(house: House) -> None:
    house.models.train(1, "ada")
    (child,) = house.models._training.values()
    house.models.stop()
    assert child.process.poll() is not None
    assert not is_training(house.folder.path)
    assert not (house.folder.path / "scratch-lake").exists()


# -- telling -------------------------------------------------------------------------------------------------------


class Listener(ThreadingHTTPServer):
    """Takes notices; answers with ``status``, after ``go_on`` is set."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        self.notices: list[dict[str, object]] = []
        self.came = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.notices.append(json.loads(body))
                outer.came.release()
                outer.go_on.wait(30)
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.go_on.set()
    made.shutdown()
    made.server_close()


def test_an_alarm_is_told_once_when_it_begins_and_once_when_it_ends(data: Path, listener: Listener) -> None:
    made = House(data, msgspec.structs.replace(CALM, notify_url=listener.url))
    for found in ([("scores", "moved")], [("scores", "moved more")], []):
        made.models.alarms.hold(1, "drift:", found)
    assert listener.came.acquire(timeout=20)
    assert listener.came.acquire(timeout=20)
    told = [(notice["alarm"], notice["change"], notice["site"]) for notice in listener.notices]
    assert told == [("drift:scores", "begins", 1), ("drift:scores", "ends", 1)]
    made.shop.close()


def test_a_listener_that_hangs_holds_nobody_up_and_the_queue_is_bounded(data: Path, listener: Listener) -> None:
    listener.go_on.clear()
    made = House(data, msgspec.structs.replace(CALM, notify_url=listener.url))
    for n in range(500):
        made.models.alarms.hold(1, "drift:", [(f"{n}", "moved")])
    assert made.models.alarms.n_untold > 300
    assert made.alarms() == ["drift:499"]
    made.shop.close()


def test_what_is_secret_in_an_address_is_not_logged() -> None:
    refusing = Listener(404)
    url = refusing.url.replace("//", "//ada:secret-1@") + "/secret-2?token=secret-3"
    with structlog.testing.capture_logs() as logged:
        alarms = Alarms(SystemClock(), url)
        alarms.hold(1, "drift:", [("scores", "moved")])
        assert refusing.came.acquire(timeout=20)
        alarms.close()
        assert alarms._thread is not None
        alarms._thread.join(20)
    refusing.shutdown()
    refusing.server_close()
    (told,) = [line for line in logged if line["event"] == "an alarm could not be told"]
    assert (told["host"], told["error"]) == ("127.0.0.1", "it answered 404")
    assert "secret" not in str(logged)
