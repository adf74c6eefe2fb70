# The pod's image. `docker build .` makes the one for CUDA 12.8; docker-bake.hcl names the variants.
#
#   BASE_IMAGE  the base below, or another image of Debian 12
#   TORCH       cu128 | cu130 | cpu: which torch, and so which driver the host needs (docs/image.md)
#   RCLONE      off | on: rclone (59 MB), which delivers outputs where OUTPUTS_TO is set (docs/outputs.md)
#   COMFYUI     on | off | full | thin: off leaves ComfyUI, torch and everything they need out; full adds the packs of nodes;
#               thin fetches ComfyUI's environment when the pod starts
#   WORKER      on | off: RunPod's SDK, for a worker of RunPod Serverless
#   SAGE        off | on: on compiles SageAttention, for TORCH=cu130 (docs/image.md)
#
# Build contexts that stand in for the network, each a folder:
#   --build-context comfyui=DIR   ComfyUI's code (with main.py and requirements.txt at its top)
#   --build-context wheels=DIR    wheels for ComfyUI's environment, and the requirements.txt that says which to install
#   --build-context sageattention=DIR   SageAttention's code
#
# Every step that writes ends with image/one_date: what it writes is the same in every build of the same packages, and so is
# its layer. A host then fetches what has changed, also of an image that was built without a cache. For the same reason, what a
# layer is copied from is a tree with the folders above it: COPY would make those with the time of the build.
ARG BASE_IMAGE=debian
ARG COMFYUI=on
ARG WORKER=off
ARG RCLONE=off
ARG SAGE=off

# The base, by digest: a tag can be moved. Dependabot renews this line, and no other file names the image. torch brings CUDA,
# and the host its driver: an image of NVIDIA's would be more weight, and refuse to start on hosts that torch can use
# (NVIDIA_REQUIRE_CUDA).
FROM debian:12-slim@sha256:7c7b2c966bc9ee8cedfeef67e0e279108992c77681fa595db4a9d65c06ccc587 AS debian

# What steps below run.
FROM scratch AS steps
COPY image/one_date image/install_comfyui /

# hadolint ignore=DL3006 # the stage `debian`, or an image that the caller chose
FROM ${BASE_IMAGE} AS system
# Versions are the base image's to choose: a pinned one is gone from the archive after the next security update.
# upgrade: a digest stands still, so the base's own packages are as old as it is.
# git: custom nodes are clones, ComfyUI-Manager updates them. procps, less, nano: people work in its terminals.
# nginx: the door in front of JupyterLab, ComfyUI and the status page. The last line of packages: what people expect in
# a terminal, and sshd, whose host keys must not be those of everybody who runs the image.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && : >/etc/apt/apt.conf.d/docker-clean \
    && apt-get update -qq \
    && export DEBIAN_FRONTEND=noninteractive \
    && apt-get upgrade -y -qq \
    && apt-get install -y -qq --no-install-recommends \
        ca-certificates curl git less nano nginx procps python3 python3-venv \
        git-lfs htop jq lsof openssh-server rsync tmux unzip vim-tiny wget zip zstd \
    && rm -f /etc/ssh/ssh_host_* \
    && /opt/steps/one_date "$begin"


# JupyterLab's and supervisord's environment; it depends on the lock alone.
FROM system AS environment
WORKDIR /opt/podkeeper/app
COPY scripts/venv scripts/finish_venv.py scripts/
COPY requirements.lock .
# Compiled after the files have their date, which a compiled module names. /environment is the tree of its layer.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && PIP_NO_COMPILE=1 scripts/venv /opt/podkeeper/env requirements.lock \
    && /opt/steps/one_date "$begin" \
    && { /opt/podkeeper/env/bin/python -m compileall -q -f /opt/podkeeper/env >/dev/null || true; } \
    && mkdir -p /environment/opt/podkeeper \
    && cp -al /opt/podkeeper/env /environment/opt/podkeeper/ \
    && /opt/steps/one_date "$begin"


