"""Job configuration: one frozen dataclass per job, filled from YAML, then from `key=value`, then checked.

Every field is made with `option(...)`, which carries its help text and bounds. From the dataclass come the
command line, the help page, the resolved YAML and the part of the fingerprint that decides on re-use.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import yaml

from corpus.engine.errors import UserError, nearest
from corpus.engine.overrides import from_yaml, items

ConfigT = TypeVar("ConfigT")
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


def option(
    help: str,
    default: Any = dataclasses.MISSING,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] | None = None,
    flag: str | None = None,
    volatile: bool = False,
) -> Any:
    """A config field with its help text and its bounds.

    `volatile` marks what cannot change the result (paths of outputs, threads, display): such fields stay
    out of the fingerprint. `flag` gives the field a second name, such as `--from`.
    """
    meta = {
        "help": help,
        "least": least,
        "most": most,
        "choices": choices,
        "flag": flag,
        "volatile": volatile,
    }
    if isinstance(default, (dict, list)):
        return dataclasses.field(default_factory=default.copy, metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobConfig:
    """The keys that every job has."""

    output: str = option("folder that the finished stage is written to", volatile=True)
    master: str | None = option(
        "Spark master, such as local[4]; under spark-submit leave it to --master", None, volatile=True
    )
    max_failed_fraction: float = option(
        "end with exit code 3 if more than this share of the records failed",
        0.1,
        least=0,
        most=1,
        volatile=True,
    )


def build(config_type: type[ConfigT], data: Mapping[str, Any], *, where: str = "the command line") -> ConfigT:
    """Make a config from nested plain data. Raises UserError that names the key and the way out."""
    return typing.cast(ConfigT, _build(config_type, data, prefix="", where=where))


def load_yaml(path: str) -> dict[str, Any]:
    """The mapping in a YAML file. Raises UserError where it cannot be read or is no mapping."""
    try:
        with open(path, encoding="utf-8") as stream:
            data = yaml.safe_load(stream) or {}
    except OSError as error:
        raise UserError(f"cannot read the config file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"the config file {path} is not UTF-8 text: {error.reason}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(f"{path} is not valid YAML{line}: {problem}.") from error
    if not isinstance(data, dict):
        raise UserError(f"{path} must hold a mapping of keys to values, not a {type(data).__name__}.")
    return data


def to_dict(config: Any, *, with_volatile: bool = True) -> dict[str, Any]:
    """The config as plain data, ready for YAML or JSON."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        if with_volatile or not field.metadata.get("volatile"):
            out[field.name] = _plain(getattr(config, field.name), with_volatile)
    return out


def to_yaml(config: Any) -> str:
    """The resolved config as YAML that `--config` takes again, each key under its help text."""
    lines: list[str] = []
    data = to_dict(config)
    for field in dataclasses.fields(config):
        lines.append("# " + " ".join(field.metadata.get("help", "").split()))
        entry = {field.name: data[field.name]}
        lines.append(yaml.safe_dump(entry, sort_keys=False, allow_unicode=True).rstrip())
    return "\n".join(lines) + "\n"


