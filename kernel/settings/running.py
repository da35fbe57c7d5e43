"""The other processes, their ports, and what they tell."""

from typing import Annotated

from kernel.settings.meaning import says
from kernel.settings.serving import Serving


class Running(Serving, frozen=True, kw_only=True):
    """The other processes, their ports, and what they tell."""

    worker_port: Annotated[int, says("port of the worker's health and metrics", ge=1, le=65535)] = 8002
    relay_port: Annotated[int, says("port of the relay's health and metrics", ge=1, le=65535)] = 8003
    beat_port: Annotated[int, says("port of the beat's health and metrics", ge=1, le=65535)] = 8004
    probe_host: Annotated[str, says("address of the health ports of worker, relay and beat")] = "127.0.0.1"
    mailer_port: Annotated[int, says("port of the e-mail sender's health and metrics", ge=1, le=65535)] = 8008
    simulators: Annotated[str, says("those of sms, smtp, advisory that `hexad up` starts")] = "sms,smtp,advisory"
    simulator_host: Annotated[str, says("address of the gateway simulators")] = "127.0.0.1"
    sms_simulator_port: Annotated[int, says("port of the SMS simulator's health", ge=1, le=65535)] = 8005
    sms_simulator_manner: Annotated[str, says("how the SMS simulator misbehaves: `delay=2,refuse=0.1,shuffle`")] = ""
    smtp_simulator_manner: Annotated[str, says("how the SMTP simulator misbehaves: `delay=2,later=0.1`")] = ""
    mailbox_port: Annotated[int, says("port of the SMTP simulator's mailbox page", ge=1, le=65535)] = 8006
    advisory_simulator_port: Annotated[int, says("port of the simulated advisory platform", ge=1, le=65535)] = 8007
    smtp_simulator_port: Annotated[int, says("port of the SMTP simulator", ge=1, le=65535)] = 8025
    worker_processes: Annotated[int, says("children of a worker", ge=1, le=256)] = 2
    job_timeout: Annotated[
        float, says("longest that one job may take; a child is killed after twice that", ge=1, le=3600)
    ] = 60.0
    job_attempts: Annotated[int, says("tries before a job is set aside", ge=1, le=100)] = 5
    job_backoff: Annotated[
        float,
        says("wait before a job's second try; each later one waits 4 times longer, at most a day", gt=0, le=86_400),
    ] = 2.0
    unknown_days: Annotated[
        int, says("days for which an event or a job waits for a process whose version knows it", ge=1, le=90)
    ] = 7
    worker_silence: Annotated[
        float, says("silence after which a worker is taken for dead and its jobs go to another", ge=2, le=600)
    ] = 30.0
    drain: Annotated[float, says("longest graceful stop", gt=0, le=600)] = 20.0
    metrics_from: Annotated[str, says("networks that may read /metrics, comma-separated")] = (
        "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    )
    audit_anchor: Annotated[str, says("file to which every seal of the audit log is appended; empty: in HEXAD_VAR")] = (
        ""
    )
    log_level: Annotated[str, says("DEBUG, INFO, WARNING or ERROR", pattern=r"^(DEBUG|INFO|WARNING|ERROR)\Z")] = "INFO"
    otlp_endpoint: Annotated[str, says("OpenTelemetry collector (OTLP over HTTP); empty: no tracing")] = ""
