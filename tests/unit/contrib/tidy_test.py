"""Each rule of tests/tidy is broken once, in a tree that keeps all the others."""
import pathlib
import subprocess

import pytest

TIDY = pathlib.Path(__file__).parents[2] / "tidy"
ID = "0123456789abcdef0123456789abcdef"

CLEAN = {
    "ssh/door.h": "// What this is for.\n#pragma once\n\n#include <libssh/libssh.h>\n",
    "daemon/main.cpp": '#include "conf/config.h"\n#include "daemon/http/head.h"\n'
                       '#include "ssh/door.h"\n',
    "daemon/http/head.h": "// What this is for.\n#pragma once\n",
    "conf/config.h": "// What this is for.\n#pragma once\n",
    "ssh/code.h": "// What this is for.\n#pragma once\n\n    \"lost\",\n",
    "daemon/lease_text.cpp": "#include <toml++/toml.h>\n",
    "ssh/session.cpp": 'end("lost");\n',
    "docs/REFUSALS.md": "| `lost` | It is gone. |\n",
    "daemon/log_event.h": "// What this is for.\n#pragma once\n\n"
                          f'    {{"login", Subsystem::session, "{ID}"}},\n',
    "daemon/client.cpp": 'log.info("login", {});\n',
    "docs/LOG.md": f"## `session`\n\n| `login` | info | Somebody is in. | `{ID}` |\n",
    "contrib/systemd/portreeve.catalog": f"-- {ID}\nSubject: Somebody is in\n",
    "README.md": "See [the door](ssh/door.h#top) and [another](https://example.com/).\n",
}


def tidy(folder, files):
    subprocess.run(["git", "init", "-q", folder], check=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return subprocess.run([TIDY, folder], stdout=subprocess.PIPE, text=True)


def test_a_clean_tree_passes(tmp_path):
    result = tidy(tmp_path, CLEAN)
    assert (result.returncode, result.stdout) == (0, "tidy: 13 files, 0 problems\n")


@pytest.mark.parametrize("name, text, complaint", [
    ("a.md", "a\tb\n", "a.md:1: has a tab"),
    ("a.md", "a\nb \n", "a.md:2: ends with a space"),
    ("a.md", "a\n\n", "a.md:2: is an empty line at the end"),
    ("a.md", "a", "a.md:1: does not end with a newline"),
    ("a.md", "[a](b.md)\n", "a.md:1: links to b.md, which does not exist"),
    ("a.cpp", "/" * 101 + "\n", "a.cpp:1: has 101 characters"),
    ("a", "#!/bin/sh\n" + "#" * 101 + "\n", "a:2: has 101 characters"),
    ("a.cpp", "//\n" * 601, "a.cpp:601: is past the limit of 600 lines"),
    ("a.h", "#pragma once\n", "a.h:1: should begin with a comment"),
    ("a.h", "// a\n", "a.h:1: has no #pragma once"),
    ("conf/a.cpp", '#include "uring/a.h"\n', "conf/a.cpp:1: includes uring/a.h: conf/ may"),
    ("uring/a.cpp", '#include "ssh/a.h"\n', "uring/a.cpp:1: includes ssh/a.h: uring/ may"),
    ("ssh/a.cpp", '#include "conf/a.h"\n', "ssh/a.cpp:1: includes conf/a.h: ssh/ may"),
    ("daemon/http/a.cpp", '#include "daemon/log.h"\n',
     "daemon/http/a.cpp:1: includes daemon/log.h: daemon/http/ may include only daemon/http"),
    ("daemon/tls/a.cpp", '#include "daemon/http/host.h"\n',
     "daemon/tls/a.cpp:1: includes daemon/http/host.h: daemon/tls/ may include only daemon/tls"),
    ("daemon/a.cpp", "#include <openssl/ssl.h>\n",
     "daemon/a.cpp:1: includes openssl/ssl.h: only daemon/tls/ may"),
    ("ssh/a.cpp", '#include "a.h"\n', 'ssh/a.cpp:1: includes "a.h": name it from the root'),
    ("daemon/a.cpp", "#include <libssh/server.h>\n",
     "daemon/a.cpp:1: includes libssh/server.h: only ssh/ may"),
    ("daemon/a.cpp", "#include <toml++/toml.h>\n",
     "daemon/a.cpp:1: includes toml++/toml.h: only conf/ and daemon/lease_text.cpp may"),
    ("ssh/session.cpp", "end();\n", "ssh/code.h:4: lists lost, which nothing is refused with"),
    ("docs/REFUSALS.md", "No row.\n", "ssh/code.h:4: lists lost, which needs one row"),
    ("docs/REFUSALS.md", CLEAN["docs/REFUSALS.md"] + "| `left` | |\n",
     "docs/REFUSALS.md:2: has a row for left"),
    ("docs/REFUSALS.md", 2 * CLEAN["docs/REFUSALS.md"], "ssh/code.h:4: lists lost, which needs"),
    ("daemon/client.cpp", "log();\n", "daemon/log_event.h:4: lists login, which nothing logs"),
    ("docs/LOG.md", "No row.\n", "daemon/log_event.h:4: lists login, which needs one row"),
    ("docs/LOG.md", CLEAN["docs/LOG.md"].replace("session", "tunnel"),
     "daemon/log_event.h:4: lists login, which needs one row in docs/LOG.md, under `session`"),
    ("docs/LOG.md", CLEAN["docs/LOG.md"].replace("cdef`", "cdee`"),
     "daemon/log_event.h:4: lists login, which needs one row"),
    ("docs/LOG.md", CLEAN["docs/LOG.md"] + CLEAN["docs/LOG.md"].replace("login", "logout"),
     "docs/LOG.md:6: has a row for logout"),
    ("contrib/systemd/portreeve.catalog", "-- " + 32 * "0" + "\n",
     "contrib/systemd/portreeve.catalog:1: explains 0000"),
])
def test_a_broken_rule_is_reported(tmp_path, name, text, complaint):
    result = tidy(tmp_path, {**CLEAN, name: text})
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 2 and lines[0].startswith(complaint)


def test_an_empty_tree_is_no_clean_tree(tmp_path):
    assert tidy(tmp_path, {}).returncode == 1
