"""contrib/tally counts what ctest's junit files say, and pytest's own counts inside of them."""
import pathlib
import subprocess

import pytest

TALLY = pathlib.Path(__file__).parents[3] / "contrib" / "tally"


def tally(folder, *cases):
    file = folder / "a.xml"
    file.write_text("<testsuite>" + "".join(cases) + "</testsuite>")
    return subprocess.run([TALLY, file], stdout=subprocess.PIPE, text=True, check=True).stdout


def case(status, output="", more=""):
    return (f'<testcase name="a_test" status="{status}">{more}'
            f"<system-out>{output}</system-out></testcase>")


@pytest.mark.parametrize("case_, sum_", [
    (case("run"), "1 passed, 0 failed, 0 skipped"),
    (case("fail"), "0 passed, 1 failed, 0 skipped"),
    (case("notrun", more='<skipped message="SKIP_RETURN_CODE=77"/>'),
     "0 passed, 0 failed, 1 skipped"),
    (case("notrun", more='<skipped message="Unable to find executable"/>'),
     "0 passed, 1 failed, 0 skipped"),
    (case("run", "...\n5 passed, 1 skipped in 0.12s\n"), "5 passed, 0 failed, 1 skipped"),
    (case("run", "=== 5 passed, 2 warnings in 61.2s (0:01:01) ===\n"),
     "5 passed, 0 failed, 0 skipped"),
    (case("fail", "2 failed, 3 passed, 1 error in 1.00s\n"), "3 passed, 3 failed, 0 skipped"),
    # pytest was content, and yet the test failed: out of time, or a bad exit
    (case("fail", "5 passed in 0.12s\n"), "5 passed, 1 failed, 0 skipped"),
])
def test_one_case(tmp_path, case_, sum_):
    assert tally(tmp_path, case_).splitlines()[-1] == sum_


def test_cases_are_summed(tmp_path):
    assert tally(tmp_path, case("run"), case("run")) == "2 passed, 0 failed, 0 skipped\n"


def test_the_end_of_what_a_failed_test_printed_comes_before_the_sum(tmp_path):
    lines = [f"line {number}" for number in range(100)]
    shown = tally(tmp_path, case("run", "fine"), case("fail", "\n".join(lines)))
    assert shown.splitlines() == [
        "--- failed: a_test (a), the end of what it printed:", *lines[-60:],
        "1 passed, 1 failed, 0 skipped"]


def test_of_many_failed_tests_the_last_are_named_alone(tmp_path):
    shown = tally(tmp_path, *[case("fail", "why")] * 7).splitlines()
    assert shown.count("why") == 5
    assert shown.count("--- failed: a_test (a)") == 2


def test_no_file_is_nothing():
    result = subprocess.run([TALLY], stdout=subprocess.PIPE, text=True, check=True)
    assert result.stdout == "0 passed, 0 failed, 0 skipped\n"
