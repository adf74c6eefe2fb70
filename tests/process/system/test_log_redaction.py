"""Whatever a program prints, by whatever way, holds no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings

SECRET = "cAn4ry/of+the=log"
START = """
import os, sys
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.log_redaction import redact_output
redact_output(Settings.from_environ(os.environ), Paths.from_environ(os.environ))
import asyncio, logging, threading, warnings
secret = open(Paths.from_environ(os.environ).token_file).read()
"""
WAYS = {
    "print": "print('said', secret)",
    "stderr": "sys.stderr.write(f'said {secret}\\n')",
    "encoded": "import urllib.parse; print('said', urllib.parse.quote(secret, safe=''))",
    "partly encoded": "print('said /x?%74oken=' + ''.join(f'%{ord(c):02x}' for c in secret))",
    "logging": "logging.basicConfig(); logging.warning('said %s', secret)",
    "a handler that is installed later": "logging.getLogger('tornado.access').addHandler(logging.StreamHandler());"
    "logging.getLogger('tornado.access').error('said %s', secret)",
    "a record that cannot be formatted": "logging.basicConfig(); logging.warning('said %d', secret)",
    "a logged exception": "logging.basicConfig()\ntry: raise KeyError('said', secret)\n"
    "except KeyError: logging.exception('x')",
    "an uncaught exception": "raise KeyError('said', secret)",
    "an exception in a thread": "def f(): raise KeyError('said', secret)\n"
    "t = threading.Thread(target=f); t.start(); t.join()",
    "an exception that asyncio reports": "async def f(): asyncio.get_running_loop().call_soon("
    "lambda: {}['said' + secret]); await asyncio.sleep(0.01)\nasyncio.run(f())",
    "an exception in a destructor": "class C:\n def __del__(self): raise KeyError('said', secret)\nC()",
    "a warning": "warnings.warn('said ' + secret)",
    "a guess at the token": "print('said GET /x?token=guessed-by-a-stranger')",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_print_shows_a_secret(way: str, tmp_path: Path) -> None:
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
    settings = Settings(home=str(tmp_path))
    paths = locate(settings, facts)
    Path(paths.runtime).mkdir(parents=True)
    Path(paths.token_file).write_text(SECRET)
    environ = {"PATH": os.environ["PATH"]} | settings.to_environ() | paths.to_environ()
    script = tmp_path / "program.py"
    script.write_text(START + WAYS[way])
    command = [sys.executable, "-c", f"import sys; exec(compile(open({str(script)!r}).read(), 'program', 'exec'))"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    printed = ended.stdout + ended.stderr
    assert "said" in printed
    assert "[secret]" in printed
    assert "cAn4ry" not in printed
    assert "guessed" not in printed
