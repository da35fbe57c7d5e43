"""The people and the phone of the tests of signing in, and the API that they ask."""

from tests.api.conftest import api, open_api
from tests.api.identity.conftest import people, phone

__all__ = ["api", "open_api", "people", "phone"]
