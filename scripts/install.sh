#!/bin/sh
# Installs what the service needs into the virtual environment VENV: scripts/install.sh VENV
# Which build of torch that is, say these variables, the first that is set:
#     TORCH_INDEX    the address of an index of wheels
#     TORCH_BACKEND  the build's name as uv knows it: cpu, cu130 ... Empty is pip's default build, which on
#                    Linux brings CUDA.
# Without them uv looks which build suits the machine, the CPU's where there is no GPU; where that cannot be
# had, pip's default build serves as well. TORCH_SPEC pins versions, such as
# "torch==2.10.0+cpu torchvision==0.25.0+cpu"; without it the ranges in requirements.txt hold.
set -eu

python=$1/bin/python

install() {
    "$python" -m pip install --quiet --disable-pip-version-check -c requirements.lock "$@"
}

torch_by_uv() {  # torch_by_uv BACKEND; pip finds torch there afterwards and leaves it
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    # shellcheck disable=SC2086
    install --target "$tools" uv \
        && grep -E '^torch(vision)?[^a-z]' requirements.txt | "$tools/bin/uv" pip install --quiet \
            --python "$python" --torch-backend "$1" -c requirements.lock -r - ${TORCH_SPEC:-}
}

if [ -z "${TORCH_INDEX:-}" ]; then
    case ${TORCH_BACKEND-auto} in
        '') ;;
        auto) torch_by_uv auto 2>/dev/null || echo "The build of torch for this machine cannot be had: taking pip's default" ;;
        *) torch_by_uv "$TORCH_BACKEND" ;;
    esac
fi
# shellcheck disable=SC2086
install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt ${TORCH_SPEC:-}
