"""Where the tests find the checkout, their stand-ins, and the folder for what a failed test leaves to look at."""

from pathlib import Path

SUPPORT = Path(__file__).parent
ROOT = SUPPORT.parents[1]
ARTIFACTS = ROOT / "tests/artifacts"
#: A ComfyUI that responds and nothing else; one with files, streams and WebSockets; one that echoes.
FAKE_COMFYUI = SUPPORT / "fake_comfyui"
FAKE_COMFYUI_WITH_FILES = SUPPORT / "door/fake_comfyui"
ECHO_COMFYUI = SUPPORT / "echo_comfyui"
#: One with ComfyUI's queue, and our handover node.
QUEUE_COMFYUI = SUPPORT / "queue_comfyui"
