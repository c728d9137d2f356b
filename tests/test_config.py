"""Settings come from flags, environment, file and defaults, in that order, and say what is wrong with them."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from footfall import config
from footfall.base.errors import BadInput
from footfall.settings import Settings


def write(folder: Path, text: str) -> Path:
    (folder / "footfall.toml").write_text(text, encoding="utf-8")
    return folder


def test_nothing_given_is_the_defaults(tmp_path: Path) -> None:
    assert config.load(None, {}, {}) == Settings()
    assert config.load(tmp_path, {"port": None}, {"HOME": "x", "FOOTFALL_SHARED_DATA": "y"}) == Settings()


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    write(tmp_path, "port = 1001\nlate_h = 1\nfuture_h = 1\n")
    got = config.load(tmp_path, {"port": 1003}, {"FOOTFALL_PORT": "1002", "FOOTFALL_LATE_H": "2"})
    assert (got.port, got.late_h, got.future_h, got.dwell_cap_s) == (1003, 2, 1, 600)


def test_texts_of_the_environment_become_typed_values() -> None:
    got = config.load(
        None,
        {},
        {
            "FOOTFALL_PORT": " 8_701 ",
            "FOOTFALL_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2,",
            "FOOTFALL_CURRENCIES": "EUR=1.08, GBP = 1.2",
            "FOOTFALL_SECTION_RULES": "/p/* -> products,/** -> other",
        },
    )
    assert got.port == 8701
    assert got.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert got.currencies == {"EUR": 1.08, "GBP": 1.2}
    assert got.section_rules == ("/p/* -> products", "/** -> other")


def test_an_empty_variable_empties_a_list() -> None:
    assert config.load(None, {}, {"FOOTFALL_TRUSTED_PROXIES": ""}).trusted_proxies == ()


def test_lists_and_tables_of_the_file_are_toml(tmp_path: Path) -> None:
    write(tmp_path, 'trusted_proxies = ["10.0.0.1"]\n[currencies]\nEUR = 1.08\nJPY = 1\n')
    got = config.load(tmp_path, {}, {})
    assert got.trusted_proxies == ("10.0.0.1",)
    assert got.currencies == {"EUR": 1.08, "JPY": 1.0}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"FOOTFALL_PORT": "web"}, '`port` can\'t be "web" (FOOTFALL_PORT). Allowed: whole number, 0 to 65535.'),
        ({"FOOTFALL_PORT": "70000"}, '`port` can\'t be "70000" (FOOTFALL_PORT). Allowed: whole number, 0 to 65535.'),
        ({"FOOTFALL_LATE_H": "0"}, '`late_h` can\'t be "0" (FOOTFALL_LATE_H). Allowed: whole number, 1 or more.'),
        ({"FOOTFALL_LATE_H": ""}, '`late_h` can\'t be "" (FOOTFALL_LATE_H). Allowed: whole number, 1 or more.'),
        (
            {"FOOTFALL_BASE_CURRENCY": "euro"},
            '`base_currency` can\'t be "euro" (FOOTFALL_BASE_CURRENCY). Allowed: text like USD.',
        ),
    ],
)
def test_a_wrong_value_names_setting_place_and_what_is_allowed(environ: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as e:
        config.load(None, {}, environ)
    assert str(e.value) == message


@pytest.mark.parametrize("rates", ["EUR", "EUR=", "EUR=x", "EUR=0", "EUR=-1", "EUR=inf", "EUR=nan", "euro=1", "=1"])
def test_a_rate_is_a_positive_finite_number_of_a_known_form(rates: str) -> None:
    with pytest.raises(BadInput, match=r"`currencies` can't be .* \(FOOTFALL_CURRENCIES\)"):
        config.load(None, {}, {"FOOTFALL_CURRENCIES": rates})


def test_a_wrong_value_in_the_file_names_the_file(tmp_path: Path) -> None:
    write(tmp_path, "session_timeout_s = 5\n")
    with pytest.raises(BadInput) as e:
        config.load(tmp_path, {}, {})
    assert str(tmp_path / "footfall.toml") in str(e.value)
    assert "60 to 86400" in str(e.value)


def test_a_misspelt_setting_is_refused_and_the_nearest_named(tmp_path: Path) -> None:
    write(tmp_path, "session_timout_s = 900\n")
    with pytest.raises(BadInput, match="Did you mean `session_timeout_s`"):
        config.load(tmp_path, {}, {})
    with pytest.raises(BadInput, match="There is no setting `colour` .the command line."):
        config.load(None, {"colour": "red"}, {})


def test_a_broken_file_names_the_line(tmp_path: Path) -> None:
    write(tmp_path, "port = 1\nport : 2\n")
    with pytest.raises(BadInput, match="isn't valid TOML.*line 2"):
        config.load(tmp_path, {}, {})


def test_a_file_that_is_no_text_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "footfall.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="UTF-8"):
        config.load(tmp_path, {}, {})
    (tmp_path / "footfall.toml").unlink()
    (tmp_path / "footfall.toml").mkdir()
    with pytest.raises(BadInput, match="can't be read"):
        config.load(tmp_path, {}, {})


def test_the_sample_loads_to_the_defaults_commented_and_uncommented(tmp_path: Path) -> None:
    text = config.sample()
    assert config.load(write(tmp_path, text), {}, {}) == Settings()
    lines = [line.removeprefix("#") if not line.startswith("# ") else line for line in text.splitlines()]
    uncommented = "\n".join(lines)
    assert config.load(write(tmp_path, uncommented), {}, {}) == Settings()
    assert set(tomllib.loads(uncommented)) == {field.name for field in msgspec.structs.fields(Settings)}


def test_every_setting_has_a_sentence_and_a_unit_or_none() -> None:
    for knob in config.knobs():
        assert knob.about.endswith("."), knob.name
        assert knob.allowed, knob.name


def test_variables_that_set_nothing_are_found() -> None:
    environ = {"FOOTFALL_PROT": "1", "FOOTFALL_PORT": "1", "FOOTFALL_SHARED_DATA": "x", "HOME": "/"}
    assert config.unknown_variables(environ, frozenset({"FOOTFALL_SHARED_DATA"})) == ["FOOTFALL_PROT"]
