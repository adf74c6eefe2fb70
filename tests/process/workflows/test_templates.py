"""Every workflow template of ComfyUI's packages, planned.

The templates are where COMFYUI_PYTHON's environment has the package `comfyui_workflow_templates_json`
(image/comfyui.lock pins it), or the image's.
"""

from __future__ import annotations

import glob
import os
from collections import Counter

import pytest

from entrypoint.comfyui.installation import IMAGE_PYTHON
from entrypoint.models.sources.registry import SOURCES
from entrypoint.workflows.addresses import file_of
from entrypoint.workflows.document import NotAWorkflow, parse
from entrypoint.workflows.needed import CORE, needed_models, needed_packs

_ENVIRONMENT = os.path.dirname(os.path.dirname(os.environ.get("COMFYUI_PYTHON") or IMAGE_PYTHON))
TEMPLATES = sorted(
    glob.glob(f"{_ENVIRONMENT}/lib/python3*/site-packages/comfyui_workflow_templates_json/templates/*.json")
)
#: Lists beside the templates, which are no workflows.
LISTS = ("index", "fuse_options")
#: Files without an address: in 0.11.19 one, of an instance that chooses another file than the loader inside.
WITHOUT_ADDRESS = 5


@pytest.mark.skipif(not TEMPLATES, reason="comfyui_workflow_templates_json is not beside COMFYUI_PYTHON")
def test_every_template_is_planned() -> None:
    found: Counter[str] = Counter()
    for path in TEMPLATES:
        name = os.path.basename(path)
        with open(path, "rb") as file:
            data = file.read()
        if name.startswith(LISTS):
            with pytest.raises(NotAWorkflow):
                parse(data)
            continue
        workflow = parse(data)
        models, packs = needed_models(workflow), needed_packs(workflow)
        assert workflow.notes == [], name
        assert [each for each in models if each.problem] == [], name
        assert [each for each in packs if each.problem] == [], name
        for model in models:
            assert model.directory, (name, model)
            if model.url:
                assert file_of(model, SOURCES).dest == model.dest
        found["templates"] += 1
        found["nodes"] += len(workflow.nodes)
        found["models"] += len(models)
        found["without an address"] += sum(not model.url for model in models)
        found["packs"] += sum(bool(pack.registry or pack.repository) and pack.registry != CORE for pack in packs)
    print(dict(found))
    assert found["templates"] > 400
    assert found["models"] > found["templates"]
    assert found["without an address"] <= WITHOUT_ADDRESS
