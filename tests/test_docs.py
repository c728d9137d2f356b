"""What isn't documented fails here: settings, commands, features, event names, reasons; and what is, is up to date."""

import ast
import doctest
import importlib.util
import pkgutil
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import footfall

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md")])
PURE = ("base", "settings", "config", "record", "events", "ports", "engine", "profile", "hosts.doctor")
"""Modules without side effects, whose examples run here."""


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modules() -> list[str]:
    found = pkgutil.walk_packages(footfall.__path__, "footfall.")
    return [name for _, name, _ in found if ".migrations" not in name]


@pytest.mark.parametrize("page", ["settings", "features", "record", "failed-events", "commands", "events"])
def test_a_table_in_the_documentation_is_what_the_code_says(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    tables = script("write_tables")
    assert tables.REGION.search(text), "the page has lost its marks"
    assert tables.refreshed(text) == text, "out of date: make tables"


def test_every_table_that_can_be_made_stands_somewhere() -> None:
    tables = script("write_tables")
    marked = {found["name"] for page in PAGES for found in tables.REGION.finditer(page.read_text(encoding="utf-8"))}
    assert marked == set(tables.TABLES)


def test_every_command_and_feature_has_a_sentence() -> None:
    for table in (script("write_tables").commands(), script("write_tables").features()):
        rows = [row for row in table.splitlines() if row.startswith("| `")]
        assert rows
        for row in rows:
            assert row.rstrip(" |").endswith("."), row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted(DOCS.glob("decisions/*.md")), ids=lambda page: page.stem)
def test_a_decision_gives_context_choice_cost_and_what_would_change_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    number = int(page.stem.partition("-")[0])
    assert text.startswith(f"# {number}. ")
    heads = re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE)
    parts = [head.replace("Would", "What would") if head.startswith("Would") else head for head in heads]
    wanted = ["Context", "Choice", "Cost", "What would change it"]
    assert [head for head in parts if head in wanted] == wanted


@pytest.mark.parametrize("name", [name for name in modules() if name.split(".", 1)[1].startswith(PURE)])
def test_examples_of_pure_modules_hold(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_every_module_says_which_question_it_answers() -> None:
    for path in sorted((REPOSITORY / "src" / "footfall").rglob("*.py")):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_packages_export_nothing() -> None:
    for path in sorted((REPOSITORY / "src" / "footfall").rglob("__init__.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], path


DEPENDENCY = re.compile(r'^  "(?P<name>[A-Za-z0-9_.-]+)[^"]*",(?P<rest>.*)$', re.MULTILINE)
IMPORT_NAMES = {
    "mmdb-writer": "mmdb_writer",
    "argon2-cffi": "argon2",
    "prometheus-client": "prometheus_client",
    "ua-parser": "ua_parser",
    "xgboost-cpu": "xgboost",
    "scikit-learn": "sklearn",
    "faiss-cpu": "faiss",
    "mlflow-skinny": "mlflow",
}
LOADED_BY_NAME = {"uvloop", "httptools", "tzdata"}
"""What uvicorn loads when it is told to by name."""


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    declared = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    rows = list(DEPENDENCY.finditer(text.partition("dependencies = [")[2].partition("[tool.hatch")[0]))
    assert len(rows) == len(declared)
    for row in rows:
        assert re.fullmatch(r"\s*# \S.{10,}", row["rest"]), row["name"]


def test_what_is_declared_is_imported_and_what_is_imported_is_declared() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {re.split(r"[\[<>=; ]", text)[0] for text in project["project"]["dependencies"]}
    wanted = {IMPORT_NAMES.get(name, name) for name in declared}
    imported = set()
    packages = (REPOSITORY / "src" / "footfall", REPOSITORY / "examples" / "shop" / "footfall_shop")
    for path in [path for package in packages for path in sorted(package.rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add((node.module or "").split(".")[0])
    imported -= set(sys.stdlib_module_names) | {"footfall", "footfall_shop"}
    # the benchmarks' peers and tools, installed for development
    peers = {"bytewax", "river", "psutil", "httpx", "playwright"}
    assert imported - peers <= wanted, "imported, but not declared"
    assert wanted - imported <= LOADED_BY_NAME, "declared, but not imported"


def test_locks_hold_hashes_and_neither_addresses_nor_paths() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert not re.search(r"(^|\s)/", text)
        assert text.count("==") >= 30
        for line in re.findall(r"^[a-z0-9].*$", text, re.MULTILINE):
            assert line.endswith("\\"), line
    for name in ("frontend", "tests/clients"):
        assert "://registry" not in (REPOSITORY / name / "package-lock.json").read_text(encoding="utf-8")


def test_the_lock_meets_what_the_project_declares() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    for lock, declared in (
        ("requirements.lock", project["project"]["dependencies"]),
        ("requirements-dev.lock", project["project"]["dependencies"] + project["dependency-groups"]["dev"]),
    ):
        locked = set(re.findall(r"^([a-z0-9.-]+)==", (REPOSITORY / lock).read_text(encoding="utf-8"), re.MULTILINE))
        assert {re.split(r"[\[<>=; ]", text)[0] for text in declared} <= locked, f"{lock}: make lock"
