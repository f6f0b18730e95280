"""Tables of what the rules work with, YAML files of procedures/: data, checked against their form when they are read."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

FOLDER = Path(__file__).parents[1] / "procedures"
STRICT = ConfigDict(extra="forbid")
Reason = Annotated[str, Field(min_length=1)]


def read_table(file: Path, form: Any) -> Any:
    """The table in a file, of the type `form`.

    Raises:
        ValueError: the file breaks the form; the message names it, the place and what was expected.
    """
    try:
        return TypeAdapter(form).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ValueError(f"{file.name} is not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{file.name}: {'.'.join(map(str, first['loc']))} is {first['input']!r}: {first['msg']}") from error
