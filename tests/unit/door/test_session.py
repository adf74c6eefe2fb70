"""The status page's login: token, cookie and foreign pages."""

import pytest

from entrypoint.door.session import COOKIE_LIFETIME, Credentials, Login, cookie_name

NOW = 1_800_000_000.0
TOKEN = "the-pods-token"
LOGIN = Login(TOKEN, "cookie secret", required=True)
COOKIE = LOGIN.cookie(NOW)
UNTIL, _, MAC = COOKIE.partition(".")


@pytest.mark.parametrize(
    ("credentials", "foreign", "allowed"),
    [
        (Credentials(), False, False),
        (Credentials(query=TOKEN), False, True),
        (Credentials(query=TOKEN), True, True),  # a page that knows the token is trusted
        (Credentials(query=TOKEN + "x"), False, False),
        (Credentials(query=TOKEN[:-1]), False, False),
        (Credentials(query="schlüssel"), False, False),
        (Credentials(authorization=f"Bearer {TOKEN}"), False, True),
        (Credentials(authorization=f"bearer  {TOKEN} "), True, True),
        (Credentials(authorization=f"token {TOKEN}"), False, True),
        (Credentials(authorization=TOKEN), False, False),
        (Credentials(authorization=f"Basic {TOKEN}"), False, False),
        (Credentials(authorization="Bearer "), False, False),
        (Credentials(cookie=COOKIE), False, True),
        (Credentials(cookie=COOKIE), True, False),  # browsers add it by themselves
        (Credentials(cookie=TOKEN), False, False),
        (Credentials(cookie=f"{int(UNTIL) + 1}.{MAC}"), False, False),
        (Credentials(cookie=f"{UNTIL}."), False, False),
        (Credentials(cookie=f"{UNTIL}.{MAC}x"), False, False),
        (Credentials(cookie="."), False, False),
        (Credentials(cookie="9" * 400 + "." + MAC), False, False),
        (Credentials(cookie="\N{SUPERSCRIPT TWO}." + MAC), False, False),
    ],
)
def test_the_login_takes_the_token_from_any_page_and_the_cookie_from_own_pages(
    credentials: Credentials, foreign: bool, allowed: bool
) -> None:
    assert LOGIN.allows(credentials, foreign, NOW) is allowed


def test_a_cookie_expires() -> None:
    assert LOGIN.allows(Credentials(cookie=COOKIE), False, NOW + COOKIE_LIFETIME - 1)
    assert not LOGIN.allows(Credentials(cookie=COOKIE), False, NOW + COOKIE_LIFETIME + 1)


@pytest.mark.parametrize(("token", "secret"), [("another", "cookie secret"), (TOKEN, "another")])
def test_a_cookie_is_worth_nothing_under_another_token_or_secret(token: str, secret: str) -> None:
    assert not Login(token, secret, required=True).allows(Credentials(cookie=COOKIE), False, NOW)


def test_the_cookie_does_not_hold_the_token() -> None:
    assert TOKEN not in COOKIE


@pytest.mark.parametrize(
    "credentials",
    [Credentials(), Credentials(query=""), Credentials(authorization="Bearer "), Credentials(cookie=COOKIE)],
)
def test_a_login_without_a_token_refuses_every_request(credentials: Credentials) -> None:
    """The token's file could not be read."""
    login = Login("", "cookie secret", required=True)
    assert not login.allows(credentials, False, NOW)
    assert not login.allows(Credentials(cookie=login.cookie(NOW)), False, NOW)


@pytest.mark.parametrize("foreign", [True, False])
def test_without_login_all_pages_but_foreign_ones_get_in(foreign: bool) -> None:
    assert Login("", "", required=False).allows(Credentials(), foreign, NOW) is not foreign


def test_the_cookies_name_holds_the_port_and_behind_tls_the_host_prefix() -> None:
    assert cookie_name(8190, secure=False) == "podkeeper-status-8190"
    assert cookie_name(8190, secure=True) == "__Host-podkeeper-status-8190"