FROM system AS app
COPY supervisord.conf /opt/podkeeper/app/
COPY entrypoint /opt/podkeeper/app/entrypoint
COPY --chmod=755 image/start.sh /app/start.sh
COPY --chmod=644 image/profile.sh /app/etc/profile.d/podkeeper.sh
COPY --chmod=644 image/kernel.json /kernel/usr/local/share/jupyter/kernels/comfyui/kernel.json
RUN --mount=type=bind,from=steps,target=/opt/steps \
    /opt/steps/one_date 0 /opt/podkeeper \
    && python3 -m compileall -q /opt/podkeeper/app/entrypoint \
    && mkdir -p /app/opt/podkeeper \
    && cp -a /opt/podkeeper/app /app/opt/podkeeper/ \
    && /opt/steps/one_date 0 /app \
    && /opt/steps/one_date 0 /kernel


# Shell completion of `podkeeper`, generated from its own parser.
FROM environment AS completion
COPY --from=app /opt/podkeeper/app /opt/podkeeper/app
RUN --mount=type=bind,from=steps,target=/opt/steps \
    mkdir -p /completion/opt/podkeeper \
    && /opt/podkeeper/env/bin/podkeeper completion bash >/completion/opt/podkeeper/completion.bash \
    && /opt/steps/one_date 0 /completion


FROM system AS comfyui-clone
ARG COMFYUI_REPO=https://github.com/comfyanonymous/ComfyUI
ARG COMFYUI_REF=v0.29.0
# The commit of that tag. A tag can be moved; the build then stops.
ARG COMFYUI_COMMIT=a8c44f9b2a0678ac4082e3529a3f43db7472acfe
RUN --mount=type=bind,from=steps,target=/opt/steps \
    git clone --quiet --depth 1 --branch "$COMFYUI_REF" -- "$COMFYUI_REPO" /opt/comfyui \
    && commit=$(git -C /opt/comfyui rev-parse HEAD) \
    && if [ "$commit" != "$COMFYUI_COMMIT" ]; then \
        echo "COMFYUI_REF=$COMFYUI_REF of $COMFYUI_REPO is commit $commit, and COMFYUI_COMMIT is '$COMFYUI_COMMIT':" \
            "set COMFYUI_COMMIT to the commit that you reviewed" >&2; exit 1; fi \
    && /opt/steps/one_date 0 /opt/comfyui

FROM scratch AS comfyui
COPY --from=comfyui-clone /opt/comfyui /

FROM scratch AS wheels

# SageAttention's code, by commit: 2.2.0 and what came after it.
FROM scratch AS sageattention
ARG SAGEATTENTION=https://github.com/thu-ml/SageAttention.git#d1a57a546c3d395b1ffcbeecc66d81db76f3b4b5
# hadolint ignore=DL3020 # a repository, which COPY cannot fetch
ADD ${SAGEATTENTION} /

# CUDA's compiler, where it is not to be the package index's.
FROM scratch AS cuda

# The lock in parts, one for each layer.
FROM system AS comfyui-locks
ARG TORCH=cu128
COPY image/comfyui.lock image/comfyui-cu130.lock image/torch-cpu.txt image/split_lock /opt/image/
RUN /opt/image/split_lock "$TORCH" /opt/locks


FROM system AS comfyui-off

# What custom nodes need of the system. gcc, g++ and Python's headers: Triton and torch.compile build what they run.
# libGL, glib, xcb and libatomic: opencv and other packages load them, and 5 of 21 common packs could not be imported without.
# ffmpeg: nodes that write videos run it.
FROM system AS node-support
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        ffmpeg g++ gcc libatomic1 libc6-dev libgl1 libglib2.0-0 libxcb1 python3-dev \
    && /opt/steps/one_date "$begin"


# Without ComfyUI's environment: JupyterLab is up soon on a host that has nothing, and the environment for this host's driver
# arrives behind the starting page.
FROM comfyui-locks AS comfyui-all-locks
RUN --mount=type=bind,from=steps,target=/opt/steps \
    for torch in cu128 cu130 cpu; do /opt/image/split_lock "$torch" "/opt/comfyui-locks/$torch"; done \
    && /opt/steps/one_date 0 /opt/comfyui-locks

FROM node-support AS comfyui-thin
COPY --link --from=comfyui-all-locks /opt/comfyui-locks /opt/comfyui-locks
COPY --link --from=comfyui / /opt/comfyui
RUN --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && install -d -m 1777 /opt/comfyui /opt/comfyui/user \
    && /opt/steps/one_date "$begin"
