#!/bin/sh
# Installs what the service needs into the virtual environment VENV: scripts/install.sh VENV
# Which build of torch that is, say these variables, the first that is set:
#     TORCH_INDEX    the address of an index of wheels
#     TORCH_BACKEND  the build's name as uv knows it: cpu, cu130 ...
# Without them pip takes its default build, which on Linux brings CUDA. TORCH_SPEC pins versions, such as
# "torch==2.10.0+cpu torchvision==0.25.0+cpu"; without it the ranges in requirements.txt hold.
set -eu

python=$1/bin/python

install() {
    "$python" -m pip install --quiet --disable-pip-version-check -c requirements.lock "$@"
}

if [ -z "${TORCH_INDEX:-}" ] && [ -n "${TORCH_BACKEND:-}" ]; then
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    install --target "$tools" uv
    # pip finds torch there and leaves it
    # shellcheck disable=SC2086
    grep -E '^torch(vision)?[^a-z]' requirements.txt | "$tools/bin/uv" pip install --quiet \
        --python "$python" --torch-backend "$TORCH_BACKEND" -c requirements.lock -r - ${TORCH_SPEC:-}
fi
# shellcheck disable=SC2086
install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt ${TORCH_SPEC:-}
