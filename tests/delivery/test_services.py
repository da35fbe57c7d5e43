"""With CI=true the services beside PostgreSQL must be there, so that no test of them is ever left out in silence."""

import os

import pytest
import redis

from tests.brokers import rabbitmq_answers
from tests.conftest import REDIS_URL

IN_CI = os.environ.get("CI") == "true"


@pytest.mark.skipif(not IN_CI, reason="only CI=true demands RabbitMQ and Redis")
def test_rabbitmq_and_redis_answer_at_their_usual_ports() -> None:
    assert rabbitmq_answers()
    with redis.Redis.from_url(REDIS_URL, socket_timeout=5) as client:
        assert client.ping()
