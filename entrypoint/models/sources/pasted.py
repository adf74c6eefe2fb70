"""P: what people paste -> the address in it: commands, markdown, `hf://`, `owner/name`, AIR, no scheme.

The sites read the address itself (`recognise`). What cannot be fetched is refused with what to paste instead.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

from entrypoint.models.sources.base import REPO_NAME, Found, NotAnAddress, Question, is_sha256
from entrypoint.models.sources.endings import is_model
from entrypoint.models.sources.registry import SOURCES, Sources, recognise, source_named

#: Characters of a pasted text, at most; what is longer is no address.
_LONGEST = 4096
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb", "<": ">", "(": ")"}
_MARKDOWN = r"!?\[[^\]]*\]\(\s*<?([^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+\"[^\"]*\")?\s*\)"
#: Schemes that no file is fetched by -> what to do.
_SCHEMES = {
    "s3": "files of S3 need its login: paste a presigned https:// address (aws s3 presign), or copy it with aws s3 cp",
    "gs": "files of Google's storage need its login: paste https://storage.googleapis.com/BUCKET/PATH if it is public",
    "magnet": "torrents are not fetched: paste an https:// address of the same file",
    "az": "files of Azure's storage need its login: paste an https:// address with a SAS token as a plain download",
    "ipfs": "IPFS is not fetched: paste an https:// address of a gateway",
    "oci": "registries of containers are not read: paste the model's address at Hugging Face",
    "ollama": "Ollama's registry is not read: paste the GGUF file's address at Hugging Face",
}
#: AIR (developer.civitai.com/site/guide/air): the parts before the source are optional.
_AIR = r"(?:urn:)?(?:air:)?(?:[\w.-]+:){0,2}(civitai|huggingface):([^@+\s]+)(?:@([^:+\s]+))?(?:\+(\d+))?(?:[:.]\S*)?"
_REPO = rf"((?:datasets/|spaces/)?{REPO_NAME}/{REPO_NAME})(?:@([^/\s]+))?(?:/(.+))?"
#: Pages of the hub that stand where an owner does.
_SITE_WORDS = ("models", "api", "docs", "blog", "papers", "collections")
#: Options of `hf download` that take a value (huggingface_hub 2.4, cli/download.py).
_VALUED = (
    "--repo-type", "--type", "--revision", "--include", "--exclude", "--local-dir", "--cache-dir", "--token",
    "--max-workers", "--format", "--local-dir-use-symlinks",
)  # fmt: skip
_NO_ADDRESS = "it must begin with https://, or be owner/repository or owner/repository/file of Hugging Face"


def read(text: str, sources: Sources = SOURCES) -> Found | Question:
    """Read what a user has pasted.

    Raises NotAnAddress: nothing can be fetched by it; the message says what to paste.
    """
    text = _unwrapped(text.translate(_INVISIBLE).strip())
    if len(text) > _LONGEST:
        raise NotAnAddress("it is too long for an address")
    if command := _command(text):
        return _of_command(command, sources)
    return _with_include(*_address(text, sources), sources)


def one_file(text: str, sources: Sources = SOURCES) -> Found:
    """Read what names one file. Raises NotAnAddress: it names none, or several; the message says what to paste."""
    found = read(text, sources)
    if isinstance(found, Question):
        if found.found is None:
            raise NotAnAddress(found.refusal)
        return found.found
    return found


def shown(text: str) -> str:
    """What was pasted without a query or login, where it is no address by itself; "" where it may hold a secret."""
    text = _unwrapped(text.translate(_INVISIBLE).strip())
    safe = re.fullmatch(r"[\w.+-]+[/:][\w./:@+-]{1,200}", text, re.ASCII)
    login = "//" in text or ("@" in text and ":" in text.partition("@")[0])
    return text if safe and not login else ""


def _with_include(address: str, include: tuple[str, ...], sources: Sources) -> Found | Question:
    found = recognise(address, sources)
    if include and isinstance(found, Question):
        found.include = include
    return found


def _unwrapped(text: str) -> str:
    """The text without what stands around an address: quotes, <>, markdown, a sentence's punctuation."""
    for _ in range(4):
        before = text
        if found := re.fullmatch(_MARKDOWN, text):
            text = found[1]
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
            text = text[1:-1].strip()
        text = text.rstrip(",;!").strip()
        for closing, opening in ((")", "("), ("]", "["), (">", "<")):
            if text.endswith(closing) and text.count(closing) > text.count(opening):
                text = text[:-1]
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1]
        if text == before:
            break
    return text


def _command(text: str) -> list[str]:
    """The words of a pasted command or sentence; []: it is none."""
    joined = re.sub(r"\\[ \t]*\r?\n", " ", text)
    if not re.search(r"\s", joined):
        return []
    try:
        words = shlex.split(joined, posix=True)
    except ValueError:  # an apostrophe of a sentence
        words = joined.split()
    # A path may have a space in it: an address whose other words are no options is one address.
    return [] if "://" in words[0] and not any(each.startswith("-") or "://" in each for each in words[1:]) else words


