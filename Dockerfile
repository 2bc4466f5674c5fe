# One image for every part: web, workers, sweep, migrations. PIP_ARGS goes to pip, for instance to take torch's CPU
# build from an index that has it, which makes the image some 2 GB smaller.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-trixie AS build
ARG PIP_ARGS=""
WORKDIR /src
RUN python -m venv /opt/qa-audit
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY qa_audit qa_audit
COPY workers workers
COPY templates templates
COPY static static
COPY rubrics rubrics
RUN /opt/qa-audit/bin/pip install --no-cache-dir ${PIP_ARGS} -c constraints.txt '.[s3,faster]'

FROM python:${PYTHON}-slim-trixie
# pg_dump and pg_restore, for `qa-audit backup` and `restore`
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data --create-home qa-audit
COPY --from=build /opt/qa-audit /opt/qa-audit
ENV PATH=/opt/qa-audit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    QA_AUDIT_DATA_DIR=/data
USER qa-audit
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["qa-audit"]
CMD ["serve", "--host", "0.0.0.0"]
