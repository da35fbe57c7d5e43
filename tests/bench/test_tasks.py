"""The peer's app declares its tasks on a queue of its own, replicated as ours are."""

from bench import tasks


def test_the_tasks_and_their_queue() -> None:
    app = tasks.make_app("memory://", "bench-1.")
    (queue,) = app.conf.task_queues
    assert (queue.name, app.conf.task_default_queue) == ("bench-1.bench.tasks", "bench-1.bench.tasks")
    assert queue.queue_arguments["x-queue-type"] == "quorum"
    assert {"peer.send", "peer.receive"} <= tasks.app.tasks.keys()
