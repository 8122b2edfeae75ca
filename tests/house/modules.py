"""Which module of a crate uses which, read from its `use` declarations and `crate::` paths.

A name is followed through re-exports to the module that defines it, so that a folder's own file
does not hide who needs whom. Tests are left out.
"""

import re
from collections import deque
from pathlib import Path

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
USE = re.compile(r"(?<![A-Za-z0-9_])use\s+([^;]+);")
PATH = re.compile(rf"(?<![\w:$])(?:crate|super|self)(?:\s*::\s*{IDENTIFIER})+")
TEST_ITEM = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*")
TEST_FILE = re.compile(rf"(?:pub(?:\([^)]*\))?\s+)?mod\s+({IDENTIFIER})\s*;")
NOISE = re.compile(
    r"""
    //[^\n]*                                # a comment up to the end of its line
    | /\*.*?\*/                             # a comment in a block
    | b?r(?P<hashes>\#*)".*?"(?P=hashes)    # a raw string
    | b?"(?:\\.|[^"\\])*"                   # a string
    | b?'(?:\\[^\n]{1,10}?|[^'\\\n])'       # a character, which a lifetime is not
    """,
    re.VERBOSE | re.DOTALL,
)


def code(text):
    """The source without comments, strings and what is compiled for tests only."""
    text = NOISE.sub(" ", text)
    while item := TEST_ITEM.search(text):
        text = text[: item.start()] + text[end_of_item(text, item.end()) :]
    return text


def end_of_item(text, start):
    """Where the item that starts here ends: at its semicolon or its last brace."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return place + 1
        elif text[place] == ";" and depth == 0:
            return place + 1
    return len(text)


def leaves(tree):
    """Every path of a use tree: `a::{b, c::d as e}` is `a::b` and `a::c::d`, named `b` and `e`."""
    tree = tree.strip()
    if "{" in tree:
        head, _, rest = tree.partition("{")
        inside = rest.rpartition("}")[0]
        prefix = [part.strip() for part in head.split("::") if part.strip()]
        for branch in branches(inside):
            for path, name in leaves(branch):
                if path == ["self"]:
                    yield prefix, prefix[-1] if name == "self" else name
                else:
                    yield prefix + path, name
    elif tree:
        whole, _, alias = tree.partition(" as ")
        path = [part.strip() for part in whole.split("::") if part.strip()]
        yield path, alias.strip() or path[-1]


def branches(inside):
    """The parts between a brace's commas; commas of inner braces belong to their own part."""
    depth, part = 0, ""
    for letter in inside:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            yield part
            part = ""
        else:
            part += letter
    yield part


class Crate:
    """The modules of one `src/` folder; a module is a tuple of names, the root is empty."""

    def __init__(self, src):
        self.src = Path(src)
        files = {module_of(path.relative_to(src)): [] for path in self.src.rglob("*.rs")}
        for path in sorted(self.src.rglob("*.rs")):
            files[module_of(path.relative_to(src))].append(path.read_text(encoding="utf-8"))
        for module in [module for texts in files for module in self.test_files(files, texts)]:
            files.pop(module, None)
        self.code = {module: "\n".join(map(code, texts)) for module, texts in files.items()}
        self.imports = {module: list(self.uses(text)) for module, text in self.code.items()}

    @staticmethod
    def test_files(files, module):
        """The modules that `module` declares for tests only."""
        for text in files[module]:
            text = NOISE.sub(" ", text)
            for item in TEST_ITEM.finditer(text):
                if declared := TEST_FILE.match(text, item.end()):
                    yield (*module, declared[1])

    @staticmethod
    def uses(text):
        for declaration in USE.finditer(text):
            yield from leaves(declaration[1])

    def absolute(self, module, path):
        """The path from the crate's root, or nothing where it leads to another crate."""
        path = list(path)
        if path[0] == "crate":
            return tuple(path[1:])
        if path[0] in ("self", "super"):
            here = list(module)
            while path and path[0] in ("self", "super"):
                if path.pop(0) == "super" and here:
                    here.pop()
            return tuple(here + path)
        return (*module, *path) if (*module, path[0]) in self.code else None

    def defined_in(self, path, seen=()):
        """The module that defines what the path from the root names."""
        known = next(n for n in range(len(path), -1, -1) if path[:n] in self.code)
        module, rest = path[:known], path[known:]
        if rest and (module, rest[0]) not in seen:
            for imported, name in self.imports[module]:
                target = self.absolute(module, imported) if name == rest[0] else None
                if target is not None:
                    return self.defined_in(target + rest[1:], (*seen, (module, rest[0])))
        return module

    def edges(self):
        """Every module with the modules that it needs, parents and children left out."""
        needed = {module: {} for module in self.code}
        for module, text in self.code.items():
            inline = (re.split(r"\s*::\s*", path) for path in PATH.findall(USE.sub(" ", text)))
            for path in [*(path for path, _ in self.imports[module]), *inline]:
                target = self.absolute(module, path)
                other = None if target is None else self.defined_in(target)
                if other is not None and not related(module, other):
                    needed[module].setdefault(other, "::".join(path))
        return needed


def module_of(path):
    """The module that a file under `src/` holds; `lib.rs` and `main.rs` are both the root."""
    parts = list(path.with_suffix("").parts)
    if parts[-1] == "mod" or parts in (["lib"], ["main"]):
        parts.pop()
    return tuple(parts)


def related(one, other):
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def circles(edges):
    """The shortest circle through the first of each group of modules that all need each other."""
    reached = {module: reachable(edges, module) for module in edges}
    told = set()
    for start in sorted(edges):
        if start in reached[start] and start not in told:
            told |= {other for other in reached[start] if start in reached[other]}
            yield shortest_way_back(edges, start)


def reachable(edges, start):
    """Every module that `start` needs, itself or through others."""
    found, waiting = set(), [start]
    while waiting:
        new = set(edges[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def shortest_way_back(edges, start):
    ways = deque([[start]])
    seen = set()
    while ways:
        way = ways.popleft()
        for following in sorted(edges[way[-1]]):
            if following == start:
                return [*way, start]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    raise ValueError(f"{start} is not on a circle")
