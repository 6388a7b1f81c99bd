# Tersely as an HTTP service, with its model inside: nothing is fetched when it runs.
#
#   docker build -t tersely .
#   docker run --rm -p 8000:8000 -e TERSELY_SERVER_TOKEN tersely
#
# It listens beyond the container, so it does not start without TERSELY_SERVER_TOKEN (or --token-file with a mounted
# secret, or --allow-anonymous, where only a private network reaches it). Options of `tersely serve` go at the end.

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/tersely
ENV PATH=/opt/tersely/bin:$PATH
WORKDIR /source
COPY constraints.txt ./
# torch alone comes from its CPU index: that of PyPI brings gigabytes of CUDA along.
RUN pip install --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu torch
COPY pyproject.toml README.md LICENSE ./
COPY compressor compressor
COPY integrations integrations
COPY eval eval
# llama-index-core carries the tiktoken encodings that count tokens.
RUN pip install --constraint constraints.txt ".[server]" llama-index-core
ENV TERSELY_HOME=/opt/tersely/home
RUN tersely models fetch

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tersely
COPY --from=build /opt/tersely /opt/tersely
ENV PATH=/opt/tersely/bin:$PATH \
    TERSELY_HOME=/opt/tersely/home \
    HF_HUB_OFFLINE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tersely", "serve", "--host", "0.0.0.0", "--port", "8000"]
