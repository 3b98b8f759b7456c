"""Server-Sent Events are put together as the standard says."""

from api.cli.sse import Event, EventReader


def read(text: str, reader: EventReader | None = None) -> list[Event]:
    reader = reader or EventReader()
    return [event for line in text.split("\n") for event in reader.feed(line)]


def test_fields_become_an_event_at_the_empty_line() -> None:
    assert read("event: change\nid: p1:5-0\ndata: {}\n\n") == [Event("change", "{}", "p1:5-0")]


def test_data_lines_are_joined_and_one_space_is_cut() -> None:
    assert read("data:a\ndata:  b\n\n") == [Event("message", "a\n b", None)]


def test_an_unfinished_event_is_none() -> None:
    assert read("event: change\ndata: {}") == []


def test_comments_and_events_without_data_say_nothing_but_ids_count() -> None:
    reader = EventReader()
    assert read(": hello\nretry: 250\n\nid: 7\n\n", reader) == []
    assert (reader.last_id, reader.retry_ms) == ("7", 250)
    assert read("data: x\n\n", reader) == [Event("message", "x", "7")]


def test_what_is_not_understood_is_passed_over() -> None:
    reader = EventReader(last_id="1")
    assert read("retry: soon\nid: a\0b\nother: x\ndata: y\n\n", reader) == [
        Event("message", "y", "1")
    ]
    assert reader.retry_ms is None
