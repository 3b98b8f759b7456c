"""Models as JSON schemas, and as parameters of a request. Pure."""

import re
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

Json = dict[str, Any]

REFS: Final = "#/components/schemas/"

IDS: Final = {
    "stats": ("st_1", "Id of a stat, as lists and answers name it."),
    "api-keys": ("qZkvkSoa", "Id of a key: the eight characters after `sf_`."),
}
"""An example and the meaning of `{id}`, by the word before it."""


class Schemas:
    """The schemas of models; `components` has each by its name."""

    def __init__(self, models: Sequence[type[Any]]) -> None:
        schemas, components = msgspec.json.schema_components(models, ref_template=REFS + "{name}")
        self.components: Json = {name: _tidy(shape) for name, shape in components.items()}
        self._of = dict(zip(models, schemas, strict=True))

    def __repr__(self) -> str:
        return f"<Schemas {len(self.components)}>"

    def of(self, model: type[Any]) -> Json:
        """The schema of one of the models."""
        return dict(self._of[model])


def parameters_of(model: type[Struct], place: Literal["query", "header"]) -> list[Json]:
    """The fields of a model as parameters; what may be null may be left out."""
    (schema,), components = msgspec.json.schema_components([model], ref_template=REFS + "{name}")
    shape = _tidy(components[schema["$ref"].removeprefix(REFS)])
    found = []
    for name, field in shape["properties"].items():
        plain = _never_null(field, components)
        parameter: Json = {"name": name, "in": place, "required": name in shape["required"]}
        if "description" in plain:
            parameter["description"] = plain.pop("description")
        if "explode" in plain:
            parameter["explode"] = plain.pop("explode")
        if examples := plain.pop("examples", None):
            parameter["example"] = examples[0]
        found.append({**parameter, "schema": plain})
    return found


def path_parameters(path: str) -> list[Json]:
    """The names in braces as parameters."""
    found = []
    for match in re.finditer(r"/([^/{]+)/\{(\w+)\}|\{(\w+)\}", path):
        word, name = match[1] or "", match[2] or match[3]
        example, text = IDS.get(
            word, (None, f"Which of `{word}`, as lists name it." if word else "")
        )
        parameter: Json = {"name": name, "in": "path", "required": True, "description": text}
        if example is not None:
            parameter["example"] = example
        found.append({**parameter, "schema": {"type": "string", "minLength": 1}})
    return found


def _never_null(field: Json, components: Json) -> Json:
    """The schema of a parameter, whole in itself: a query has no null."""
    plain = {name: value for name, value in field.items() if name not in {"anyOf", "$ref"}}
    if plain.get("default", 0) in (None, []):
        del plain["default"]
    kinds = [_resolved(kind, components) for kind in field.get("anyOf", [field])]
    kinds = [kind for kind in kinds if kind != {"type": "null"}]
    if len(kinds) == 1:
        return {**kinds[0], **plain}
    return {**plain, "anyOf": kinds}


def _resolved(kind: Json, components: Json) -> Json:
    if "$ref" not in kind:
        return {name: value for name, value in kind.items() if name != "default"}
    return dict(_tidy(components[kind["$ref"].removeprefix(REFS)]))


def _tidy(shape: Any) -> Any:  # ruff: ignore[any-type]
    """The same as plain JSON, without the indentation of docstrings."""
    if isinstance(shape, list | tuple):
        return [_tidy(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    found = {name: _tidy(value) for name, value in shape.items()}
    if isinstance(text := found.get("description"), str):
        found["description"] = cleandoc(text)
    return found
