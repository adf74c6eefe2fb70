"""P: which settings of the user's Jupyter files JupyterLab runs without, and why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from traitlets import HasTraits, TraitError, TraitType
from traitlets.config import Configurable
from traitlets.config.loader import LazyConfigValue

_ADDRESS = "the pod decides about JupyterLab's address; set JUPYTER_PORT"
_TLS = "TLS ends before JupyterLab, at the pod's proxy"
_LOGIN = "the pod decides about the login; set JUPYTER_TOKEN or JUPYTER_AUTH"
_FILES = "JupyterLab would run without the pod's settings"
_ENDS = "JupyterLab would end at its start"
#: Settings that are the pod's, in a section of the application or of a class that it derives from.
_OWNED = {
    **dict.fromkeys(("port", "port_retries", "ip", "sock", "sock_mode", "base_url"), _ADDRESS),
    **dict.fromkeys(("certfile", "keyfile", "client_ca", "ssl_options"), _TLS),
    **dict.fromkeys(
        ("identity_provider_class", "login_handler_class", "logout_handler_class", "token", "password",
         "password_required", "allow_password_change", "hashed_password", "allow_unauthenticated_access",
         "cookie_name", "cookie_options", "secure_cookie", "get_secure_cookie_kwargs", "cookie_secret",
         "cookie_secret_file"), _LOGIN),
    **dict.fromkeys(("config_file", "config_file_name", "config_dir"), _FILES),
    **dict.fromkeys(("allow_root", "generate_config", "show_config", "show_config_json"), _ENDS),
}  # fmt: skip
_SECRET = ("token", "password", "secret", "key")


def refusal(section: str, name: str, value: Any) -> str:
    """Why JupyterLab cannot have this value; "" where it can."""
    if section.endswith("IdentityProvider"):
        return _LOGIN
    if _of_application(section) and name in _OWNED:
        return _OWNED[name]
    if isinstance(value, LazyConfigValue):  # c.X.y.append(...): a change of a value that is not known yet
        return ""
    trait = "root_dir" if name == "notebook_dir" else name  # its old name
    problem = next(filter(None, (_problem(*each, value) for each in _traits(section, trait))), "")
    if problem and any(word in name.lower() for word in _SECRET):
        return "the value has the wrong type"
    return problem


def _problem(owner: type[HasTraits], trait: TraitType[Any, Any], value: Any) -> str:
    try:
        trait._validate(owner.__new__(owner), value)
    except TraitError as error:
        return " ".join(str(error).split())[:300]
    except Exception:  # a check that needs more than the value: JupyterLab's start will show
        return ""
    return ""


def _of_application(section: str) -> bool:
    return section.endswith(("App", "Application", "Configurable", "NotebookAppTraits"))


def _traits(section: str, name: str) -> Iterator[tuple[type[HasTraits], TraitType[Any, Any]]]:
    """The class that has the setting: the section's own, or an application that takes it over from there."""
    known = _classes()
    others = ("ServerApp", "LabApp") if _of_application(section) else ()
    for owner in dict.fromkeys((section, *others)):
        if owner in known and name in known[owner].class_traits():
            yield known[owner], known[owner].class_traits()[name]


@cache
def _classes() -> dict[str, type[HasTraits]]:
    from jupyter_server.serverapp import ServerApp
    from jupyterlab.labapp import LabApp

    configured = [ServerApp, LabApp, *ServerApp.classes, *LabApp.classes]
    parents = [parent for each in configured for parent in each.mro() if issubclass(parent, Configurable)]
    return {each.__name__: each for each in parents}
