"""docs/KEYS.md has every option that a key may carry, and no other."""
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[3]
SOURCE = (ROOT / "ssh/key_options.cpp").read_text()
PAGE = (ROOT / "docs/KEYS.md").read_text()

FLAGS = re.findall(r'^\s*Flag\{"([\w-]+)", (true|false)', SOURCE, flags=re.MULTILINE)
VALUED = re.findall(r'^\s*Valued\{"([\w-]+)"', SOURCE, flags=re.MULTILINE)
OPTIONS = ({name for name, _ in FLAGS} | {f"no-{name}" for name, negated in FLAGS
                                           if negated == "true"} | set(VALUED))

# An option is shown alone, `pty`, or with the form of its value, `from="LIST"`, at the start of a
# table's row or in the paragraph on those without meaning.
PLACES = "\n".join(re.findall(r"^\| (`.*?) \|", PAGE.split("In **permitlisten**")[0] +
                              PAGE.split("## Limits")[1], flags=re.MULTILINE) +
                   [PAGE.split("## What has no meaning here")[1].split("## ")[0]])
SHOWN = set(re.findall(r'`([a-z][\w-]+)(?:="[^"`]*")?`', PLACES))
# Their opposites are in the rows' second column.
MENTIONED = {"no-verify-required", "touch-required"}


def test_the_table_was_found():
    assert {"restrict", "no-pty", "permitlisten"} <= OPTIONS


def test_the_page_has_every_option_and_no_other():
    assert SHOWN | MENTIONED == OPTIONS


def test_what_is_mentioned_is_there():
    assert all(f"`{name}`" in PAGE for name in MENTIONED)
