"""The journal's catalog: systemd takes it, and each entry names fields that its event has."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[3]
CATALOG = ROOT / "contrib/systemd/portreeve.catalog"
ROWS = re.findall(r"^\| `([a-z_]+)` \|(.*)\| `([0-9a-f]{32})` \|$",
                  (ROOT / "docs/LOG.md").read_text(), flags=re.MULTILINE)
FIELDS = {message_id: set(re.findall(r"`([a-z_]+)`", text)) for _, text, message_id in ROWS}
NAMES = {message_id: name for name, _, message_id in ROWS}

# "# name", "-- id", headers, an empty line and the text.
ENTRIES = re.findall(r"^# ([a-z_]+)\n-- ([0-9a-f]{32})\n(.*?)(?=^# |\Z)", CATALOG.read_text(),
                     flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name, message_id, text", ENTRIES, ids=[entry[0] for entry in ENTRIES])
def test_an_entry_is_of_its_event(name, message_id, text):
    assert NAMES[message_id] == name
    named = {field.lower() for field in re.findall(r"@PORTREEVE_([A-Z_]+)@", text)}
    assert named <= FIELDS[message_id]
    assert not re.search(r"@(?!PORTREEVE_[A-Z_]+@)\w+@", text)


@pytest.mark.skipif(not shutil.which("journalctl"), reason="journalctl is not installed")
def test_systemd_takes_it(tmp_path):
    (tmp_path / "usr/lib/systemd/catalog").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(CATALOG, tmp_path / "usr/lib/systemd/catalog")
    journalctl = ["journalctl", f"--root={tmp_path}"]
    done = subprocess.run([*journalctl, "--update-catalog"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    listed = subprocess.run([*journalctl, "--list-catalog"], capture_output=True, text=True)
    ids = {line.split()[0] for line in listed.stdout.splitlines()}
    assert ids == {message_id for _, message_id, _ in ENTRIES} and len(ids) > 10
