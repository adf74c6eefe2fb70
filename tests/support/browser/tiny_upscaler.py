"""Run by ComfyUI's Python: writes a tiny upscale model (two convolutions, random weights) and a video of four frames.

usage: tiny_upscaler.py MODEL VIDEO
"""

import sys

import av  # type: ignore[import-not-found,unused-ignore]
import numpy  # type: ignore[import-not-found,unused-ignore]
import torch  # type: ignore[import-not-found,unused-ignore]
from safetensors.torch import save_file  # type: ignore[import-not-found,unused-ignore]
from spandrel.architectures.Compact import Compact  # type: ignore[import-not-found,unused-ignore]

model = Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=2, act_type="prelu")
save_file({name: each.contiguous() for name, each in model.state_dict().items()}, sys.argv[1])
with av.open(sys.argv[2], "w") as container:
    stream = container.add_stream("libx264", rate=8)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    for shade in range(4):
        frame = av.VideoFrame.from_ndarray(numpy.full((32, 32, 3), shade * 40, dtype=numpy.uint8), format="rgb24")
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
assert torch.isfinite(next(model.parameters())).all()
