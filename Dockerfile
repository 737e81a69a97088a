# The service as an image, with torch for CPUs; scripts/install.sh says what the arguments choose. An
# empty TORCH_BACKEND gives pip's default build, which brings CUDA.
FROM python:3.11-slim AS builder
ARG TORCH_BACKEND=cpu
ARG TORCH_INDEX=""
ARG TORCH_SPEC=""
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1
RUN python -m venv /opt/venv
WORKDIR /build
COPY requirements*.txt requirements.lock scripts/install.sh ./
RUN ./install.sh /opt/venv
COPY model/*.py model/
COPY web/*.py web/plotly.min.j[s] web/
RUN /opt/venv/bin/python -m web.plotly

FROM python:3.11-slim
# A fixed number, so that volumes and Kubernetes can name it.
RUN groupadd --gid 10001 sam \
    && useradd --uid 10001 --gid sam --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sam \
    && install -d -o sam -g sam /models /data /logs \
    && install -d -m 1777 /metrics # a tmpfs over it takes its mode, but not its owner
COPY --from=builder /opt/venv /opt/venv
WORKDIR /app
COPY . .
COPY --from=builder /build/web/plotly.min.js web/
# The root is read-only at run time: what libraries want to write goes to /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    PROMETHEUS_MULTIPROC_DIR=/metrics \
    FLASK_HOST=0.0.0.0 \
    SAM_MODEL_PATH=/models/mobile_sam.pt \
    HEAD_MODEL_PATH=/app/model/droplet_head.safetensors \
    DATA_DIR=/data
RUN python -m compileall -q /app \
    && printf '#!/bin/sh\nexec python -P -m cli "$@"\n' > /opt/venv/bin/sam-droplet \
    && chmod +x /opt/venv/bin/sam-droplet
USER 10001:10001
EXPOSE 9487
STOPSIGNAL SIGTERM
ARG VERSION=local
LABEL org.opencontainers.image.title="SAM Droplet Segmentation" \
      org.opencontainers.image.description="Counts and measures droplets in microscope pictures" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION"
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os; c = h.HTTPConnection('127.0.0.1', int(os.environ.get('FLASK_PORT') or 9487), timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["gunicorn", "app:create_app()"]
