"""Names: every queue has its dead letters, outbound ones a routing key."""

from kernel.queues import QUEUES, Queue


def test_every_queue_has_its_dead_letters() -> None:
    names = {queue.name for queue in QUEUES}
    assert all(queue.dead.name in names for queue in QUEUES if not queue.is_dead)
    assert Queue("outbound.sms.service.main").topic == "sms.service.main"
    assert Queue("outbound.sms.service.main.dead").topic == ""
