#!/bin/sh
# RunPod's own images begin with /start.sh, and so do the start commands of many templates: `bash -c '...; /start.sh'`.
# Here everything it would start runs already.
echo "podkeeper: JupyterLab and ComfyUI are being taken care of; /start.sh has nothing to do"
