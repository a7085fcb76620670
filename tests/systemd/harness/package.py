#!/usr/bin/python3
"""The packages under test, made by cpack from a build folder that has been built already: this one,
and the same with a higher version, to upgrade to.

    package.py BUILD_FOLDER FOLDER      makes both in FOLDER, and empties it first

ctest runs it once, before the tests that have $PORTREEVE_PACKAGES from it.
"""

import glob
import os
import shutil
import subprocess
import sys

UPGRADE = "99.0.0"  # higher than any version that there is
_MAKE_S_MAX = 300


def now():
    return _only("now")


def newer():
    return _only("newer")


def _only(name):
    (package,) = glob.glob(os.path.join(os.environ["PORTREEVE_PACKAGES"], name, "*.deb"))
    return package


def make(build, folder):
    shutil.rmtree(folder, ignore_errors=True)
    for name, words in (("now", []), ("newer", ["-R", UPGRADE])):
        subprocess.run(["cpack", "-G", "DEB", "-B", os.path.join(folder, name), *words,
                        "--config", os.path.join(build, "CPackConfig.cmake")],
                       check=True, timeout=_MAKE_S_MAX)


if __name__ == "__main__":
    make(*sys.argv[1:])
