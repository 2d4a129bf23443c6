"""`Component`: one class is one component. `reference(group)`: the field type that resolves `"type"`.

A component's annotated fields are its JSON, validated by pydantic; its plain attributes are run-time state; its
methods are the mathematics. A field annotated with a group's base class, `weight_init: Initializer`, takes any
component of that group, as does `reference("initializers")`, which needs no import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import get_annotations, ismodule
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, SupportsIndex, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    PydanticSerializationError,
    core_schema,
    to_json,
)

from specnet import registry
from specnet.definition import check_definition
from specnet.diagnostics import custom_error, explain_invalid, explain_unknown_keys, show_value
from specnet.errors import BrokenComponentError, ComponentError, UnknownComponentError
from specnet.faults import blaming, definition_name

_T = TypeVar("_T")
PARTIAL = "partial"
"""Validation context for the valid parts of a spec: its components may be None."""

NameOrNumber = Annotated[str, BeforeValidator(lambda name: str(name) if type(name) is int else name, str | int)]
"""The type of a field that names a column or class, or has its number."""
REFERENCE = "x-ref"
"""Keyword for a reference out of a component's own JSON Schema, where `$ref` could not be resolved."""


class Section(BaseModel):
    """A part of the spec with fixed fields. Unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        defer_build=True,
    )  # validators are made at first use, as most classes of a module are not used
    further_keys: ClassVar[tuple[str, ...]] = ()
    """Keys that the JSON may have and that are removed before validation."""


class Component(Section):
    """Base class of everything that a spec names by `"type"`.

    The base class of a group sets `group`. Fields are fixed once validated; any other attribute of an instance is
    run-time state, which pydantic neither sees nor slows down.

    A class may list important settings in `examples`, such as `({"units": 3}, {"units": 3, "use_bias": False})`:
    `specnet check` and `specnet.testing` check each of them, besides the component with as few fields as possible.
    """

    model_config = ConfigDict(frozen=False)
    group: ClassVar[str] = ""
    examples: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Fields, as in JSON, of components that show the options of the class."""
    run_time: ClassVar[tuple[str, ...]] = ()
    """Attributes that every instance has in use, besides its fields."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        check_definition(cls, Component)
        if "group" in vars(cls):  # pydantic evaluates the annotations of all base classes for each class
            cls.__annotations__.update(get_annotations(cls, eval_str=True))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...
    else:
        # pydantic's attribute access costs more than a small layer's arithmetic. A type has one slot for both
        # methods, and Python takes the fast path only if both are those of object.
        __setattr__ = object.__setattr__
        __delattr__ = object.__delattr__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if "group" in vars(cls) and cls.group:
            return reference(cls.group).__get_pydantic_core_schema__(source, handler)
        return handler(source)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if "group" in vars(cls) and cls.group:
            return reference(cls.group).__get_pydantic_json_schema__(schema, handler)
        return handler(schema)

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same spec; run-time state is ignored."""
        if not isinstance(other, Component):
            return False
        same = registry.definition(type(self)) is registry.definition(type(other))
        return same and all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Pickle layers, losses and optimizers by their fields; the network holds the rest; kernels as definitions."""
        if self.group not in ("layers", "losses", "optimizers"):
            return super().__reduce_ex__(protocol)
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return _unpickle, (registry.definition(type(self)), self.model_fields_set, fields)

    def __repr_name__(self) -> str:
        return definition_name(self)

    def to_spec(self) -> dict[str, Any]:
        """Return the JSON object that describes this component, every default written out.

        Raises:
            UnknownComponentError: if the class, or that of a component inside, is not registered.
        """
        name = type_name(self)
        try:
            return {"type": name, **self.model_dump(mode="json", by_alias=True)}
        except PydanticSerializationError as error:
            # pydantic wraps exceptions of nested components.
            raise error.__cause__ or error from None


def type_name(component: Component) -> str:
    """Return the name that a spec has for a component, or for the definition of a kernel."""
    return registry.name_of(component.group, type(component))


def _unpickle(cls: type[Component], fields_set: set[str], fields: Mapping[str, Any]) -> Component:
    return cls.model_construct(fields_set, **fields)


def fresh_copy(value: _T, replace: Callable[[type], type] = lambda cls: cls) -> _T:
    """Return a component to run, made from the one of a spec, which itself never runs.

    It is a copy with only the fields, at every depth, as if it had just been read. Lists and mappings of components
    are copied as well. `replace` returns the class of each copy.
    """
    copied: Any = value
    if isinstance(value, BaseModel):
        cls: Any = replace(type(value))
        fields = {name: fresh_copy(getattr(value, name), replace) for name in type(value).model_fields}
        copied = cls.model_construct(value.model_fields_set, **fields)
    elif type(value) in (list, tuple):
        copied = type(value)([fresh_copy(item, replace) for item in value])  # type: ignore[call-arg, attr-defined]
    elif isinstance(value, dict):
        copied = {key: fresh_copy(item, replace) for key, item in value.items()}
    return copied


class reference:
    """The type of a field that holds a component of `group`: its JSON, its bare name, or an instance."""

    def __init__(self, group: str) -> None:
        self.group = group

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.resolve,
            serialization=core_schema.plain_serializer_function_ser_schema(Component.to_spec),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {REFERENCE: f"#/$defs/{self.group}"}

    def resolve(self, value: Any, info: ValidationInfo) -> Component | None:
        """Return the component that `value` describes; a pydantic validator."""
        return None if value is None and info.context == PARTIAL else construct(self.group, value)


def find_class(group: str, name: str) -> Any:
    """Import and return the class registered as `name` in a group; for the group `commands`, the command.

    Raises:
        ComponentError: if the name is unknown, ambiguous, or its distribution is broken.
    """
    entry = registry.find(group, name)
    return check_class(entry, entry.load())


def check_class(entry: registry.Entry, cls: Any) -> Any:
    """Return the class that an entry names, if it belongs to the entry's group and can be used.

    A base class declares its group: `group = "loggers"`. Classes that specs name are also subclasses of `Component`.
    Otherwise it raises a BrokenComponentError.
    """
    if ismodule(cls):
        message = f"the entry point of {entry}, {entry.target}, names a module, not a class"
        raise BrokenComponentError(message, help=f'its author should write "{entry.target}:Class"')
    if entry.group == "commands":
        if all(callable(getattr(cls, method, None)) for method in ("main", "get_help", "get_short_help_str")):
            return cls
        fault = "is not a command"
    elif not (isinstance(cls, type) and _belongs(cls, entry.group)):
        fault = f"is not a subclass of specnet's {registry.SINGULAR[entry.group]} base class"
    elif unfinished := sorted(getattr(cls, "__abstractmethods__", ())):
        fault = f"does not define {', '.join(unfinished)}"
    else:
        if issubclass(cls, Component):
            with blaming(entry, "has fields that cannot be understood"):
                cls.model_rebuild(_types_namespace={})  # only needed if an annotation is not resolved yet
        return cls
    raise BrokenComponentError(f"{entry} is {entry.target}, which {fault}", help=entry.advice)


def _belongs(cls: type, group: str) -> bool:
    return getattr(cls, "group", None) == group and (group not in registry.GROUPS or issubclass(cls, Component))


def construct(group: str, value: Any) -> Component:
    """Return the component that a JSON value describes; an instance is returned unchanged.

    Raises:
        ValidationError: with every mistake, located inside the value.
    """
    if isinstance(value, Component):
        if value.group != group:
            message = f"expected a component of {group}, not one of {value.group}"
            raise _invalid(value, custom_error("wrong-group", message))
        return value
    fields = {"type": value} if isinstance(value, str) else value
    singular = registry.SINGULAR[group]
    one = f"an {singular}" if singular[0] in "io" else f"a {singular}"
    if not isinstance(fields, Mapping):
        message = f'{one} is a name or an object with a "type", not {show_value(value)}'
        raise _invalid(value, custom_error("wrong-type", message))
    if "type" not in fields:
        names = ", ".join(registry.claims(group))
        raise _invalid(value, custom_error("missing-key", f'this {singular} has no "type"', f"one of: {names}"))
    name = fields["type"]
    try:
        if not isinstance(name, str):
            raise UnknownComponentError(f'"type" is the name of {one}, not {show_value(name)}')
        cls = find_class(group, name)
        with blaming(registry.find(group, name), "cannot be created from its fields"):
            # Only the validation of JSON is strict and still accepts lists for tuples, objects for sections.
            text = to_json({key: item for key, item in fields.items() if key != "type"})
            return cls.model_validate_json(text, strict=True)
    except PydanticSerializationError as error:
        message = f"this {singular} contains a value that is not JSON: {error}"
        raise _invalid(value, custom_error("wrong-type", message)) from error
    except ValidationError as error:
        raise explain_unknown_keys(error, cls, group, name) from None
    except ComponentError as error:
        place = () if isinstance(value, str) else ("type",)
        raise _invalid(name, custom_error(error.code, error.message, error.help), place) from error


def _invalid(value: Any, mistake: PydanticCustomError, place: tuple[str, ...] = ()) -> ValidationError:
    details = InitErrorDetails(type=mistake, loc=place, input=value)
    return ValidationError.from_exception_data("component", [details])


def build(group: str, value: Any) -> Component:
    """Return the component of `group` that `value` describes: a name, an object with `"type"`, or an instance.

    For example `build("optimizers", {"type": "adam", "learning_rate": 0.001})`.

    Raises:
        SpecError: with every mistake in `value`.
        UsageError: if there is no such group.
    """
    registry.claims(group)
    try:
        return construct(group, value)
    except ValidationError as error:
        raise explain_invalid(error) from None
