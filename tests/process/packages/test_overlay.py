"""The overlay, the store and the restore, with real pip and real archives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrypoint.packages.distributions import added, key_of, site_packages
from entrypoint.packages.local_state import fingerprint, is_interrupted, listing, read_state, strays, write_state
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.record import difference, installed
from entrypoint.packages.restore import locked, restore, run_trial
from entrypoint.packages.snapshot import Snapshot, take
from entrypoint.packages.store import Store
from tests.support.package_environment import install, make_environment, run_python, tree_digest, write_wheel


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("image") / "env")


@pytest.fixture
def overlay(image: Path, tmp_path: Path) -> Overlay:
    made = Overlay(str(tmp_path / "packages/env"), str(image))
    with locked(made):
        assert restore(made, store(made, tmp_path), {}) == {}
    return made


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "lib", "1.0")
    write_wheel(folder, "node", "2.0", requires=("lib", "torch>=2", "pydantic>=2"))
    write_wheel(folder, "pydantic", "1.10")
    write_wheel(folder, "torch", "2.11.0")
    return folder


def store(overlay: Overlay, tmp_path: Path, pod: str = "pod1") -> Store:
    return Store(str(tmp_path / "volume/packages"), key_of(overlay.image), pod)


def test_entry_points_of_the_images_packages_are_found(image: Path, tmp_path: Path) -> None:
    """setuptools has its commands there: without them no source distribution could be built."""
    info = next(Path(site_packages(str(image))).glob("numpy-*.dist-info"))
    (info / "entry_points.txt").write_text("[podkeeper.test]\nfound = numpy\n")
    made = Overlay(str(tmp_path / "packages/env"), str(image))
    with locked(made):
        restore(made, store(made, tmp_path), {})
    code = "import importlib.metadata as m; print([each.name for each in m.entry_points(group='podkeeper.test')])"
    assert run_python(made.python, code) == "['found']"
    (info / "entry_points.txt").unlink()


def keep(overlay: Overlay, kept: Store) -> Snapshot:
    """As the program `packages` does it."""
    found = take(overlay, kept, kept.record(), read_state(overlay).had)
    kept.write_record(found.record)
    now = fingerprint(overlay)
    write_state(overlay, had=tuple(added(overlay.site)), kept=now, listing=listing(overlay, strays(overlay)))
    return found


def test_pip_sees_the_images_packages_and_installs_beside_them(overlay: Overlay, image: Path, wheels: Path) -> None:
    before = tree_digest(image)
    ended = install(overlay.python, wheels, "node")
    assert ended.returncode == 0, ended.stderr
    assert set(added(overlay.site)) == {"node", "lib"}  # torch and pydantic are the image's
    assert install(overlay.python, wheels, "pydantic<2").returncode == 0
    assert run_python(overlay.python, "import pydantic; print(pydantic.__version__)") == "1.10"
    assert run_python(image / "bin/python", "import pydantic; print(pydantic.__version__)") == "2.12.0"
    assert tree_digest(image) == before


def test_torch_cannot_be_moved(overlay: Overlay, wheels: Path) -> None:
    for options in ((), ("--upgrade",)):
        ended = install(overlay.python, wheels, *options, "torch==2.11.0")
        assert ended.returncode != 0
        assert "conflict" in (ended.stderr + ended.stdout).lower()
    assert run_python(overlay.python, "import torch; print(torch.__version__)") == "2.10.0+cu128"
    assert added(overlay.site) == {}


def test_a_removed_package_is_the_images_again(overlay: Overlay, wheels: Path, tmp_path: Path) -> None:
    install(overlay.python, wheels, "pydantic<2")
    keep(overlay, store(overlay, tmp_path))
    subprocess.run([overlay.python, "-m", "pip", "uninstall", "-q", "-y", "pydantic"], check=True, timeout=60)
    assert run_python(overlay.python, "import pydantic; print(pydantic.__version__)") == "2.12.0"
    found = keep(overlay, store(overlay, tmp_path))
    assert installed(found.record) == {}
    listed = subprocess.run([overlay.python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "pydantic 2.12.0" in " ".join(listed.split())


def test_another_container_has_the_packages_and_what_they_bring(overlay: Overlay, wheels: Path, tmp_path: Path) -> None:
    data = {"node/data.txt": "x" * 1000, "node-2.1.dist-info/entry_points.txt": "[console_scripts]\ntool = node:main\n"}
    write_wheel(wheels, "node", "2.1", code="def main(): print('tool')", requires=("lib",), files=data)
    install(overlay.python, wheels, "node==2.1")
    found = keep(overlay, store(overlay, tmp_path))
    assert set(found.written) == {"node", "lib"}
    assert found.record["node"].asked
    assert not found.record["lib"].asked
    with locked(overlay):
        assert restore(overlay, store(overlay, tmp_path, "pod2"), store(overlay, tmp_path, "pod2").record()) == {}
    assert run_python(overlay.python, "import node, lib; print(node.__version__, lib.__version__)") == "2.1 1.0"
    assert Path(overlay.site, "node/data.txt").read_text() == "x" * 1000
    assert subprocess.run([f"{overlay.folder}/bin/tool"], capture_output=True, check=True).stdout == b"tool\n"
    again = keep(overlay, store(overlay, tmp_path, "pod2"))
    assert again.written == ()
    assert difference(found.record, again.record) == ""


def test_compiled_modules_come_along_with_their_package_alone(overlay: Overlay, wheels: Path, tmp_path: Path) -> None:
    write_wheel(wheels, "one", "1.0", files={"top_one.py": "value = 1\n"})
    write_wheel(wheels, "two", "1.0", files={"top_two.py": "value = 2\n"})
    install(overlay.python, wheels, "one", "two")
    found = keep(overlay, store(overlay, tmp_path))
    compiled = {str(path.relative_to(overlay.site)) for path in Path(overlay.site).rglob("*.pyc")}
    assert {name.partition(".")[0] for name in compiled} == {
        f"{folder}__pycache__/{name}"
        for folder, name in (("", "top_one"), ("", "top_two"), ("one/", "__init__"), ("two/", "__init__"))
    }
    one = {"one": found.record["one"]}
    for record, names in ((one, {name for name in compiled if "one" in name}), (found.record, compiled)):
        with locked(overlay):
            assert restore(overlay, store(overlay, tmp_path), record) == {}
        assert {str(path.relative_to(overlay.site)) for path in Path(overlay.site).rglob("*.pyc")} == names


def test_a_damaged_archive_costs_its_package_alone_and_no_part_of_it_is_left(
    overlay: Overlay, wheels: Path, tmp_path: Path
) -> None:
    body = "".join(f"V{n} = {os.urandom(24).hex()!r}\n" for n in range(20_000))
    write_wheel(wheels, "pydantic", "2.13", code=body)
    install(overlay.python, wheels, "node", "pydantic==2.13")
    kept = store(overlay, tmp_path)
    record = keep(overlay, kept).record
    archive = Path(kept.archives, record["pydantic"].archive)
    os.truncate(archive, archive.stat().st_size // 2)
    with locked(overlay):
        failed = restore(overlay, kept, record)
    assert set(failed) == {"pydantic"}
    assert run_python(overlay.python, "import node, pydantic; print(pydantic.__version__)") == "2.12.0"
    found = take(overlay, kept, record, tuple(added(overlay.site)))
    assert found.record["pydantic"].archive  # it is not taken for removed


def test_two_pods_on_one_volume_keep_each_others_packages(image: Path, wheels: Path, tmp_path: Path) -> None:
    pods = []
    for number in (1, 2):
        made = Overlay(str(tmp_path / f"pod{number}/env"), str(image))
        with locked(made):
            restore(made, store(made, tmp_path, f"pod{number}"), {})
        pods.append((made, store(made, tmp_path, f"pod{number}")))
    (first, first_store), (second, second_store) = pods
    install(first.python, wheels, "lib")
    keep(first, first_store)
    install(second.python, wheels, "node")  # brings lib, too
    keep(second, second_store)
    keep(first, first_store)
    assert set(installed(first_store.record())) == set(installed(second_store.record())) == {"lib", "node"}
    with locked(first):
        assert restore(first, first_store, first_store.record()) == {}
    assert run_python(first.python, "import node; print(node.__version__)") == "2.0"


def test_unused_archives_are_collected_and_used_ones_are_not(overlay: Overlay, wheels: Path, tmp_path: Path) -> None:
    kept = store(overlay, tmp_path)
    install(overlay.python, wheels, "lib", "pydantic<2")
    keep(overlay, kept)
    other = store(overlay, tmp_path, "gone")
    other.write_record(kept.record())
    subprocess.run([overlay.python, "-m", "pip", "uninstall", "-q", "-y", "pydantic"], check=True, timeout=60)
    keep(overlay, kept)
    Path(kept.archives, ".0123.part").write_text("of a killed process")
    assert kept.collect_garbage() == []  # too young
    removed = kept.collect_garbage(time.time() + 48 * 3600)
    assert len(removed) == 3
    assert any(name.startswith("pydantic-1.10") for name in removed)
    assert "gone.json" in removed
    assert [name.partition("-")[0] for name in os.listdir(kept.archives)] == ["lib"]


def test_a_volume_that_refuses_costs_the_keeping_alone(overlay: Overlay, wheels: Path, tmp_path: Path) -> None:
    install(overlay.python, wheels, "lib")
    (tmp_path / "volume").write_text("no folder")
    found = take(overlay, store(overlay, tmp_path), {}, ())
    assert "lib" in found.failed
    assert installed(found.record) == {}


def test_the_trial_import_names_what_fails(overlay: Overlay, wheels: Path) -> None:
    assert run_trial(overlay, ("torch", "pydantic"), 60) == ""
    write_wheel(wheels, "pydantic", "2.14", code="raise ImportError('cannot import name X')")
    install(overlay.python, wheels, "pydantic==2.14")
    assert run_trial(overlay, ("torch", "pydantic"), 60) == "ImportError: cannot import name X"


def test_an_editable_package_of_a_repository_comes_back(overlay: Overlay, tmp_path: Path) -> None:
    """As `pip install -e git+https://...` makes it: a clone below the environment, and a link to it."""
    clone = Path(overlay.folder) / "src/mine"
    (clone / ".git").mkdir(parents=True)
    (clone / ".git/objects").write_text("history")
    (clone / "mine.py").write_text("VALUE = 7")
    info = Path(overlay.site) / "mine-1.0.dist-info"
    info.mkdir()
    (Path(overlay.site) / "__editable__.mine-1.0.pth").write_text(f"{clone}\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "direct_url.json").write_text(json.dumps({"url": clone.as_uri(), "dir_info": {"editable": True}}))
    (info / "RECORD").write_text(
        "__editable__.mine-1.0.pth,,\n"
        + "".join(f"mine-1.0.dist-info/{name},,\n" for name in ("METADATA", "INSTALLER", "direct_url.json", "RECORD"))
    )
    kept = store(overlay, tmp_path)
    assert keep(overlay, kept).written == ("mine",)
    with locked(overlay):
        assert restore(overlay, kept, kept.record()) == {}
    assert run_python(overlay.python, "import mine; print(mine.VALUE)") == "7"
    assert not (clone / ".git").exists()


def begin_again(record: Path) -> None:
    """What pip has done once it has unpacked the wheel: RECORD is the wheel's own, of a later time."""
    record.write_text("node/__init__.py,,\n")
    os.utime(record, (time.time() + 5, time.time() + 5))


