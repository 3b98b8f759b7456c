"""Records with a value in every field, also in those that are mostly left out."""

import re
from functools import singledispatch
from typing import Any, Final

import msgspec
from msgspec import inspect
from msgspec.inspect import Type

NUMBER: Final = 1_795_302_000
WORDS: Final = ("größe", "one", "7d")
"""The first that may stand in a field does."""


def filled(model: type[Any]) -> Any:  # ruff: ignore[any-type]
    """A record of this model, the same at every call."""
    return msgspec.convert(value_of(inspect.type_info(model)), model)


@singledispatch
def value_of(kind: Type) -> object:
    """A value of a type, as `msgspec.convert` takes it."""
    raise NotImplementedError(f"no specimen of {kind}")


@value_of.register
def _(kind: inspect.IntType) -> object:
    if kind.lt is not None:
        return kind.lt - 1
    return NUMBER if kind.le is None else kind.le


@value_of.register
def _(kind: inspect.FloatType) -> object:
    return 0.1


@value_of.register
def _(kind: inspect.BoolType) -> object:
    return True


@value_of.register
def _(kind: inspect.StrType) -> object:
    return next(one for one in WORDS if kind.pattern is None or re.search(kind.pattern, one))


@value_of.register
def _(kind: inspect.BytesType) -> object:
    return bytes(range(32))


@value_of.register
def _(kind: inspect.EnumType) -> object:
    return list(kind.cls)[-1].value


@value_of.register
def _(kind: inspect.LiteralType) -> object:
    return kind.values[-1]


@value_of.register
def _(kind: inspect.UnionType) -> object:
    return value_of(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))


@value_of.register
def _(kind: inspect.VarTupleType | inspect.ListType) -> object:
    return [value_of(kind.item_type)]


@value_of.register
def _(kind: inspect.TupleType) -> object:
    return [value_of(one) for one in kind.item_types]


@value_of.register
def _(kind: inspect.DictType) -> object:
    return {value_of(kind.key_type): value_of(kind.value_type)}


@value_of.register
def _(kind: inspect.StructType) -> object:
    if kind.array_like:
        return [value_of(one.type) for one in kind.fields]
    return {one.encode_name: value_of(one.type) for one in kind.fields}


@value_of.register
def _(kind: inspect.DataclassType) -> object:
    return {one.encode_name: value_of(one.type) for one in kind.fields}


@value_of.register
def _(kind: inspect.NamedTupleType) -> object:
    return [value_of(one.type) for one in kind.fields]


@value_of.register
def _(kind: inspect.AnyType) -> object:
    return "anything"
