"""Names: every queue has its dead letters, outbound ones a routing key."""

from kernel.queues import QUEUES, Queue


def test_every_queue_has_its_dead_letters() -> None:
    names = {queue.name for queue in QUEUES}
    assert all(queue.dead.name in names for queue in QUEUES if not queue.is_dead)
    assert Queue("outbound.sms.service.main").topic == "sms.service.main"
    assert Queue("outbound.sms.service.main.dead").topic == ""


def test_what_gateways_write_goes_by_an_exchange_of_its_own() -> None:
    routed = {queue.name: queue.route for queue in QUEUES}
    assert routed["outbound.sms.service.main"] == ("hexad.outbound", "sms.service.main")
    assert [name for name, (exchange, _) in routed.items() if exchange == "hexad.gateway"] == [
        "gateway.receipts", "gateway.inbound",
    ]  # fmt: skip
    assert routed["work.default"] == routed["gateway.receipts.dead"] == ("", "")
