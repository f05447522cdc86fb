"""The option --fail-on-skip of conftest.py."""

from pathlib import Path

import pytest

from tests import conftest

pytest_plugins = ["pytester"]
HEADER = "import pytest\n"
SKIPPED_TEST = "def test_it(): pytest.skip('no reason')\n"
SKIPPED_MODULE = "pytest.importorskip('no_such_module')\ndef test_it(): pass\n"
GPU_TEST = "@pytest.mark.gpu\n@pytest.mark.skipif(True, reason='no GPU')\ndef test_it(): pass\n"
EXPECTED_FAILURE = "@pytest.mark.xfail\ndef test_it(): assert False\n"


@pytest.mark.parametrize(
    ("code", "options", "status"),
    [
        (SKIPPED_TEST, ["--fail-on-skip"], pytest.ExitCode.TESTS_FAILED),
        (SKIPPED_TEST, [], pytest.ExitCode.OK),
        (SKIPPED_MODULE + "\n", ["--fail-on-skip"], pytest.ExitCode.TESTS_FAILED),
        (GPU_TEST, ["--fail-on-skip"], pytest.ExitCode.OK),
        (EXPECTED_FAILURE, ["--fail-on-skip"], pytest.ExitCode.OK),
        ("def test_it(): pass\n", ["--fail-on-skip"], pytest.ExitCode.OK),
    ],
    ids=["test", "without the option", "module", "gpu", "xfail", "nothing skipped"],
)
def test_a_skip_fails_the_session(
    code: str, options: list[str], status: pytest.ExitCode, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(conftest.__file__).parents[1])
    pytester.makepyfile(test_one=HEADER + code, test_other="def test_pass(): pass\n")
    pytester.makeini("[pytest]\nmarkers =\n    gpu\n")
    assert pytester.runpytest_inprocess("-p", "tests.conftest", "-q", *options).ret == status
