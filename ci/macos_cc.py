#!/usr/bin/env python3
"""A C compiler for macOS on any machine: Zig brings the headers that Apple's compiler would.

The `cc` crate calls it as it would call clang. Zig names the target in its own way.
"""

import sys
from subprocess import call

OURS = ("--target=", "-mmacosx-version-min=")
# These have a value behind them.
OURS_WITH_VALUE = ("-arch", "-isysroot")


def kept(arguments):
    """The arguments that do not name the target."""
    arguments = iter(arguments)
    for argument in arguments:
        if argument in OURS_WITH_VALUE:
            next(arguments, None)
        elif not argument.startswith(OURS):
            yield argument


if __name__ == "__main__":
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-macos"]
    sys.exit(call([*zig, *kept(sys.argv[1:])]))
