"""Everything that an image is made of and made with is pinned, and what is published is what was tested."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.checkout import ROOT

DOCKERFILES = (ROOT / "Dockerfile", ROOT / ".ci/Dockerfile")
DOCKERFILE = DOCKERFILES[0].read_text()
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").iterdir()}
JOBS = {f"{name}/{job}": steps for name, workflow in WORKFLOWS.items() for job, steps in workflow["jobs"].items()}
PUBLISH = JOBS["image/publish"]
#: Files that could name an image of a registry.
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [
        *DOCKERFILES, ROOT / "docker-bake.hcl", *ROOT.glob("compose*.yaml"), *(ROOT / ".github").rglob("*.yml"),
        *(path for path in (ROOT / ".ci").iterdir() if path not in DOCKERFILES),
    ]
}  # fmt: skip
SCRIPTS = {path.name: path.read_text() for path in (ROOT / ".ci").iterdir()}
DIGEST = r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}"


def image(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / ".ci/image", name], capture_output=True, text=True)


#: Stages that a build argument chooses.
CHOSEN = r"comfyui-\$\{COMFYUI\}|sage-\$\{SAGE\}|rclone-\$\{RCLONE\}|worker-\$\{WORKER\}"


def unpinned(dockerfile: str) -> list[str]:
    """The images of FROM and of COPY --from that are neither stages nor pinned by digest."""
    stages = {"scratch", *re.findall(r"(?m)^FROM \S+ AS (\S+)$", dockerfile)}
    arguments = {f"${{{name}}}" for name in re.findall(r"(?m)^ARG (\w+)=", dockerfile)}
    named = re.findall(r"(?mi)^FROM (?:--\S+ )*(\S+)|(?:--from=|\bfrom=)([^\s,]+)", dockerfile)
    images = {first or second for first, second in named}
    return sorted(
        name for name in images - stages - arguments
        if not re.fullmatch(DIGEST, name) and not re.fullmatch(CHOSEN, name)
    )  # fmt: skip


def step(words: str) -> int:
    """The number of the one step of the job `publish` that runs or uses `words`."""
    (found,) = [number for number, each in enumerate(PUBLISH["steps"]) if words in each.get("run", each.get("uses"))]
    return found


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_a_dockerfile_builds_on_digests(path: Path) -> None:
    assert unpinned(path.read_text()) == []


@pytest.mark.parametrize(
    "line", ["FROM debian:12-slim", "FROM --platform=linux/amd64 alpine AS x", "COPY --from=alpine:3 /a /b",
             "RUN --mount=type=bind,from=alpine:3,target=/x true", "FROM debian@sha256:12"],
)  # fmt: skip
def test_an_image_without_a_digest_is_found(line: str) -> None:
    """Negative control."""
    assert len(unpinned(f"{DOCKERFILE}\n{line}\n")) == 1


def test_a_default_argument_names_a_stage() -> None:
    """An argument is the one name that FROM takes from elsewhere."""
    stages = re.findall(r"(?m)^FROM \S+ AS (\S+)$", DOCKERFILE)
    named = [re.search(rf"(?m)^ARG {name}=(.*)$", DOCKERFILE) for name in ("BASE_IMAGE", "COMFYUI", "SAGE")]
    assert [match and match.group(1) for match in named] == ["debian", "on", "off"]
    chosen = re.findall(r'BASE_IMAGE *= *"(.*)"', TEXTS["docker-bake.hcl"])
    for name in ("compose.yaml", "compose.cpu.yaml"):
        chosen += re.findall(r"BASE_IMAGE: \$\{BASE_IMAGE:-(.*)\}", TEXTS[name])
    assert sorted(chosen) == ["debian", "debian"]
    assert {*chosen, "comfyui-on", "comfyui-off", "comfyui-full", "sage-on", "sage-off"} <= set(stages)


def test_only_the_dockerfiles_name_images() -> None:
    """Dependabot would not find an image in a script, a workflow or an HCL file."""
    names = {re.split("[:@]", name)[0] for text in map(unpinned_names, DOCKERFILES) for name in text}
    assert len(names) == 5
    elsewhere = {
        (path, name)
        for path, text in TEXTS.items() if not path.endswith("Dockerfile")
        for name in names if re.search(rf"(?<![\w/-]){re.escape(name)}[:@][\w.]", text)
    }  # fmt: skip
    assert elsewhere == set()
    for job in JOBS.values():
        assert not {"container", "services"} & set(job)
        assert not [each for each in job["steps"] if each.get("uses", "").startswith("docker://")]


def unpinned_names(path: Path) -> list[str]:
    return re.findall(rf"(?m)^FROM ({DIGEST}) AS", path.read_text())


def test_every_image_that_a_workflow_asks_for_has_a_line() -> None:
    asked = {name for text in TEXTS.values() for name in re.findall(r"\$\(\.ci/image (\w+)\)", text)}
    assert asked == {"gate", "debian", "buildkit", "sbom", "scanner"}
    for name in asked:
        assert re.fullmatch(DIGEST, image(name).stdout.strip())
    assert image("nothing").returncode == 1
    assert "'nothing'" in image("nothing").stderr


def test_no_front_end_is_fetched_before_a_build() -> None:
    assert not re.search(r"(?m)^# *syntax *=", DOCKERFILE)


def test_comfyuis_commit_is_checked_after_the_clone() -> None:
    """tests/container clones a tag that was moved."""
    assert re.search(r"(?m)^ARG COMFYUI_COMMIT=[0-9a-f]{40}$", DOCKERFILE)
    assert '"$commit" != "$COMFYUI_COMMIT"' in DOCKERFILE


def test_sageattention_is_fetched_by_its_commit() -> None:
    assert re.search(r"(?m)^ARG SAGEATTENTION=https://github\.com/thu-ml/SageAttention\.git#[0-9a-f]{40}$", DOCKERFILE)


def test_packages_of_the_base_are_upgraded() -> None:
    """Its digest stands still."""
    assert re.search(r"apt-get update .*\n(.*\n)?.*apt-get upgrade -y", DOCKERFILE)


def test_actions_are_pinned_by_commit() -> None:
    used = [each["uses"] for job in JOBS.values() for each in job["steps"] if "uses" in each]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", action)] == []
    assert not list((ROOT / ".github").rglob("action.y*ml"))  # their steps would not be seen here


def test_a_job_may_do_what_it_needs_and_no_more() -> None:
    assert set(WORKFLOWS) == {"ci", "clean", "comfyui", "image"}
    assert not any(workflow["permissions"] for workflow in WORKFLOWS.values())
    read = {"contents": "read"}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "ci/test": read,
        "ci/container": read,
        "image/renew": {"actions": "write", "contents": "read"},
        "image/try": read,
        "image/publish": {"contents": "read", "packages": "write", "id-token": "write"},
        "clean/images": {"contents": "read", "packages": "write"},
        "comfyui/pins": {"contents": "write"},
        "comfyui/test": read,
        "comfyui/open": {"contents": "read", "pull-requests": "write"},
    }


def test_a_pull_request_runs_no_job_that_may_write() -> None:
    assert JOBS["image/try"]["if"] == "github.event_name == 'pull_request'"
    assert PUBLISH["if"] == "github.event_name == 'push' || github.event_name == 'workflow_dispatch'"
    assert JOBS["image/renew"]["if"] == "github.event_name == 'schedule'"
    assert {name for name, each in WORKFLOWS.items() if "pull_request" in each[True]} == {"ci", "image"}
    assert not {"pull_request_target", "workflow_run"} & {event for each in WORKFLOWS.values() for event in each[True]}


def test_a_checkout_leaves_no_credential_behind() -> None:
    for job in JOBS.values():
        for each in job["steps"]:
            if each.get("uses", "").startswith("actions/checkout@"):
                assert each["with"]["persist-credentials"] is False


def test_the_digest_that_gets_the_tags_was_tested_scanned_and_signed() -> None:
    """One build; every later step has its digest, and the tags come last."""
    order = [step(words) for words in (".ci/build ", "scripts/smoke", ".ci/scan", "cosign sign", ".ci/tag")]
    assert order == sorted(order)
    assert order[-1] == len(PUBLISH["steps"]) - 1
    build, *later = [PUBLISH["steps"][number] for number in order]
    assert build["id"] == "build"
    assert [each["env"]["IMAGE"] for each in later] == ["${{ steps.build.outputs.image }}"] * len(later)
    assert all('"$IMAGE"' in each["run"] for each in later)
    for each in later[-2:]:  # the same layers by gzip
        assert each["env"]["GZIP"] == "${{ steps.build.outputs.gzip }}"
        assert '"$GZIP"' in each["run"]
    assert not [each for each in PUBLISH["steps"] if {"if", "continue-on-error"} & set(each)]
    assert step("cosign-installer@") < step("cosign sign")
    assert PUBLISH["steps"][step(".ci/scan")]["env"]["SEVERITY"] == "high"


def test_a_build_takes_nothing_from_a_cache_and_its_push_has_attestations() -> None:
    build = SCRIPTS["build"]
    for option in ("--no-cache", "--pull", "--provenance=mode=max", '--sbom="generator=$sbom"', "push-by-digest=true",
                   "push zstd --no-cache", "compression=$1,force-compression=true"):  # fmt: skip
        assert option in build
    assert not re.search("cache-(from|to)|type=gha", "".join(TEXTS.values()))
    assert 'image=$buildkit"' in SCRIPTS["builder"]
    assert "--builder podkeeper" in build
    assert "--name podkeeper" in SCRIPTS["builder"]


def sources(dockerfile: str) -> set[str]:
    """The files and folders of the checkout that a build reads."""
    named = {
        source
        for words in re.findall(r"(?m)^COPY +((?:--\S+ +)*\S.*)$", dockerfile) if "--from=" not in words
        for source in [word for word in words.split() if not word.startswith("--")][:-1]
    }  # fmt: skip
    return named | {
        mount.group(1)
        for options in re.findall(r"--mount=(type=bind\S+)", dockerfile) if "from=" not in options
        for mount in [re.search(r"\b(?:source|src)=([^,\s]+)", options)] if mount
    }  # fmt: skip


def unseen(dockerfile: str) -> list[str]:
    """What the image is made of or tested with, and no path filter of the pull requests' workflow names."""
    used = sources(dockerfile)
    used |= {"Dockerfile", ".dockerignore", "docker-bake.hcl", ".github/workflows/image.yml"}
    for job in ("image/try", "image/publish"):
        runs = " ".join(each.get("run", "") for each in JOBS[job]["steps"])
        used |= set(re.findall(r"(?<![\w/.])((?:scripts|\.ci)/\w+)", runs))
    patterns = WORKFLOWS["image"][True]["pull_request"]["paths"]
    folders = tuple(pattern.removesuffix("**") for pattern in patterns if pattern.endswith("/**"))
    return sorted(path for path in used if path not in patterns and not f"{path}/".startswith(folders))


