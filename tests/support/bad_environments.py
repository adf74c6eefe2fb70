"""Environments with a bad setting, and the message of each. Used with and without a process."""

_BOOLEAN = "must be true or false (also 1/0, yes/no, on/off)"
_PORT = "must be 1-65535"
_TOKEN = "must be printable ASCII characters without spaces (it travels in URLs and headers)"
_POD = "must be letters, digits and dashes (it is part of the pod's address)"
_ABSOLUTE = "must be an absolute path"
_QUOTES = "must not contain quotes, backslashes, % or control characters"
_TIME = "must be a length of time like 30m, 2h or 90s, or off"
_AMOUNT = "must be a number like 8 or 0.69"
_REF = "must be a git tag, branch or commit"
_REPO = "must be an https:// address or an absolute path of a git repository"
_DESTINATION = "must be REMOTE:PATH of your rclone.conf, s3://BUCKET/PREFIX or hf://datasets/OWNER/NAME/PREFIX"
_EXITS = "ComfyUI would exit at once and be restarted for ever"


def _origin(text: str, part: str) -> tuple[dict[str, str], str]:
    line = f"must be origins like https://example.com, separated by commas; {part!r} is not one"
    return {"JUPYTER_ALLOWED_ORIGINS": text}, f"cannot use JUPYTER_ALLOWED_ORIGINS={text!r}: {line}"


def _bad(name: str, text: str, must: str) -> tuple[dict[str, str], str]:
    return {name: text}, f"cannot use {name}={text!r}: {must}"


def _secret(name: str, text: str) -> tuple[dict[str, str], str]:
    return {name: text}, f"cannot use {name}=(secret): {_TOKEN}"


def _argument(text: str, name: str, instead: str) -> tuple[dict[str, str], str]:
    return {"COMFYUI_ARGS": text}, f"cannot use {name} in COMFYUI_ARGS: {instead}"