def describe_keys(config_type: type[Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """(key, type and bounds, help) for each key, nested configs with dotted keys."""
    hints = typing.get_type_hints(config_type)
    for field in dataclasses.fields(config_type):
        kind, key = hints[field.name], prefix + field.name
        if dataclasses.is_dataclass(kind):
            yield from describe_keys(typing.cast("type[Any]", kind), key + ".")
            continue
        text, flag = field.metadata.get("help", ""), field.metadata.get("flag")
        yield key, f"{_type_name(kind)}, {_show(field)}{_bounds(field)}", f"{text} ({flag})" if flag else text
        if typing.get_origin(kind) is dict and dataclasses.is_dataclass(typing.get_args(kind)[1]):
            yield from describe_keys(typing.get_args(kind)[1], f"{key}.NAME.")


def _build(config_type: Any, data: Any, *, prefix: str, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise UserError(
            f"'{prefix.rstrip('.')}' in {where} must be a mapping of keys to values, not {data!r}."
        )
    fields = {field.name: field for field in dataclasses.fields(config_type)}
    for key in data:
        if key not in fields:
            raise UserError(f"unknown key '{prefix}{key}' in {where}: {nearest(str(key), fields)}")
    hints, values = typing.get_type_hints(config_type), {}
    for name, field in fields.items():
        if name in data:
            values[name] = _coerce(data[name], hints[name], key=prefix + name, where=where)
            _check(field, values[name], prefix + name)
        elif dataclasses.is_dataclass(hints[name]) and field.default is dataclasses.MISSING:
            values[name] = _build(hints[name], {}, prefix=f"{prefix}{name}.", where=where)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            text = field.metadata.get("help", "")
            raise UserError(f"the key '{prefix}{name}' is missing: {text}; give {prefix}{name}=...")
    return config_type(**values)


def _coerce(value: Any, kind: Any, *, key: str, where: str) -> Any:
    """Turn a YAML value or a word of the command line into the field's type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None or (isinstance(value, str) and value.lower() in ("null", "none", "")):
            return None
        inner = next(a for a in arguments if a is not type(None))
        return _coerce(value, inner, key=key, where=where)
    if dataclasses.is_dataclass(kind):
        from_text = getattr(kind, "from_text", None)
        if isinstance(value, str) and from_text is not None and not value.lstrip().startswith("{"):
            value = from_text(value)
        return _build(kind, from_yaml(value), prefix=key + ".", where=where)
    if origin is tuple:
        return tuple(_coerce(item, arguments[0], key=key, where=where) for item in items(value))
    if origin is dict:
        mapping = from_yaml(value)
        if not isinstance(mapping, Mapping):
            raise UserError(f"'{key}' must be a mapping of names to values, not {value!r}.")
        return {str(k): _coerce(v, arguments[1], key=f"{key}.{k}", where=where) for k, v in mapping.items()}
    return _scalar(value, kind, key)


def _scalar(value: Any, kind: Any, key: str) -> Any:
    if kind in (Any, object):
        return from_yaml(value)
    if isinstance(value, (list, dict)) or value is None:
        raise UserError(f"'{key}' takes one {_type_name(kind)}, not {value!r}.")
    text = str(value).strip()
    try:
        if kind is bool:
            if text.lower() in _TRUE | _FALSE:
                return text.lower() in _TRUE
            raise ValueError(text)
        if kind is int:
            return int(text.replace("_", ""))
        if kind is float:
            return float(text)
        if kind is str and isinstance(value, bool):
            # YAML 1.1 reads the language code `no` as false: guessing back would hide the mistake
            raise UserError(f"'{key}' takes a text, and YAML reads this one as {value}; put it in quotes.")
        return kind(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"'{key}' takes a {_type_name(kind)}, not '{value}'.") from error


def _check(field: dataclasses.Field[Any], value: Any, key: str) -> None:
    least, most, choices = (field.metadata.get(name) for name in ("least", "most", "choices"))
    if isinstance(value, tuple):
        for item in value:
            _check(field, item, key)
        return
    if choices is not None and value is not None and value not in choices:
        raise UserError(f"'{key}' cannot be '{value}': {nearest(str(value), choices)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        within = (least is None or value >= least) and (most is None or value <= most)  # false for NaN
        if not within:
            raise UserError(f"'{key}' is {value}, outside its bounds{_bounds(field)}.")


def _plain(value: Any, with_volatile: bool) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value, with_volatile=with_volatile)
    if isinstance(value, Mapping):
        return {k: _plain(v, with_volatile) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, with_volatile) for v in value]
    return value


def _type_name(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _type_name(next(a for a in arguments if a is not type(None))) + " or null"
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return f"mapping to {_type_name(arguments[1])}"
    plain = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return plain.get(kind, getattr(kind, "__name__", "value"))


def _bounds(field: dataclasses.Field[Any]) -> str:
    least, most, choices = (field.metadata.get(name) for name in ("least", "most", "choices"))
    parts = [f"at least {least:g}"] if least is not None else []
    parts += [f"at most {most:g}"] if most is not None else []
    parts += ["one of " + ", ".join(choices)] if choices else []
    return f" ({'; '.join(parts)})" if parts else ""


def _show(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = _plain(field.default, True)
    elif field.default_factory is not dataclasses.MISSING:
        value = _plain(field.default_factory(), True)
    else:
        return "required"
    return "default none" if value is None or value in ([], {}, "") else f"default {value}"
