"""The peer of the fan-out: one Celery task per message, as it is usually written, with a task for each receipt too.

It looks the message up, renders, publishes with confirmation and notes that it was sent; nothing is claimed in sets,
no consent is looked at a second time, and what a crash leaves open stays open.
"""

import os
from typing import Any

import msgspec
import psycopg
from celery import Celery
from celery.signals import worker_process_init
from kombu import Connection, Exchange, Producer, Queue

from kernel import settings
from kernel.queues.rabbitmq import arguments
from kernel.security.crypto import Fields, Place
from mobile_contracts.messaging.outbound import Receipt, Sms
from notifications.channel.sms import segments, signed

_PLAIN = settings.Settings()

TASKS = "bench.tasks"
_URL, _DATABASE = os.environ.get("HEXAD_BROKER_URL", "memory://"), os.environ.get("BENCH_DATABASE_URL", "")
_PREFIX = os.environ.get("HEXAD_QUEUE_PREFIX", "")
_OUT, _BACK = _PREFIX + "outbound.sms.service.main", _PREFIX + "gateway.receipts"
_LOOK_UP = """
select o.id, c.customer_no, c.name, c.mobile, o.at, o.at + interval '1 day'
  from outgoing o join customer c on c.id = o.customer_id
 where o.id = %s and o.state = 'queued'"""


def make_app(url: str, prefix: str) -> Celery:
    """The app as its worker and whoever starts tasks use it."""
    made, name = Celery("peer", broker=url, fixups=[]), prefix + TASKS
    made.conf.update(
        task_default_queue=name, task_ignore_result=True, worker_prefetch_multiplier=4, task_acks_late=True,
        broker_transport_options={"confirm_publish": True},
        task_queues=[Queue(name, Exchange(""), routing_key=name, queue_arguments=arguments(name))],
    )  # fmt: skip
    return made


app = make_app(_URL, _PREFIX)
_held: dict[str, Any] = {}


def begin(**_: Any) -> None:
    """What each child keeps: a connection to either side."""
    _held["settings"] = settings.current()
    _held["fields"] = Fields(_held["settings"])
    _held["database"] = psycopg.connect(_DATABASE)
    connection = Connection(_URL, transport_options={"confirm_publish": True})
    _held["producer"] = Producer(connection.channel(), auto_declare=False)


worker_process_init.connect(begin)


@app.task(name="peer.send")  # type: ignore[untyped-decorator]
def send(message_id: str) -> None:
    """One message to the gateway."""
    with _held["database"].transaction(), _held["database"].cursor() as cursor:
        row = cursor.execute(_LOOK_UP, (message_id,)).fetchone()
        if row is None:
            return
        id_, customer_no, name, mobile, created_at, expires_at = row
        text = signed(_PLAIN, f"尊敬的{name}:天气转凉,请注意保暖", "zh")
        number = _held["fields"].open(bytes(mobile), Place("customer", "mobile", customer_no))
        sms = Sms(id=id_, purpose="service", to=number, sender="10690000", text=text, segments=segments(text),
                  created_at=created_at, expires_at=expires_at, attempt=1)  # fmt: skip
        sealed = _held["fields"].seal(msgspec.json.encode(sms).decode(), Place("outgoing", "content", message_id))
        _held["producer"].publish(
            msgspec.json.encode(sms), routing_key=_OUT, content_type="application/json", delivery_mode=2
        )
        cursor.execute(
            "update outgoing set state = 'sent', attempt = 1, content = %s, at = clock_timestamp() where id = %s",
            (sealed, message_id),
        )


@app.task(name="peer.receive")  # type: ignore[untyped-decorator]
def receive(body: str) -> None:
    """One receipt of the gateway."""
    one = msgspec.json.decode(body, type=Receipt)
    with _held["database"].transaction(), _held["database"].cursor() as cursor:
        cursor.execute(
            "insert into receipt (message_id, gateway, gateway_id, status, at, code) values (%s, %s, %s, %s, %s, %s)"
            " on conflict do nothing",
            (one.id, one.gateway, one.gateway_id, one.status, one.at, one.code),
        )
        cursor.execute("update outgoing set state = %s where id = %s", (one.status, one.id))


def pass_on() -> None:
    """Gives every receipt in the queue to a task, until it is ended."""
    with Connection(_URL) as connection:
        queue = Queue(_BACK, Exchange(""), routing_key=_BACK, no_declare=True)

        def given(body: Any, message: Any) -> None:
            receive.delay(message.body if isinstance(message.body, str) else bytes(message.body).decode())
            message.ack()

        with connection.Consumer(queue, callbacks=[given], accept=["json"], prefetch_count=100):
            while True:
                connection.drain_events()


if __name__ == "__main__":
    pass_on()
