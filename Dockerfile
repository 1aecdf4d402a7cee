# A small image of the host: `docker build -t omnicore .`
# The first stage builds wheels, the second has neither compiler nor sources. Every dependency has the version and the hash
# of requirements/image.txt, which `tox -e lock` renews.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements/image.txt ./
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels -r image.txt \
    && pip install --no-cache-dir --no-index --find-links /wheels hatchling
COPY pyproject.toml README.md LICENSE ./
COPY host host
COPY host_build host_build
COPY plugins plugins
COPY sdk sdk
COPY specs specs
RUN pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels "omnicore[postgresql,redis]" \
    && useradd --system --uid 10001 --home-dir /var/lib/omnicore --create-home --shell /usr/sbin/nologin omnicore \
    && chmod 700 /var/lib/omnicore \
    && mkdir /plugins
# In a container the host keeps its data in /var/lib/omnicore, which is its user's alone, takes secrets from
# /run/secrets, logs JSON lines, and listens beyond loopback once it has a token: `omnicore config show --origin` tells.
ENV OMNICORE_PLUGINS=/plugins PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /var/lib/omnicore
VOLUME ["/var/lib/omnicore"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=30s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('OMNICORE_PORT', '8080') + '/healthz', timeout=2)"]
CMD ["omnicore", "run", "--serve"]
