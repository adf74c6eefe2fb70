"""The text for Prometheus."""

import re
from typing import Any

from entrypoint.conditions.condition import Condition
from entrypoint.settings.settings import Settings
from entrypoint.status.metrics import metrics_text
from entrypoint.status.schema import Disk, Gpu
from entrypoint.status.snapshot import as_json, make_snapshot
from entrypoint.system.redaction import Redactor
from tests.support.meters import meter
from tests.support.snapshots import NOW, observations

#: The text format's grammar, as far as we use it.
LINE = re.compile(r'podkeeper_[a-z_]+(\{([a-z]+="(\\.|[^"\\])*",?)+\})? -?[0-9.e+-]+')
GPU = Gpu(index=0, name="NVIDIA H200", used_percent=83.0, memory_used_bytes=5, memory_size_bytes=9,
          temperature_celsius=61.0, power_watts=None)  # fmt: skip


def text_of(**changes: Any) -> str:
    return metrics_text(as_json(make_snapshot(Settings(), observations(**changes)), Redactor([])))


def rich() -> str:
    return text_of(
        conditions=((Condition("NoGpu", 'said "no"\nand \\', "start with one"), NOW),),
        processes=[{"name": "jupyter", "statename": "RUNNING"}, {"name": "models", "statename": "EXITED"}],
        programs={"programs": {"jupyter": {"restarts": 4}}},
        answers={"jupyter": None, "comfyui": "refused"},
        gpus=(GPU,),
        disks=(
            Disk(name="volume", path="/w", size_bytes=9, used_bytes=4, free_bytes=5, problem=""),
            Disk(name="system", path="/", size_bytes=0, used_bytes=0, free_bytes=0, problem="hangs"),
        ),
        meter=meter(stop_at=2_000_000.0, idle_since=NOW),
        models={"bytes": 5, "size": 9, "bytes_per_second": 2,
                "files": [{"state": "there"}, {"state": "there"}, {"state": "failed"}, 3]},
        nodes={"nodes": [{"name": "A", "state": "loaded"}, {"name": "B", "state": "loaded"},
                         {"name": "C", "state": "left out"}]},
    )  # fmt: skip


def test_every_line_has_the_format_and_every_family_is_declared_once() -> None:
    lines = rich().splitlines()
    assert [line for line in lines if not line.startswith("#") and not LINE.fullmatch(line)] == []
    helped = [line.split()[2] for line in lines if line.startswith("# HELP")]
    typed = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
    assert len(helped) == len(set(helped))
    assert set(helped) == set(typed)
    assert {name.endswith("_total") for name, kind in typed.items() if kind == "counter"} == {True}


def test_the_metrics_that_a_monitor_needs() -> None:
    text = rich()
    for line in (
        'podkeeper_health{health="degraded"} 1',
        'podkeeper_condition{condition="NoGpu",reason="said \\"no\\"\\nand \\\\",remedy="start with one"} 1',
        'podkeeper_service_answers{service="jupyter"} 1',
        'podkeeper_service_answers{service="comfyui"} 0',
        'podkeeper_program_state{program="jupyter",state="RUNNING"} 1',
        'podkeeper_program_restarts_total{program="jupyter"} 4',
        "podkeeper_cost_dollars_per_hour 0.69",
        "podkeeper_cost_idle_dollars_total 0.345",
        "podkeeper_idle 1",
        "podkeeper_stop_time_seconds 2000000.0",
        'podkeeper_gpu_used_ratio{gpu="0",name="NVIDIA H200"} 0.83',
        'podkeeper_disk_free_bytes{disk="volume",path="/w"} 5',
        'podkeeper_disk_answers{disk="system",path="/"} 0',
        'podkeeper_models_files{state="there"} 2',
        'podkeeper_models_files{state="failed"} 1',
        'podkeeper_custom_nodes{state="loaded"} 2',
        'podkeeper_custom_nodes{state="left out"} 1',
        'podkeeper_custom_nodes{state="failed"} 0',
    ):
        assert line in text.splitlines()


def test_unknown_values_are_left_out() -> None:
    text = rich()
    assert "power_watts" not in text
    assert 'disk_free_bytes{disk="system"' not in text
    assert "podkeeper_models" not in text_of(models={"files": "?"})
    assert "podkeeper_custom_nodes" not in text_of()
    assert "podkeeper_cpu_used_ratio" not in text_of()