def test_a_pull_request_that_changes_the_image_builds_it() -> None:
    assert {"entrypoint", "supervisord.conf", "scripts/venv", "requirements.lock"} <= sources(DOCKERFILE)
    assert unseen(DOCKERFILE) == []
    for pattern in WORKFLOWS["image"][True]["pull_request"]["paths"]:
        assert (ROOT / pattern.removesuffix("**")).exists()


@pytest.mark.parametrize("line", ["COPY --link --chmod=755 scripts/bench docs/image.md /x/",
                                  "RUN --mount=type=bind,source=deploy,target=/x true"])  # fmt: skip
def test_a_part_of_the_image_without_a_path_filter_is_found(line: str) -> None:
    """Negative control."""
    assert unseen(f"{DOCKERFILE}\n{line}\n") in (["docs/image.md", "scripts/bench"], ["deploy"])
    assert unseen(f"{DOCKERFILE}\nCOPY --from=app /docs /x\n") == []


def test_the_same_variants_are_tried_and_published() -> None:
    published = PUBLISH["strategy"]["matrix"]["include"]
    variants = [each["variant"] for each in published]
    assert variants == JOBS["image/try"]["strategy"]["matrix"]["variant"]
    assert {each["variant"]: each["suffix"] for each in published} == {
        name: "" if name == "cu128" else f"-{name}" for name in variants
    }


