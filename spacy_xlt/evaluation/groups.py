"""Languages grouped by script, family and resource class. The table is in language_groups.json, with its sources."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from spacy_xlt.evaluation.document import Figures, GroupFigures
from spacy_xlt.evaluation.figures import mean_of
from spacy_xlt.languages import base_code, full_code, is_known, script

UNKNOWN_GROUP = "unknown"
SEVERAL_SCRIPTS = "several scripts"


def groups_of(code: str) -> dict[str, str]:
    """Return the groups of a language.

    Args:
        code: A language code.

    Returns:
        {kind: group}. The kinds are `script`, `family` (the top-level family of Glottolog) and `resources` (the class
        of Joshi et al.: 5 has the most data). A group that is not in the table is `unknown`.

    Example:
        >>> groups_of("sw")
        {'script': 'Latin', 'family': 'Atlantic-Congo', 'resources': 'class 2'}

    References:
        Joshi et al. (2020), "The state and fate of linguistic diversity and inclusion in the NLP world", section 3.
    """
    tables = _tables()
    base = base_code(code)
    return {
        "script": tables["written_in_han"].get(base) or _script(code, tables["scripts"]),
        "family": tables["families"].get(base, UNKNOWN_GROUP),
        "resources": tables["resources"].get(base, UNKNOWN_GROUP),
    }


def group_figures(figures: Figures, source: str) -> dict[str, dict[str, GroupFigures]]:
    """Return the mean of the target languages of each group.

    Args:
        figures: The figures of each language.
        source: The source language, which is in no group.

    Returns:
        {kind: {group: figures}}, groups by name. Empty groups are left out.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for code in figures.languages:
        if code != source:
            for kind, group in groups_of(code).items():
                found.setdefault(kind, {}).setdefault(group, []).append(code)
    return {
        kind: {
            group: GroupFigures(codes=codes, **mean_of([vars(figures.languages[code]) for code in codes]))
            for group, codes in sorted(groups.items())
        }
        for kind, groups in found.items()
    }


def _script(code: str, names: Mapping[str, str]) -> str:
    named = script(full_code(code))
    if named is None:
        return SEVERAL_SCRIPTS if is_known(code) else UNKNOWN_GROUP
    return names.get(named, named)


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, str]]:
    text = (files("spacy_xlt.evaluation") / "language_groups.json").read_text(encoding="utf8")
    content: dict[str, Any] = json.loads(text)
    return {
        "families": _by_code(content["families"]),
        "resources": _by_code(content["resources"]),
        "scripts": content["scripts"],
        "written_in_han": _by_code({"Han": content["written_in_han"]}),
    }


def _by_code(groups: Mapping[str, str]) -> dict[str, str]:
    return {code: group for group, codes in groups.items() for code in codes.split()}