COPY --link --from=app /kernel /


FROM node-support AS comfyui-torch
# ComfyUI's environment, a layer for each part: of similar size, so that they are fetched side by side, and those that a new
# ComfyUI does not change are not fetched again. Not copied from another stage, which would hold them twice.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/opt/wheels \
    --mount=type=bind,from=steps,target=/opt/steps \
    --mount=type=bind,from=comfyui-locks,source=/opt/locks/cuda-1.txt,target=/opt/locks/cuda-1.txt \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/wheels /opt/locks/cuda-1.txt
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/opt/wheels \
    --mount=type=bind,from=steps,target=/opt/steps \
    --mount=type=bind,from=comfyui-locks,source=/opt/locks/cuda-2.txt,target=/opt/locks/cuda-2.txt \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/wheels /opt/locks/cuda-2.txt
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/opt/wheels \
    --mount=type=bind,from=steps,target=/opt/steps \
    --mount=type=bind,from=comfyui-locks,source=/opt/locks/torch.txt,target=/opt/locks/torch.txt \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/wheels /opt/locks/torch.txt

FROM comfyui-torch AS comfyui-on
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/opt/wheels \
    --mount=type=bind,from=steps,target=/opt/steps \
    --mount=type=bind,from=comfyui-locks,source=/opt/locks/packages.txt,target=/opt/locks/packages.txt \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/wheels /opt/locks/packages.txt
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/opt/wheels \
    --mount=type=bind,from=steps,target=/opt/steps \
    --mount=type=bind,from=comfyui-locks,source=/opt/locks/comfyui.txt,target=/opt/locks/comfyui.txt \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/wheels /opt/locks/comfyui.txt
COPY --link --from=comfyui / /opt/comfyui
# ComfyUI keeps a log and, so that it is on a local disk, its database beside its code, whoever runs it. Compiled,
# because whoever runs it may not be able to; a file that can't be is none that ComfyUI imports.
RUN --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && install -d -m 1777 /opt/comfyui /opt/comfyui/user \
    && { /opt/comfyui-env/bin/python -m compileall -q /opt/comfyui >/dev/null || true; } \
    && /opt/steps/one_date "$begin"
# JupyterLab's notebooks can run in ComfyUI's environment.
COPY --link --from=app /kernel /



# The nodes of every pack (`podkeeper nodes install all`), each at its pinned commit.
FROM environment AS nodes-clone
COPY --from=app /opt/podkeeper/app /opt/podkeeper/app
RUN --mount=type=bind,from=steps,target=/opt/steps \
    mkdir /opt/comfyui-nodes \
    && /opt/podkeeper/env/bin/python -I -m entrypoint.nodes.bake /opt/comfyui-nodes \
    && chmod -R a+rwX /opt/comfyui-nodes \
    && /opt/steps/one_date 0 /opt/comfyui-nodes

FROM scratch AS nodes
COPY --from=nodes-clone /opt/comfyui-nodes /

# Their packages, by hash, beside ComfyUI's, of which they replace none.
FROM comfyui-on AS comfyui-full
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=entrypoint/nodes/packs,target=/opt/packs --mount=type=bind,from=steps,target=/opt/steps \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/packs /opt/packs/wan.txt /opt/packs/flux.txt
COPY --link --from=nodes / /opt/comfyui-nodes


# RunPod's SDK, in an environment of its own: what it needs would else hold back JupyterLab's and ComfyUI's packages.
FROM system AS worker-environment
COPY image/worker.lock /opt/image/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=steps,target=/opt/steps \
    /opt/steps/install_comfyui /opt/podkeeper/worker-env /opt/image /opt/image/worker.lock

FROM scratch AS worker-off
WORKDIR /opt/podkeeper/worker-env

FROM scratch AS worker-on
COPY --from=worker-environment /opt/podkeeper/worker-env /opt/podkeeper/worker-env

# hadolint ignore=DL3006 # one of the two above
FROM worker-${WORKER} AS worker


