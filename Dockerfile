# The processes of a deployment. docker-compose.yml adds the proxy, MariaDB and Redis.

FROM python:3.13-slim-bookworm AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential pkg-config default-libmysqlclient-dev \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt requirements-mysql.txt ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt -r requirements-mysql.txt

FROM python:3.13-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmariadb3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home app
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 WEB_CONCURRENCY=2
WORKDIR /app
COPY . .
# Only the demo's secrets are written, to var. Static files are served from the source tree.
RUN python -m compileall -q . \
    && mkdir var \
    && chown app:app var
USER 10001:10001
VOLUME /app/var
EXPOSE 8000
CMD ["python", "manage.py", "serve", "0.0.0.0:8000"]
