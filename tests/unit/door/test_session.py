"""The status page's login: token, cookie and foreign pages."""

import pytest

from entrypoint.door.session import COOKIE_LASTS, Given, Login, cookie_name

NOW = 1_800_000_000.0
TOKEN = "the-pods-token"
LOGIN = Login(TOKEN, "cookie secret", required=True)
COOKIE = LOGIN.cookie(NOW)
UNTIL, _, MAC = COOKIE.partition(".")


@pytest.mark.parametrize(
    ("given", "foreign", "allowed"),
    [
        (Given(), False, False),
        (Given(query=TOKEN), False, True),
        (Given(query=TOKEN), True, True),  # a page that knows the token is trusted
        (Given(query=TOKEN + "x"), False, False),
        (Given(query=TOKEN[:-1]), False, False),
        (Given(query="schlüssel"), False, False),
        (Given(authorization=f"Bearer {TOKEN}"), False, True),
        (Given(authorization=f"bearer  {TOKEN} "), True, True),
        (Given(authorization=f"token {TOKEN}"), False, True),
        (Given(authorization=TOKEN), False, False),
        (Given(authorization=f"Basic {TOKEN}"), False, False),
        (Given(authorization="Bearer "), False, False),
        (Given(cookie=COOKIE), False, True),
        (Given(cookie=COOKIE), True, False),  # browsers add it by themselves
        (Given(cookie=TOKEN), False, False),
        (Given(cookie=f"{int(UNTIL) + 1}.{MAC}"), False, False),
        (Given(cookie=f"{UNTIL}."), False, False),
        (Given(cookie=f"{UNTIL}.{MAC}x"), False, False),
        (Given(cookie="."), False, False),
        (Given(cookie="9" * 400 + "." + MAC), False, False),
        (Given(cookie="\N{SUPERSCRIPT TWO}." + MAC), False, False),
    ],
)
def test_the_login_takes_the_token_from_any_page_and_the_cookie_from_own_pages(
    given: Given, foreign: bool, allowed: bool
) -> None:
    assert LOGIN.allows(given, foreign, NOW) is allowed


def test_a_cookie_expires() -> None:
    assert LOGIN.allows(Given(cookie=COOKIE), False, NOW + COOKIE_LASTS - 1)
    assert not LOGIN.allows(Given(cookie=COOKIE), False, NOW + COOKIE_LASTS + 1)


@pytest.mark.parametrize(("token", "secret"), [("another", "cookie secret"), (TOKEN, "another")])
def test_a_cookie_is_worth_nothing_under_another_token_or_secret(token: str, secret: str) -> None:
    assert not Login(token, secret, required=True).allows(Given(cookie=COOKIE), False, NOW)


def test_the_cookie_does_not_hold_the_token() -> None:
    assert TOKEN not in COOKIE


@pytest.mark.parametrize("given", [Given(), Given(query=""), Given(authorization="Bearer "), Given(cookie=COOKIE)])
def test_a_login_without_a_token_refuses_every_request(given: Given) -> None:
    """The token's file could not be read."""
    login = Login("", "cookie secret", required=True)
    assert not login.allows(given, False, NOW)
    assert not login.allows(Given(cookie=login.cookie(NOW)), False, NOW)


@pytest.mark.parametrize("foreign", [True, False])
def test_without_login_all_pages_but_foreign_ones_get_in(foreign: bool) -> None:
    assert Login("", "", required=False).allows(Given(), foreign, NOW) is not foreign


def test_the_cookies_name_holds_the_port_and_behind_tls_the_host_prefix() -> None:
    assert cookie_name(8190, secure=False) == "podkeeper-status-8190"
    assert cookie_name(8190, secure=True) == "__Host-podkeeper-status-8190"