# SageAttention for the GPUs of SAGE_ARCHITECTURES (compute capabilities). Nothing of this stage but the wheel is in an image.
FROM comfyui-torch AS sage-build
ARG COMFYUI
ARG SAGE_ARCHITECTURES="8.0 8.6 8.9 9.0 12.0"
COPY image/build_sage image/sage_setup.py image/sage.lock /opt/image/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=cuda,target=/opt/cuda \
    --mount=type=bind,from=sageattention,target=/opt/sageattention,rw \
    /opt/image/build_sage /opt/comfyui-env /opt/sageattention /opt/cuda /opt/sage

# hadolint ignore=DL3006 # one of the stages above
FROM comfyui-${COMFYUI} AS sage-off

# hadolint ignore=DL3006 # one of the stages above
FROM comfyui-${COMFYUI} AS sage-on
RUN --mount=type=bind,from=sage-build,source=/opt/sage,target=/opt/sage --mount=type=bind,from=steps,target=/opt/steps \
    /opt/steps/install_comfyui /opt/comfyui-env /opt/sage /opt/sage/packages.txt


# hadolint ignore=DL3006 # one of the stages above
FROM sage-${SAGE} AS rclone-off

# Debian's, whose archive signs its hash: a rebuild brings its security updates.
FROM rclone-off AS rclone-on
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rclone \
    && /opt/steps/one_date "$begin"


# hadolint ignore=DL3006 # one of the stages above
FROM rclone-${RCLONE} AS image
# Open to everybody, so that any --user can run the pod: /run for /run/podkeeper, which must be the user's own,
# /var/log, a home, /workspace (a fresh named volume takes its mode), the nodes' packages, local models, and the data folder (a promise:
# drwxrwxrwx). /run/sshd must be root's, and in /run another user could make it first.
# bash.bashrc: what terminals read; completion of `podkeeper`.
# podkeeper: in every search path, also in those that know nothing of the ENV below (login shells, su, cron, sshd).
# safe.directory: a volume's clones belong to whoever made them, and git would refuse them. '*', because git takes a
# folder with everything below it ('/comfyui/*') from 2.46 on; Debian 12 has 2.39 and Ubuntu 24.04 has 2.43.
RUN --mount=type=bind,from=steps,target=/opt/steps \
    begin=$(date +%s) \
    && chmod 1777 /run /var/log \
    && install -d -m 1777 /home/podkeeper /workspace \
    && install -d -m 0777 /comfyui \
    && install -d -m 1777 /var/lib/podkeeper/packages /var/lib/podkeeper/models \
    && install -d -m 0755 /run/sshd \
    && git config --system safe.directory '*' \
    && echo '. /opt/podkeeper/completion.bash' >>/etc/bash.bashrc \
    && ln -s /opt/podkeeper/env/bin/podkeeper /usr/local/bin/podkeeper \
    && /opt/steps/one_date "$begin"
COPY --link --from=environment /environment /
COPY --link --from=app /app /
COPY --link --from=worker /opt/podkeeper/worker-env /opt/podkeeper/worker-env
COPY --link --from=completion /completion /

ENV PATH=/opt/podkeeper/app/entrypoint/packages/bin:/opt/podkeeper/env/bin:/var/lib/podkeeper/packages/env/bin:$PATH \
    LANG=C.UTF-8 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DISABLE_REQUIRE=true \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
EXPOSE 8188 8189 8190
STOPSIGNAL SIGTERM
# Unhealthy: nobody can log in. Degraded (ComfyUI is down, a condition holds) is healthy, and its text says so: an
# orchestrator that kills what is unhealthy would take the user's terminals away.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --start-interval=1s --retries=3 \
    CMD ["/opt/podkeeper/env/bin/python", "-I", "-m", "entrypoint.health"]
# Exec form, and the whole pod: a template's start command replaces CMD only. env holds the stop signals back from
# the first millisecond on; PID 1 would lose one that arrives while Python loads, and be killed 10 s later.
# supervision/plugin.py lets them in.
ENTRYPOINT ["/usr/bin/env", "--block-signal=TERM,INT,QUIT", "/opt/podkeeper/env/bin/python", "-I", "-m", "entrypoint"]

# scripts/version prints the version; a label says "unknown" where a build does not pass its value.
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Podkeeper" \
      org.opencontainers.image.description="JupyterLab and ComfyUI on a GPU pod: reachable behind RunPod's proxy, behind a login, kept alive" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"
