# A small image of the host: `docker build -t omnicore .`, for linux/amd64 and linux/arm64.
# Three stages: `console` builds the web console, `wheel` installs the host, `run` has neither compiler nor sources. Every Python
# dependency has the version and the hash of requirements/image.txt or build.txt, which `tox -e lock` renews, every package
# of the console those of web/package-lock.json. `tox -e deploy` carries these steps out without Docker.
FROM node:22-slim AS console
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.12-slim AS wheel
WORKDIR /src
COPY requirements/build.txt requirements/image.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /build \
    && pip --python /build/bin/python install --only-binary :all: --require-hashes -r build.txt \
    && /build/bin/python -m pip wheel --no-build-isolation --only-binary :all: --no-binary nkeys \
        --require-hashes --wheel-dir /wheels -r image.txt
COPY pyproject.toml README.md LICENSE ./
COPY host/omnicore host/omnicore
COPY host/omega_runtime host/omega_runtime
COPY host_build/console_hook.py host_build/
COPY plugins/jq/dist plugins/jq/dist
COPY sdk sdk
COPY specs/wit specs/wit
COPY specs/examples specs/examples
COPY --from=console /src/web/dist web/dist
RUN OMNICORE_CONSOLE=built /build/bin/python -m pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
    && python3 -m venv --without-pip /opt/omnicore \
    && pip --python /opt/omnicore/bin/python install --no-index --find-links /wheels "omnicore[postgresql,fleet,redis,otel]"

FROM python:3.12-slim AS run
COPY --from=wheel /opt/omnicore /opt/omnicore
RUN groupadd --system --gid 10001 omnicore \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/omnicore --create-home --shell /usr/sbin/nologin omnicore \
    && chmod 700 /var/lib/omnicore \
    && mkdir /plugins \
    && ln -s /opt/omnicore/bin/omnicore /usr/local/bin/omnicore
# In a container the host keeps its data in /var/lib/omnicore, which is its user's alone, takes secrets from
# /run/secrets, logs JSON lines, and listens beyond loopback once it has a token: `omnicore config show --origin` tells.
ENV OMNICORE_PLUGINS=/plugins PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/omnicore
VOLUME ["/var/lib/omnicore"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=30s CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('OMNICORE_PORT', '8080') + '/healthz', timeout=2)"]
CMD ["omnicore", "run", "--serve"]
