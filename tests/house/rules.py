"""The rules of the house that a machine can hold: each check yields its complaints."""

import re
import subprocess
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import PurePosixPath

from modules import Crate, circles

MAX_FILES = 14
MAX_LINES = 400
MAX_COLUMNS = 100

PATH_IN_DOCS = re.compile(r"`([a-z_]+/[\w./-]+)`")
TABLE_ROW = re.compile(r"\s*(//[/!]?\s*)?\|")
# A Rust comment, alone in its line or after code. rustfmt keeps the code itself short.
RUST_COMMENT = re.compile(r"(^|\s)//")


def tracked(root):
    """The paths below `root` of all files that git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted(set(listed.stdout.split("\0")) - {""})
    return [PurePosixPath(name) for name in names if (root / name).is_file()]


def lines(root, path):
    return (root / path).read_text(encoding="utf-8").splitlines()


def crowded_folders(root):
    """A reader can take in about a dozen names at a glance. Folders of tests may hold more."""
    rust = [path for path in tracked(root) if path.suffix == ".rs"]
    files = Counter(path.parent for path in rust if "src" in path.parts)
    for folder, count in files.items():
        if count > MAX_FILES:
            yield f"{folder}: {count} files, {MAX_FILES} at most: make a folder"


def long_files(root):
    """A long file has more than one subject."""
    for path in tracked(root):
        if path.suffix in (".rs", ".py") and (count := len(lines(root, path))) > MAX_LINES:
            yield f"{path}: {count} lines, {MAX_LINES} at most: cut it by subject"


def is_prose(path, line):
    """Whether a line of this file is for people, and so must not be long."""
    if path.suffix == ".md":
        return True
    if path.suffix == ".rs":
        return RUST_COMMENT.search(line) is not None
    return line.lstrip().startswith("#")


def can_be_broken(line):
    """A row of a table and a web address can't be."""
    return not TABLE_ROW.match(line) and "://" not in line


def columns(line):
    """How wide a line is. Chinese, Japanese and Korean letters take two columns."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def long_lines(root):
    """Comments and docs. rustfmt and ruff keep the code short."""
    read = {".md", ".rs", ".toml", ".yaml", ".txt", ""}
    for path in tracked(root):
        if path.suffix not in read or path.name.startswith("LICENSE"):
            continue
        for number, line in enumerate(lines(root, path), 1):
            width = columns(line)
            if width > MAX_COLUMNS and is_prose(path, line) and can_be_broken(line):
                yield f"{path}:{number}: {width} columns, {MAX_COLUMNS} at most"


def paths_in_docs(root):
    """A path that a page names exists. The page may leave out `src/` and `.rs`."""
    folders = {path.parts[0] for path in tracked(root) if len(path.parts) > 1}
    for page in (path for path in tracked(root) if path.suffix == ".md"):
        for number, line in enumerate(lines(root, page), 1):
            for named in PATH_IN_DOCS.findall(line):
                top, _, rest = named.partition("/")
                short = [f"{top}/{rest}", f"{top}/src/{rest}", f"{top}/src/{rest}.rs"]
                if top in folders and not any((root / path).exists() for path in short):
                    yield f"{page}:{number}: there is no `{named}`"


def module_circles(root):
    """Two modules that need each other can only be understood together."""
    for crate in sorted({path.parts[0] for path in tracked(root) if path.match("*/Cargo.toml")}):
        edges = Crate(root / crate / "src").edges()
        for way in circles(edges):
            names = " -> ".join("::".join(module) for module in way)
            uses = ", ".join(f"`{edges[one][other]}`" for one, other in pairwise(way))
            yield f"{crate}: modules in a circle: {names} (by {uses})"


CHECKS = [crowded_folders, long_files, long_lines, paths_in_docs, module_circles]