BAD_ENVIRONMENTS: list[tuple[dict[str, str], str]] = [
    _bad("JUPYTER_PORT", "x", _PORT),
    _bad("JUPYTER_PORT", "0", _PORT),
    _bad("JUPYTER_PORT", "65536", _PORT),
    _bad("JUPYTER_PORT", "-1", _PORT),
    _bad("JUPYTER_PORT", "8189.0", _PORT),
    _bad("JUPYTER_PORT", "+8189", _PORT),
    _bad("JUPYTER_PORT", "8 189", _PORT),
    _bad("JUPYTER_PORT", "\uff18\uff11\uff18\uff19", _PORT),
    _bad("COMFYUI_PORT", "http", _PORT),
    _bad("QUEUE_RESTORE", "maybe", "must be true, false or ask"),
    _bad("STOP_GRACE", "2 lunes", "must be seconds, or a number with a unit: 90, 90s, 2m, 1h"),
    _bad("STOP_GRACE", "-1", "must be seconds, or a number with a unit: 90, 90s, 2m, 1h"),
    _bad("COMFYUI_PORT", "99999999999999999999", _PORT),
    ({"COMFYUI_PORT": "8189"}, "cannot use COMFYUI_PORT='8189': JUPYTER_PORT is the same"),
    ({"JUPYTER_PORT": "8188"}, "cannot use COMFYUI_PORT='8188': JUPYTER_PORT is the same"),
    _bad("STATUS_PORT", "8190/http", _PORT),
    ({"STATUS_PORT": "8189"}, "cannot use STATUS_PORT='8189': JUPYTER_PORT is the same"),
    ({"COMFYUI_PORT": "8190"}, "cannot use STATUS_PORT='8190': COMFYUI_PORT is the same"),
    _bad("COMFYUI_ENABLED", "maybe", _BOOLEAN),
    _bad("COMFYUI_ENABLED", "2", _BOOLEAN),
    _bad("COMFYUI_ENABLED", "tru", _BOOLEAN),
    _bad("JUPYTER_ENABLED", "enabled", _BOOLEAN),
    _bad("JUPYTER_ENABLED", "'true'", _BOOLEAN),
    _bad("JUPYTER_AUTH", "off", "must be token or none"),
    _bad("ATTENTION", "flash", "must be auto or sage or sdpa"),
    _bad("JUPYTER_AUTH", "password", "must be token or none"),
    _secret("JUPYTER_TOKEN", "two words"),
    _secret("JUPYTER_TOKEN", "tab\tbed"),
    _secret("JUPYTER_TOKEN", "schlüssel"),
    _secret("JUPYTER_PASSWORD", "line\nbreak"),
    _secret("JUPYTER_PASSWORD", "{{ RUNPOD_SECRET_token }}"),
    _origin("example.com", "example.com"),
    _origin("*", "*"),
    _origin("ftp://example.com", "ftp://example.com"),
    _origin("https://example.com/lab", "https://example.com/lab"),
    _origin("https://a.example,https://", "https:"),
    (
        {"JUPYTER_ALLOWED_ORIGINS": "https://user@example.com"},
        "cannot use JUPYTER_ALLOWED_ORIGINS='https://[secret]@example.com': must be origins like https://example.com, "
        "separated by commas; 'https://[secret]@example.com' is not one",
    ),
    _bad("JUPYTER_ALLOWED_ORIGINS", "https://a.example:0", _PORT),
    _bad("RUNPOD_POD_ID", "abc/123", _POD),
    _bad("RUNPOD_POD_ID", "evil.example", _POD),
    _bad("RUNPOD_POD_ID", "-abc", _POD),
    _bad("COMFYUI_ARGS", "--fast 'unclosed", "must be arguments as a shell takes them (no closing quotation)"),
    _bad("COMFYUI_ARGS", "ends with \\", "must be arguments as a shell takes them (no escaped character)"),
    _argument("--port 9000", "--port", "set COMFYUI_PORT instead"),
    _argument("--fast --port=9000", "--port", "set COMFYUI_PORT instead"),
    _argument("--listen 127.0.0.1", "--listen", "ComfyUI listens on the loopback, behind the door"),
    _argument("--base-directory /x", "--base-directory", "its data folder is the volume's comfyui folder"),
    _argument("--quick-test-for-ci", "--quick-test-for-ci", _EXITS),
    _argument("--help", "--help", _EXITS),
    _bad("COMFYUI_DIR", "comfyui", _ABSOLUTE),
    _bad("COMFYUI_DIR", "~/comfyui", _ABSOLUTE),
    _bad("COMFYUI_PYTHON", "python3", _ABSOLUTE),
    _bad("COMFYUI_PYTHON", '/opt/"py"', _QUOTES),
    _bad("HOME", "root", _ABSOLUTE),
    _bad("HOME", "/ro\x07ot", _QUOTES),
    _bad("PODKEEPER_HOME", "./here", _ABSOLUTE),
    _bad("PODKEEPER_HOME", "/srv/100%", _QUOTES),
    _bad("PODKEEPER_HOME", "/srv/$HOME", "must not contain $"),
    _bad("COMFYUI_REPO", "github.com/x/y", _REPO),
    _bad("COMFYUI_REPO", "--upload-pack=evil", _REPO),
    (
        {"COMFYUI_REPO": "https://me:pw@host/x"},
        "cannot use COMFYUI_REPO='https://[secret]@host/x': must not contain a login: logs would show it",
    ),
    (
        {"HF_ENDPOINT": "https://me:pw@host/x"},
        "cannot use HF_ENDPOINT='https://[secret]@host/x': must be an https:// address without a login in it",
    ),
    (
        {"MODELS_MANIFEST": "https://me:pw@host/x?sig=s3"},
        "cannot use MODELS_MANIFEST='https://[secret]@host/x?...': must be an https:// address without a login in it",
    ),
    (
        {"WORKFLOWS": "https://h/w.json?sig=s,relative/w.json"},
        "cannot use WORKFLOWS='https://h/w.json?...': must be an https:// address without a login in it",
    ),
    _bad("IDLE_STOP", "30", _TIME),
    _bad("IDLE_STOP", "soon", _TIME),
    _bad("IDLE_ACTION", "halt", "must be stop or terminate or exit"),
    _bad("MAX_HOURS", "-1", _AMOUNT),
    _bad("MAX_COST", "1,5", _AMOUNT),
    _bad("COST_PER_HOUR", "cheap", _AMOUNT),
    _bad("RUNPOD_REST_URL", "rest.runpod.io", "must be an https:// address without a login in it"),
    _bad("COMFYUI_REF", "-x", _REF),
    _bad("COMFYUI_REF", "a..b", _REF),
    _bad("OUTPUTS_TO", "/workspace/out", _DESTINATION),
    _bad("OUTPUTS_TO", "s3://bucket/../x", "must not have . or .. in its path"),
    ({"ON_DONE": "hook.example/x"}, "cannot use ON_DONE=(secret): must be an https:// address without a login in it"),
    (
        {"ON_PROBLEM": "https://me:pw@host/x"},
        "cannot use ON_PROBLEM=(secret): must be an https:// address without a login in it",
    ),
    ({"AWS_ACCESS_KEY_ID": "two words"}, f"cannot use AWS_ACCESS_KEY_ID=(secret): {_TOKEN}"),
    _bad("WEBHOOKS_PRIVATE", "perhaps", _BOOLEAN),
]

#: Bad values, and a word of what the condition says of each. Ports are not among them: the test's pod has its own.
TYPOS = {
    "JUPYTER_AUTH": ("nnoe", "did you mean none?"),
    "COMFYUI_AUTH": ("off", "must be token or none"),
    "JUPYTER_TOKEN": ("two words", "the pod makes one"),
    "JUPYTER_PROT": ("8189", "did you mean JUPYTER_PORT?"),
    "DOWNLOAD_WAN_COR": ("true", "did you mean DOWNLOAD_WAN_CORE?"),
    "DOWNLOAD_WAN_CORE": ("ture", "did you mean true?"),
    "COMFYUI_ARGS": ("--fast 'unclosed", "as a shell takes them"),
    "JUPYTER_ALLOWED_ORIGINS": ("*", "must be origins"),
    "HF_TOKEN": ("Bearer hf_s3cret", "the word Bearer"),
    "CIVITAI_TOKEN_FILE": ("/nowhere/token", "No such file"),
    "VOLUME_POLICY": ("grup", "did you mean group?"),
    "UMASK": ("999", "must be octal"),
    "RUN_AS": ("me", "uid:gid"),
    "HOME": ("root", "absolute path"),
    "STATUS_ENABLED": ("ture", "did you mean true?"),
    "MODELS_HOURS": ("late", "must be hours"),
    "MODELS_CACHE": ("locl", "did you mean local?"),
}