def _of_command(words: list[str], sources: Sources) -> Found | Question:
    names = [each.rpartition("/")[2].lower() for each in words[:6]]
    for index, name in enumerate(names[:-1]):
        if name in ("huggingface-cli", "hf") and names[index + 1] == "download":
            return _of_hub_command(words[index + 2 :], sources)
    addresses = [each for each in map(_unwrapped, words) if "://" in each]
    if not addresses and words[:2] == ["git", "clone"] and len(words) > 2:
        addresses = words[2:3]
    if len(set(addresses)) == 1:
        return _with_include(*_address(addresses[0], sources), sources)
    if addresses:
        raise NotAnAddress("it has several addresses: paste one at a time")
    raise NotAnAddress(_NO_ADDRESS)


def _of_hub_command(words: list[str], sources: Sources) -> Found | Question:
    """`hf download REPO [FILE...] [--include PATTERN...] [--revision REV] [--repo-type TYPE]`."""
    given, options, option = list[str](), dict[str, list[str]](), ""
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            option = name if name in _VALUED and not equals else ""
            options.setdefault(name, []).extend([value] if equals else [])
        elif option:
            options[option].append(word)
            option = option if option in ("--include", "--exclude") else ""  # those take several
        else:
            given.append(word)
    if not given:
        raise NotAnAddress("the command names no repository")
    kind = (options.get("--repo-type") or options.get("--type") or ["model"])[0]
    repository = given[0] if kind == "model" or given[0].startswith("hf://") else f"{kind}s/{given[0]}"
    revision = (options.get("--revision") or [""])[0]
    address = f"{repository}@{quote(revision, safe='')}" if revision else repository
    files = given[1:]
    if len(files) == 1 and not files[0].endswith("/"):
        return recognise(_hub_address(f"{address}/{files[0]}", sources), sources)
    include = (*(f"{each}*" if each.endswith("/") else each for each in files), *options.get("--include", ()))
    include += tuple(f"!{each}" for each in options.get("--exclude", ()))
    return _with_include(_hub_address(address, sources), include, sources)


def _address(text: str, sources: Sources) -> tuple[str, tuple[str, ...]]:
    """(the https address, patterns of paths in it) that a text without spaces around it means."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if separator and scheme in ("http", "https"):
        return f"{scheme}://{rest}", ()
    if separator and scheme == "hf":
        return _hub_address(rest, sources), ()
    if (word := scheme if separator else scheme.partition(":")[0]) in _SCHEMES and (separator or ":" in scheme):
        raise NotAnAddress(_SCHEMES[word])
    if separator:
        raise NotAnAddress("it must begin with https://")
    if found := re.fullmatch(_AIR, text, re.ASCII | re.IGNORECASE):
        return _of_air(found, sources), ()
    if is_sha256(text.lower()):
        raise NotAnAddress(f"it is a hash: `podkeeper models search {text.lower()}` looks for a file that has it")
    if re.match(r"[\\/.~]|[A-Za-z]:[\\/]", text):
        raise NotAnAddress(
            "it is a path: a file that the pod has needs no address; move it into ComfyUI's models folder"
        )
    host = text.partition("/")[0]
    if re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?", host, re.IGNORECASE) and "/" in text:
        return f"https://{text}", ()
    # llama.cpp's and Ollama's way to name a quantisation.
    if found := re.fullmatch(rf"({REPO_NAME}/{REPO_NAME}):([\w.-]+)", text, re.ASCII):
        return _hub_address(found[1], sources), (f"*{found[2]}*",)
    return _hub_address(text, sources), ()


def _hub_address(text: str, sources: Sources) -> str:
    """The hub's address of [datasets/]owner/name[@revision][/path], as `hf://` has it."""
    found = re.fullmatch(_REPO, text, re.ASCII if text.isascii() else 0)
    if not found or found[1].partition("/")[0] in _SITE_WORDS or (found[3] is None and is_model(found[1])):
        one_word = re.fullmatch(REPO_NAME, text, re.ASCII)  # it is not repeated: a token is one word, too
        more = "; a repository without an owner is https://huggingface.co/NAME" if one_word else ""
        raise NotAnAddress(_NO_ADDRESS + more)
    hub = source_named("huggingface", sources)
    home = hub.home if hub else ""
    repository, revision, path = found.groups()
    if path and re.match(r"(resolve|blob|raw|tree)/", path):
        return f"{home}/{repository}/{path}"
    if path and "." not in path.rpartition("/")[2]:  # a folder: model files have an ending
        return f"{home}/{repository}/tree/{quote(revision or 'main', safe='%')}/{quote(path)}"
    if path:
        return f"{home}/{repository}/resolve/{quote(revision or 'main', safe='%')}/{quote(path)}"
    return f"{home}/{repository}" + (f"/tree/{quote(revision, safe='%')}" if revision else "")


def _of_air(found: re.Match[str], sources: Sources) -> str:
    site, identifier, version, file = found.groups()
    if site.lower() == "huggingface":
        return _hub_address(identifier + (f"@{version}" if version else ""), sources)
    if not identifier.isdigit() or (version and not re.match(r"\d+", version)):
        raise NotAnAddress("this AIR names no model of Civitai: paste the address of the model's page")
    number = re.match(r"\d+", version or "")
    query = [f"modelVersionId={number[0]}"] if number else []
    query += [f"fileId={file}"] if file else []
    return f"https://civitai.com/models/{identifier}" + (f"?{'&'.join(query)}" if query else "")
