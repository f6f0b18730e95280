# One image for every service of docker-compose.yml: the locked packages and this repository.
FROM python:3.11-slim-trixie

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 posttrade

WORKDIR /opt/posttrade
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable . \
    && mkdir -p /var/lib/posttrade/home /var/lib/posttrade/inbox /var/lib/posttrade/outbox /var/lib/posttrade/reports \
    && chown -R posttrade:posttrade /var/lib/posttrade

USER posttrade
ENV PYTHONUNBUFFERED=1 \
    POSTTRADE_HOME=/var/lib/posttrade/home \
    POSTTRADE_INBOX_DIR=/var/lib/posttrade/inbox \
    POSTTRADE_OUTBOX_DIR=/var/lib/posttrade/outbox \
    POSTTRADE_REPORTS_DIR=/var/lib/posttrade/reports
ENTRYPOINT ["python", "-m", "posttrade"]
CMD ["--help"]
