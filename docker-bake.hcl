# docker buildx bake          the CUDA image, for a GPU (VERSION=$(scripts/version) in front labels it)
# docker buildx bake full     that one with the packs of custom nodes
# docker buildx bake cpu      without CUDA: JupyterLab; and ComfyUI where CPU_WHEELS has a torch for the CPU

variable "IMAGE" {
  default = "podkeeper"
}

variable "VERSION" {
  default = "dev"
}

variable "REVISION" {
  default = "unknown"
}

variable "SOURCE" {
  default = "unknown"
}

# A folder with wheels and a requirements.txt (docs/image.md). On x86-64 the package index has torch for CUDA only, so
# image/comfyui.lock can't be one for the CPU; where this is empty, the variant is without ComfyUI.
variable "CPU_WHEELS" {
  default = ""
}

group "default" {
  targets = ["cuda"]
}

group "all" {
  targets = ["cuda", "full", "cpu"]
}

target "_common" {
  context = "."
  args = {
    VERSION  = VERSION
    REVISION = REVISION
    SOURCE   = SOURCE
  }
}

target "cuda" {
  inherits = ["_common"]
  args     = { BASE_IMAGE = "cuda" }
  tags     = ["${IMAGE}:${VERSION}", "${IMAGE}:latest"]
}

target "full" {
  inherits = ["cuda"]
  args     = { COMFYUI = "full" }
  tags     = ["${IMAGE}:${VERSION}-full", "${IMAGE}:full"]
}

target "cpu" {
  inherits = ["_common"]
  args = {
    BASE_IMAGE = "debian"
    COMFYUI    = CPU_WHEELS == "" ? "off" : "on"
  }
  contexts = CPU_WHEELS == "" ? {} : { wheels = CPU_WHEELS }
  tags     = ["${IMAGE}:${VERSION}-cpu", "${IMAGE}:cpu"]
}
