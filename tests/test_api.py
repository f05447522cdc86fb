"""The public API: what `spacy_xlt` offers, and that each name is documented."""

import inspect

import pytest

import spacy_xlt

FUNCTIONS = [name for name in spacy_xlt.__all__ if inspect.isfunction(getattr(spacy_xlt, name))]


def test_every_public_name_is_there_and_listed() -> None:
    assert len(set(spacy_xlt.__all__)) == len(spacy_xlt.__all__)
    for name in spacy_xlt.__all__:
        assert getattr(spacy_xlt, name) is not None
        assert name in dir(spacy_xlt)


def test_the_version_is_that_of_the_distribution() -> None:
    assert spacy_xlt.__version__.split(".")[0].isdigit()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = spacy_xlt.no_such_name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_is_typed_and_documented(name: str) -> None:
    function = getattr(spacy_xlt, name)
    first, _, rest = inspect.getdoc(function).partition("\n")  # type: ignore[union-attr]
    assert first.endswith(".") and first[0].isupper() and len(first) <= 90
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter.name
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            assert f"{parameter.name}:" in rest, parameter.name


def test_no_function_names_a_command_line_option() -> None:
    for name in FUNCTIONS:
        assert "--" not in (inspect.getdoc(getattr(spacy_xlt, name)) or "")
