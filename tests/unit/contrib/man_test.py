"""portreeve.toml(5) lists every key of the example configuration, with the same default."""
import pathlib
import re
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[3]
PAGE = (ROOT / "docs/man/portreeve.toml.5").read_text()


def flat(tables):
    """Each table's keys by its name; a table in a table is "log.levels"."""
    keys = {}
    for name, table in tables.items():
        keys[name] = {key: value for key, value in table.items() if not isinstance(value, dict)}
        keys |= {f"{name}.{inner}": value for inner, value in table.items()
                 if isinstance(value, dict)}
    return keys


DEFAULTS = flat(tomllib.loads((ROOT / "contrib/portreeve.toml").read_text()))

# A table begins with ".Ss [name]"; a key is ".It Sy name No = value", with \(dq for a quote.
SECTIONS = re.split(r"^\.Ss \[([\w.]+)\]$", PAGE.split(".Sh EXAMPLES")[0], flags=re.MULTILINE)
LISTED = {table: tomllib.loads(re.sub(r"\\\(dq", '"', "\n".join(
              f"{key} = {value}" for key, value in
              re.findall(r"^\.It Sy (\w+) No = (.+)$", text, flags=re.MULTILINE))))
          for table, text in zip(SECTIONS[1::2], SECTIONS[2::2])}


def test_the_tables_are_the_same():
    assert list(LISTED) == list(DEFAULTS)


@pytest.mark.parametrize("table", DEFAULTS)
def test_the_keys_and_defaults_are_the_same(table):
    assert LISTED.get(table) == DEFAULTS[table]
