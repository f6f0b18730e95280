"""Compiles functions to machine code, and keeps the code with the firm's data."""

import hashlib
from pathlib import Path
from typing import Any

import numba

from posttrade.settings import get_settings

TOGETHER = ("domain/lot_kernel.py", "records/binary_copy.py", "records/lot_inputs.py", "records/lot_outputs.py", "records/lot_streams.py")
"""Modules whose functions call one another. Numba notices a change of the module it compiles, not of one that this calls, so what is
kept is kept by the checksum of them all."""


def compiled(function: Any) -> Any:
    """Compile a function when it is first called, for the types it is called with; other threads go on while it runs."""
    package = Path(__file__).parent
    checksum = hashlib.sha256(b"\0".join((package / name).read_bytes() for name in TOGETHER)).hexdigest()[:16]
    numba.config.CACHE_DIR = str(get_settings().home / "compiled" / checksum)
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
