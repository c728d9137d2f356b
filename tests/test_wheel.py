"""The wheel holds what a server needs at run time, the built pages included, and nothing of the workshop."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
STATIC = REPOSITORY / "src" / "footfall" / "web" / "static"
SHOP = REPOSITORY / "examples" / "shop" / "footfall_shop"


def test_the_wheel_holds_code_pages_and_licence(tmp_path: Path) -> None:
    if not (STATIC / "footfall.js").exists():
        pytest.skip("The pages aren't built. To run this test: make setup")
    build = f"import hatchling.build; print(hatchling.build.build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", build], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
    for path in STATIC.rglob("*"):
        if path.is_file() and path.name != ".stamp":
            assert f"footfall/web/static/{path.relative_to(STATIC).as_posix()}" in names
    assert {"footfall/py.typed", "footfall/settings.py", "footfall_shop/py.typed", "footfall_shop/app.py"} <= names
    for path in (SHOP / "templates", SHOP / "static"):
        for file in path.rglob("*.*"):
            assert f"footfall_shop/{file.relative_to(SHOP).as_posix()}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert all(name.startswith(("footfall/", "footfall_shop/", "footfall-")) for name in names)
    assert not any(name.endswith((".stamp", ".nbi", ".nbc", ".pyc")) for name in names)
