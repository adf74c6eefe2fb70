# docker buildx bake          for a GPU, with torch for CUDA 12.8 (VERSION=$(scripts/version) in front labels it)
# docker buildx bake cu130    with torch for CUDA 13.0
# docker buildx bake sage     cu130 with SageAttention, which it compiles
# docker buildx bake full     with the packs of custom nodes
# docker buildx bake rclone   with rclone, which delivers outputs (OUTPUTS_TO)
# docker buildx bake thin     without ComfyUI's environment, which the pod fetches when it starts
# docker buildx bake serverless   with RunPod's SDK, for a worker of RunPod Serverless
# docker buildx bake cpu      with torch for the CPU

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

group "default" {
  targets = ["cu128"]
}

group "all" {
  targets = ["cu128", "cu130", "sage", "full", "thin", "rclone", "serverless", "cpu"]
}

target "_common" {
  context = "."
  args = {
    VERSION  = VERSION
    REVISION = REVISION
    SOURCE   = SOURCE
  }
}

target "cu128" {
  inherits = ["_common"]
  args     = { TORCH = "cu128" }
  tags     = ["${IMAGE}:${VERSION}", "${IMAGE}:latest"]
}

target "cu130" {
  inherits = ["_common"]
  args     = { TORCH = "cu130" }
  tags     = ["${IMAGE}:${VERSION}-cu130", "${IMAGE}:cu130"]
}

target "sage" {
  inherits = ["_common"]
  args = {
    TORCH = "cu130"
    SAGE  = "on"
  }
  tags = ["${IMAGE}:${VERSION}-sage", "${IMAGE}:sage"]
}

target "full" {
  inherits = ["_common"]
  args = {
    TORCH   = "cu128"
    COMFYUI = "full"
  }
  tags = ["${IMAGE}:${VERSION}-full", "${IMAGE}:full"]
}

target "thin" {
  inherits = ["_common"]
  args     = { COMFYUI = "thin" }
  tags     = ["${IMAGE}:${VERSION}-thin", "${IMAGE}:thin"]
}

target "serverless" {
  inherits = ["_common"]
  args = {
    TORCH  = "cu128"
    WORKER = "on"
  }
  tags = ["${IMAGE}:${VERSION}-serverless", "${IMAGE}:serverless"]
target "rclone" {
  inherits = ["_common"]
  args = {
    TORCH  = "cu128"
    RCLONE = "on"
  }
  tags = ["${IMAGE}:${VERSION}-rclone", "${IMAGE}:rclone"]
}

target "cpu" {
  inherits = ["_common"]
  args     = { TORCH = "cpu" }
  tags     = ["${IMAGE}:${VERSION}-cpu", "${IMAGE}:cpu"]
}
