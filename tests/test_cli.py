"""What is typed is answered: exit codes, JSON, messages that say what to do next."""

import fcntl
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import structlog

from footfall import cli, config
from footfall.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "data"
    assert main(["init", "--data", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_init_prints_the_keys_once_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "init", "--data", tmp_path / "d", "--site", "my-shop", "--json")
    made = json.loads(out)
    assert code == 0
    assert list(made) == ["site", "write_key", "server_key", "token", "login_url"]
    assert made["site"] == "my-shop"
    code, out, err = run(capsys, "init", "--data", tmp_path / "d")
    assert (code, out) == (1, "")
    assert "set up already" in err
    assert "footfall serve --data" in err


def test_init_for_people_names_every_key_and_the_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "init", "--data", tmp_path / "d")
    for words in ("write key", "server key", "API token", "log in", "footfall serve --data"):
        assert words in out


def test_login_prints_a_new_link(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "login", "--data", data, "--json")
    assert code == 0
    assert json.loads(out)["login_url"].startswith("http://127.0.0.1:8700/login?token=")


@pytest.mark.parametrize(
    "arguments",
    [
        ["init"],
        ["nonsense"],
        ["import", "x.csv", "--data", "d"],
        ["failed", "replay", "--data", "d"],
        ["failed", "replay", "--data", "d", "--all", "7"],
        ["failed", "show", "seven", "--data", "d"],
        ["bench", "decide"],
        ["bench", "nonsense"],
        ["train"],
        ["demo", "--visitors-per-minute", "0"],
        ["serve", "--data", "d", "--no-such-setting", "1"],
    ],
)
def test_wrong_usage_is_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "none.csv", "--data", "{data}", "--format", "xml"], "formats are segment, taobao, rees46, csv"),
        (["import", "none.csv", "--data", "{data}", "--format", "csv"], "needs --map"),
        (["import", "none.csv", "--data", "{data}", "--format", "taobao", "--map", "m"], "--map goes with"),
        (["serve", "--data", "{data}", "--port", "many"], "`port` can't be"),
        (["serve", "--data", "{data}", "--port", "99999"], "0 to 65535"),
    ],
)
def test_a_value_that_an_option_cannot_have_is_2(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, *(argument.replace("{data}", str(data)) for argument in arguments))
    assert (code, out) == (2, "")
    assert message in err


def test_a_file_of_which_nothing_could_be_used_is_1(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.toml").write_text('[columns]\nvisitor = "who"\ntime = "price"\nkind = "what"\n')
    (tmp_path / "x.csv").write_text("who,what,price\nu,view,9.90\nv,view,3.50\n")
    given = ("import", tmp_path / "x.csv", "--data", data, "--format", "csv", "--map", tmp_path / "m.toml")
    code, out, err = run(capsys, *given, "--json")
    assert (code, json.loads(out)["failed"]) == (1, 2)
    assert "check --format and --map" in err


def test_a_benchmark_that_comes_later_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "bench", "decide")
    assert "isn't there yet" in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "none.csv", "--data", "{data}", "--format", "taobao"], "none.csv isn't a file"),
        (["failed", "list", "--data", "nowhere"], "footfall init --data nowhere"),
        (["failed", "list", "--data", "{data}", "--site", "x"], "There is no site x; there are shop"),
    ],
)
def test_what_cannot_be_done_is_1_with_what_to_do(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, *(argument.replace("{data}", str(data)) for argument in arguments))
    assert (code, out) == (1, "")
    assert message in err
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_made_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "init", "--data", tmp_path / "file" / "data")
    assert code == 1
    assert err.startswith("footfall: ")


def test_every_setting_is_an_option_of_serve_and_demo(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "demo"):
        _, out, _ = run(capsys, command, "--help")
        plain = "".join(out.replace("│", " ").split())
        for knob in config.knobs():
            assert knob.flag in plain
            assert knob.variable in plain


def test_a_slow_start_says_what_it_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "SLOW_START_S", 0.01)
    with cli._patience():
        time.sleep(0.2)
    assert "half a minute the first time" in capsys.readouterr().err
    with cli._patience() as stop_waiting:
        stop_waiting()
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_settings_prints_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "settings") == (0, config.sample(), "")


def test_doctor_answers_json_and_fails_when_something_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "footfall.toml").write_text("port = 'many'\n")
    code, out, _ = run(capsys, "doctor", "--data", tmp_path, "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 1
    assert checks["settings"]["state"] == "failed"
    assert json.loads(out)["is_ok"] is False
    code, out, _ = run(capsys, "doctor", "--data", tmp_path)
    assert code == 1
    assert "settings" in out


def test_the_installed_command_answers() -> None:
    done = subprocess.run([sys.executable, "-m", "footfall.cli", "--help"], capture_output=True, text=True, check=True)
    for command in ("init", "serve", "demo", "import", "failed", "export", "bench", "doctor"):
        assert command in done.stdout


def test_serve_sets_an_empty_folder_up_takes_events_and_ends_at_sigterm(tmp_path: Path, free_port: int) -> None:
    data = tmp_path / "data"
    server = subprocess.Popen(
        [sys.executable, "-m", "footfall.cli", "serve", "--data", str(data), "--port", str(free_port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        printed = ""
        for line in server.stdout:
            printed += line
            if "listens on" in line:
                break
        write_key = re.search(r"write key +(\S+)", printed)
        assert write_key is not None, printed
        assert f"http://127.0.0.1:{free_port}/login?token=" in printed
        event = {"anonymousId": "a", "event": "Product Viewed"}
        with httpx.Client(base_url=f"http://127.0.0.1:{free_port}", trust_env=False) as client:
            assert until_answer(client, "/readyz").status_code == 200
            answer = client.post("/v1/track", json=event, auth=(write_key[1], ""))
            assert (answer.status_code, answer.json()) == (200, {"success": True})
        code, _, err = a_process("serve", "--data", str(data), "--port", str(free_port))
        assert code == 1
        assert "--port" in err
        code, _, err = a_process("import", __file__, "--data", str(data), "--format", "segment")
        assert code == 1
        assert "in use" in err
        server.send_signal(signal.SIGTERM)
        rest = server.stdout.read()
        assert server.wait(60) == 0, rest
        assert rest == ""
    finally:
        server.kill()
        server.wait()


def a_process(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "footfall.cli", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def until_answer(client: httpx.Client, path: str) -> httpx.Response:
    deadline_s = time.monotonic() + 60
    while True:
        try:
            return client.get(path)
        except httpx.TransportError:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)


def test_a_folder_that_a_server_holds_is_left_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = data.parent / "e.ndjson"
    events.write_text('{"type":"track","event":"a","userId":"u","timestamp":"2024-05-01T10:00:00Z"}\n')
    with (data / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = run(capsys, "import", events, "--data", data, "--format", "segment")
    assert code == 1
    assert "in use" in err


def test_what_is_logged_stays_out_of_the_answer(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["init", "--data", str(tmp_path / "d"), "--json"]) == 0
    structlog.get_logger("footfall").warning("told while a command runs")
    told = capfd.readouterr()
    assert set(json.loads(told.out)) == {"site", "write_key", "server_key", "token", "login_url"}
    assert "told while a command runs" in told.err