def test_every_variant_is_built_by_the_workflow() -> None:
    group = re.search(r'(?s)group "all" \{\s*targets = \[(.*?)\]', TEXTS["docker-bake.hcl"])
    assert group
    assert set(re.findall(r'"(\w+)"', group.group(1))) == set(JOBS["image/try"]["strategy"]["matrix"]["variant"])


def test_an_images_name_is_lower_case() -> None:
    """github.repository has the owner's capitals; a registry refuses them."""
    for path, text in TEXTS.items():
        assert not re.search(r"(ghcr\.io/|images: *)[$]\{\{ *(github|env)\.", text), path
    (name,) = [each for each in PUBLISH["steps"] if each.get("id") == "name"]
    assert 'repository=ghcr.io/${GITHUB_REPOSITORY,,}"' in name["run"]
    assert "${GITHUB_REPOSITORY,,}" in JOBS["clean/images"]["steps"][-1]["run"]


def test_the_disk_is_cleared_before_a_build_and_shown_around_it() -> None:
    builds = {name: [each.get("run", "") for each in job["steps"]] for name, job in JOBS.items()}
    builds = {name: runs for name, runs in builds.items() if any(".ci/build " in run for run in runs)}
    assert set(builds) == {"image/try", "image/publish", "comfyui/test"}
    for runs in builds.values():
        assert runs.index(".ci/disk") < next(number for number, run in enumerate(runs) if ".ci/build " in run)
    assert SCRIPTS["build"].count("df -h /") == 2


