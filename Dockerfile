# StatFlow in a container: one process and its store, data in /data.

FROM node:22-slim AS web
WORKDIR /src/api/web
COPY api/web/package.json api/web/package-lock.json ./
RUN npm ci
COPY api/web .
RUN npm run build

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
COPY --from=web /src/api/static.new api/static
RUN python -m venv /opt/statflow \
    # The versions of the lock; their hashes cannot name the package that is built here.
    && sed -e '/--hash=/d' -e 's/ *\\$//' requirements.lock > /tmp/constraints.txt \
    && /opt/statflow/bin/pip install --no-cache-dir --constraint /tmp/constraints.txt .

FROM python:3.13-slim
RUN useradd --uid 10001 --home-dir /data --no-create-home statflow \
    && install --directory --owner=statflow --mode=0700 /data
COPY --from=build /opt/statflow /opt/statflow
ENV PATH=/opt/statflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STATFLOW_BIND=0.0.0.0:8080 \
    STATFLOW_DATA=/data \
    STATFLOW_LOG_FORMAT=json
USER statflow
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Alive, not ready: while it reads its log it must not be started again.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["statflow"]
CMD ["serve"]
