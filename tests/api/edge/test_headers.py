"""A request goes by the id that its sender gave, when that is one."""

from api.edge.headers import header, new_request_id


def test_a_request_id_is_taken_only_when_well_formed() -> None:
    assert new_request_id({"headers": [(b"x-request-id", b"abcdefgh-1")]}) == "abcdefgh-1"
    for bad in (b"short", b"with space here", b"x" * 65, b'"><script>'):
        assert new_request_id({"headers": [(b"x-request-id", bad)]}) != bad.decode()


def test_the_first_of_several_headers_counts() -> None:
    assert header({"headers": [(b"a", b"1"), (b"a", b"2")]}, b"a") == "1"
    assert header({"headers": []}, b"a") == ""
