"""Checks that the built functions are for the processor that they are deployed for.

    processor.py ARCHITECTURE BUILD-FOLDER

A function whose binary is for another processor fails at each invocation, and nothing says so
before.
"""

import sys
from pathlib import Path

# `e_machine` of the ELF header, at byte 18. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}


def processor(binary):
    """The processor of an ELF binary, as Lambda calls it."""
    with open(binary, "rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF":
        return "no Linux program"
    return MACHINES.get(int.from_bytes(header[18:20], "little"), "another processor")


def complaints(architecture, build):
    binaries = sorted(Path(build).glob("*/bootstrap"))
    if not binaries:
        yield f"{build}: no function is built there; run `sam build`"
    for binary in binaries:
        found = processor(binary)
        if found != architecture:
            yield (
                f"{binary} is built for {found}, and the stack is for {architecture}: "
                f"run `sam build --parameter-overrides Architecture={architecture}`"
            )


if __name__ == "__main__":
    found = list(complaints(*sys.argv[1:]))
    for complaint in found:
        print(complaint, file=sys.stderr)
    sys.exit(1 if found else 0)
