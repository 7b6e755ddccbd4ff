"""What is shown holds no secret."""

from crossapp.core.masking import MASKED, Masker, telling_members
from tests.requesting_app.peers import id_token


def test_members_with_a_telling_name_are_masked_at_any_depth() -> None:
    value = {"a": [{"Access_Token": "x", "scope": "read"}], "client_secret": "y", "expires_in": 3}

    assert Masker([]).value(value) == {
        "a": [{"Access_Token": MASKED, "scope": "read"}],
        "client_secret": MASKED,
        "expires_in": 3,
    }


def test_what_is_masked_already_stays_as_it_is_with_the_scheme_of_its_header() -> None:
    for value in (MASKED, f"Basic {MASKED}", f"Bearer {MASKED}", f"DPoP {MASKED}"):
        assert Masker([]).value({"Authorization": value}) == {"Authorization": value}
    for value in (f"canary {MASKED}", f"{MASKED} canary", "Bearer canary"):
        assert Masker([]).value({"Authorization": value}) == {"Authorization": MASKED}


def test_a_known_secret_is_masked_wherever_a_peer_echoes_it() -> None:
    masker = Masker(["canary", "canary-and-more", ""])

    assert masker.value({"error_description": "no canary-and-more: canary", "canary": 1}) == {
        "error_description": f"no {MASKED}: {MASKED}",
        MASKED: 1,
    }


def test_a_jwt_is_masked_anywhere_and_a_host_name_is_not() -> None:
    text = f"http://customer1.idp.localhost:8000 says {id_token()}!"
    assert Masker([]).text(text) == f"http://customer1.idp.localhost:8000 says {MASKED}!"


def test_a_jwt_that_was_cut_short_is_masked_too() -> None:
    assert Masker([]).text(f"{id_token()[:60]}") == MASKED
    assert Masker([]).text(f"({id_token()[:12]})") == f"({MASKED})"


def test_the_strings_with_a_telling_name_are_found() -> None:
    assert telling_members({"a": {"token": "x"}, "b": [{"assertion": "y"}], "scope": "z", "id_token": 5}) == ["x", "y"]
