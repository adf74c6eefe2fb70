"""What subscribers of the status stream receive."""

from entrypoint.status.subscribers import Patch, Subscriber, changed, event


def test_only_changes_are_sent() -> None:
    assert changed({"a": 1, "b": [1]}, {"a": 1, "b": [2], "c": None}) == {"b": [2], "c": None}
    assert changed({"a": 1}, {"a": 1}) == {}


def test_each_patch_wakes_the_subscriber_and_is_taken_once() -> None:
    woken: list[int] = []
    subscriber = Subscriber(lambda: woken.append(1))
    subscriber.notify(Patch({"a": 1}))
    taken = subscriber.take_pending()
    assert taken is not None
    assert taken.message() == b'event: patch\ndata: {"a":1}\n\n'
    assert subscriber.take_pending() is None
    assert woken == [1]


def test_a_slow_reader_gets_one_merged_patch() -> None:
    subscriber, other = Subscriber(lambda: None), Subscriber(lambda: None)
    for parts in ({"a": 1, "b": 1}, {"a": 2}, {"c": 3}):
        patch = Patch(parts)
        subscriber.notify(patch)
        other.notify(patch)
        other.take_pending()
    taken = subscriber.take_pending()
    assert taken is not None
    assert taken.parts == {"a": 2, "b": 1, "c": 3}


def test_an_event_on_the_wire() -> None:
    assert event("patch", '{"a":1}', "7.5") == b'event: patch\nid: 7.5\ndata: {"a":1}\n\n'
    assert event("hello", "{}") == b"event: hello\ndata: {}\n\n"


def test_no_text_can_end_an_event() -> None:
    message = Patch({"at": 7.5, "reason": "two\nlines\r\n"}).message()
    assert message.startswith(b"event: patch\nid: 7.5\ndata: {")
    assert message.count(b"\n") == 4
