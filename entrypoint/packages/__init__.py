"""Python packages for ComfyUI's nodes: installed beside the image's own, kept on the volume, and taken back when they
break ComfyUI.

The image's environment is never written to. `overlay` makes a local environment over it, in which pip and uv install;
`snapshot` keeps each package on the volume as one archive; `restore` unpacks them at the next start; `record` says
which packages are installed and which set of them is the last with which ComfyUI responded.
"""

#: The folder of `pip` and `python` for terminals.
BIN = __file__.rpartition("/")[0] + "/bin"