def test_an_interrupted_installation_is_seen(overlay: Overlay, wheels: Path, tmp_path: Path) -> None:
    kept = store(overlay, tmp_path)
    install(overlay.python, wheels, "node")
    assert not is_interrupted(overlay)  # not kept yet, but whole
    keep(overlay, kept)
    assert not is_interrupted(overlay)
    site = Path(overlay.site)
    for harm in (
        lambda: (site / "half").mkdir(),
        lambda: (site / "~ode").mkdir(),
        lambda: begin_again(site / "node-2.0.dist-info/RECORD"),
        lambda: (site / "lib").rename(site / "elsewhere"),
    ):
        harm()
        assert is_interrupted(overlay)
        with locked(overlay):
            restore(overlay, kept, kept.record())
        write_state(overlay, kept=fingerprint(overlay), listing=listing(overlay))
        assert not is_interrupted(overlay)
    (site / "half").mkdir()
    install(overlay.python, wheels, "pydantic<2")
    assert is_interrupted(overlay)
    keep(overlay, kept)  # what is kept beside it does not hide it
    assert is_interrupted(overlay)


KILLED = """
import sys
from entrypoint.packages.distributions import added, key_of, site_packages
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.snapshot import take
from entrypoint.packages.store import Store
overlay, kept = Overlay(sys.argv[1], sys.argv[2]), None
kept = Store(sys.argv[3], key_of(sys.argv[2]), "pod1")
while True:
    with locked(overlay):
        found = take(overlay, kept, kept.record(), tuple(added(overlay.site)))
        kept.write_record(found.record)
        print("kept", flush=True)
        restore(overlay, kept, kept.record())
        print("restored", flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_whole_overlay_and_a_whole_store(
    overlay: Overlay, image: Path, wheels: Path, tmp_path: Path
) -> None:
    install(overlay.python, wheels, "node")
    for moment in range(20):
        command = [sys.executable, "-c", KILLED, overlay.folder, str(image), str(tmp_path / "volume/packages")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(moment * 0.004)  # the moment of the kill is what is varied
            process.send_signal(signal.SIGKILL)
        kept = store(overlay, tmp_path)
        record = kept.record()
        assert set(installed(record)) == {"node", "lib"}
        with locked(overlay):
            if not overlay.is_current(kept.key):
                assert restore(overlay, kept, record) == {}
        assert run_python(overlay.python, "import node, lib; print(node.__version__)") == "2.0"
    with locked(overlay):
        assert restore(overlay, kept, record) == {}
    beside = os.listdir(tmp_path / "packages")
    assert sorted(beside) == ["env", "lock"]