def test_the_container_tests_run_as_root() -> None:
    tests = [
        each["run"] for job in JOBS.values() for each in job["steps"] if "pytest tests/container" in each.get("run", "")
    ]
    assert len(tests) == 2
    assert all("sudo --preserve-env .venv/bin/python -m pytest" in run for run in tests)


def test_a_new_comfyui_becomes_a_pull_request_with_the_tests_result() -> None:
    jobs = {name: JOBS[f"comfyui/{name}"] for name in ("pins", "test", "open")}
    runs = {name: " ".join(each.get("run", "") for each in job["steps"]) for name, job in jobs.items()}
    assert WORKFLOWS["comfyui"][True]["schedule"]
    assert ".ci/new_comfyui" in runs["pins"]
    for words in (".ci/build full", "scripts/smoke podkeeper:full", "tests/container/test_real_full.py"):
        assert words in runs["test"]
    assert "gh pr create" in runs["open"]
    assert jobs["open"]["needs"] == ["pins", "test"]
    for words in ("comfyui_pins.py latest", "settings_table.py", "scripts/lock", "node_packs.py lock"):
        assert words in SCRIPTS["new_comfyui"]


def test_code_of_comfyuis_packages_never_has_the_token() -> None:
    with_token = {
        (name, each["run"].split()[0])
        for name, job in JOBS.items() if name.startswith("comfyui/")
        for each in job["steps"] if "github.token" in str(each) or "GITHUB_TOKEN" in str(each)
    }  # fmt: skip
    assert with_token == {("comfyui/pins", "gh"), ("comfyui/open", "draft=()")}


def test_every_week_the_newest_release_is_built_again() -> None:
    events = WORKFLOWS["image"][True]
    day, month, weekday = events["schedule"][0]["cron"].split()[2:]
    assert (day, month) == ("*", "*")
    assert weekday.isdigit()
    assert "workflow_dispatch" in events
    (renew,) = JOBS["image/renew"]["steps"]
    assert "gh release list" in renew["run"]
    assert "gh workflow run image.yml --ref" in renew["run"]


def test_what_is_pinned_is_kept_up_to_date() -> None:
    updates = yaml.safe_load(TEXTS[".github/dependabot.yml"])["updates"]
    folders = {each["package-ecosystem"]: each.get("directories", [each.get("directory")]) for each in updates}
    assert set(folders) == {"github-actions", "docker", "pip", "npm"}
    assert {(ROOT / folder.lstrip("/")).resolve() for folder in folders["docker"]} == {
        path.parent for path in DOCKERFILES
    }
    for folder in [folder for each in folders.values() for folder in each]:
        assert (ROOT / folder.lstrip("/")).is_dir()


def test_dependabot_renews_digests_and_leaves_the_system_as_it_is() -> None:
    (docker,) = [
        each
        for each in yaml.safe_load(TEXTS[".github/dependabot.yml"])["updates"]
        if each["package-ecosystem"] == "docker"
    ]
    kept = {each["dependency-name"] for each in docker["ignore"]}
    assert kept == {"debian", "python"}
    for each in docker["ignore"]:
        assert each["update-types"] == ["version-update:semver-major", "version-update:semver-minor"]


def test_compose_limits_the_log() -> None:
    """Docker's default keeps all of it."""
    (service,) = yaml.safe_load(TEXTS["compose.yaml"])["services"].values()
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
