"""A stand-in for a host with a GPU: a Python with tests/support/fake_torch, and an nvidia-smi."""

from __future__ import annotations

import json
import shutil
import venv
from pathlib import Path
from typing import Any

from tests.support.checkout import SUPPORT

UUID = "GPU-aaaa"
#: `nvidia-smi -q -x`, as much of it as is read: a healthy RTX 4090 with ComfyUI on it.
XML = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
 <driver_version>{driver}</driver_version>
 <attached_gpus>1</attached_gpus>
 <gpu id="00000000:01:00.0">
  <product_name>NVIDIA GeForce RTX 4090</product_name>
  <uuid>GPU-aaaa</uuid>
  <pci><pci_gpu_link_info>
   <pcie_gen><max_link_gen>4</max_link_gen><current_link_gen>{generation}</current_link_gen></pcie_gen>
   <link_widths><max_link_width>16x</max_link_width><current_link_width>16x</current_link_width></link_widths>
  </pci_gpu_link_info></pci>
  <clocks_event_reasons>
   <clocks_event_reason_gpu_idle>Not Active</clocks_event_reason_gpu_idle>
   <clocks_event_reason_sw_power_cap>Active</clocks_event_reason_sw_power_cap>
   <clocks_event_reason_hw_slowdown>{hot}</clocks_event_reason_hw_slowdown>
   <clocks_event_reason_hw_thermal_slowdown>{hot}</clocks_event_reason_hw_thermal_slowdown>
  </clocks_event_reasons>
  <fb_memory_usage><total>24564 MiB</total><used>{used} MiB</used></fb_memory_usage>
  <ecc_errors><volatile>
   <sram_correctable>7</sram_correctable>
   <sram_uncorrectable_parity>{ecc}</sram_uncorrectable_parity>
   <dram_uncorrectable>0</dram_uncorrectable>
  </volatile></ecc_errors>
  <retired_pages><pending_retirement>N/A</pending_retirement></retired_pages>
  <remapped_rows><remapped_row_pending>{remap}</remapped_row_pending></remapped_rows>
  <temperature><gpu_temp>61 C</gpu_temp></temperature>
  <gpu_power_readings>
   <current_power_limit>{watts}.00 W</current_power_limit><default_power_limit>450.00 W</default_power_limit>
  </gpu_power_readings>
 </gpu>
</nvidia_smi_log>
"""
HEALTHY: dict[str, Any] = {
    "driver": "570.133.20", "generation": 4, "hot": "Not Active", "used": 900, "ecc": 0, "remap": "No", "watts": 450,
}  # fmt: skip
#: A `sageattention`, by what its result is multiplied with and what a call costs.
SAGE = """
import torch
def sageattn(q, k, v, is_causal, tensor_layout, sm_scale, smooth_k):
    torch.spend({ms})
    return v * {factor}
"""


def make_python(folder: Path) -> Path:
    """A virtual environment with the stand-in for torch; returns its Python."""
    venv.create(folder, symlinks=True)
    site = site_of(folder)
    shutil.copytree(SUPPORT / "fake_torch/torch", site / "torch", ignore=shutil.ignore_patterns("__pycache__"))
    _metadata(site, "torch", "2.10.0")
    set_mode(folder)
    return folder / "bin/python"


def site_of(folder: Path) -> Path:
    """The environment's folder of packages."""
    return next((folder / "lib").iterdir()) / "site-packages"


def set_mode(folder: Path, **mode: Any) -> None:
    """What torch simulates: see MODE in fake_torch."""
    (site_of(folder) / "torch/mode.json").write_text(json.dumps(mode))


def install_sage(folder: Path, code: str, version: str = "1.0.6") -> None:
    """A package sageattention."""
    site = site_of(folder)
    shutil.rmtree(site / "sageattention", ignore_errors=True)  # its compiled module may look as new
    (site / "sageattention").mkdir()
    (site / "sageattention/__init__.py").write_text(code)
    for former in site.glob("sageattention-*"):
        shutil.rmtree(former)
    _metadata(site, "sageattention", version)


def _metadata(site: Path, name: str, version: str) -> None:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def install_smi(folder: Path, **changes: Any) -> None:
    """An nvidia-smi in this folder, of a healthy card with changes."""
    folder.mkdir(exist_ok=True)
    values = HEALTHY | changes
    (folder / "card.xml").write_text(XML.format(**values))
    query = f"{UUID}, {values['driver']}"
    script = f'#!/bin/sh\ncase $1 in -q) cat "{folder}/card.xml" ;; *) echo "{query}" ;; esac\n'
    (folder / "nvidia-smi").write_text(script)
    (folder / "nvidia-smi").chmod(0o755)
