"""The project keeps the rules of the house, and each rule notices when it is broken."""

import subprocess
from pathlib import Path

import pytest

import rules
from modules import Crate, circles

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("check", rules.CHECKS, ids=lambda check: check.__name__)
def test_the_project_keeps_the_rule(check):
    if complaints := list(check(ROOT)):
        pytest.fail("\n".join([f"{check.__name__}:", *complaints]), pytrace=False)


@pytest.fixture
def project(tmp_path):
    """Makes a project of these files and returns its folder."""

    def make(files):
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("count", "complains"), [(rules.MAX_FILES, False), (rules.MAX_FILES + 1, True)]
)
def test_a_crowded_source_folder_is_noticed(project, count, complains):
    root = project({f"a/src/b/{n}.rs": "" for n in range(count)})
    assert bool(list(rules.crowded_folders(root))) == complains


def test_a_folder_of_tests_may_hold_more_files(project):
    root = project({f"a/tests/it/{n}.rs": "" for n in range(rules.MAX_FILES + 1)})
    assert list(rules.crowded_folders(root)) == []


@pytest.mark.parametrize("name", ["a/src/b.rs", "a/tests/it/b.rs", "tests/b.py"])
def test_a_long_file_is_noticed(project, name):
    assert list(rules.long_files(project({name: "\n" * rules.MAX_LINES}))) == []
    (complaint,) = rules.long_files(project({name: "\n" * (rules.MAX_LINES + 1)}))
    assert complaint.startswith(f"{name}: {rules.MAX_LINES + 1} lines")


@pytest.mark.parametrize(
    ("name", "line", "complains"),
    [
        ("a/src/b.rs", "/// " + "x" * 96, False),
        ("a/src/b.rs", "/// " + "x" * 97, True),
        ("a/src/b.rs", "let a = 1; // " + "x" * 97, True),
        ("a/src/b.rs", "let a = " + "1 + " * 30 + "1;", False),
        ("a/src/b.rs", "//! | a table | " + "x" * 97, False),
        ("a/src/b.rs", "// https://example.com/" + "x" * 97, False),
        ("a/src/b.rs", "// " + "早" * 48, False),
        ("a/src/b.rs", "// " + "早" * 49, True),
        ("docs/a.md", "x" * 101, True),
        ("docs/a.md", "| a table | " + "x" * 97, False),
        ("a.yaml", "  # " + "x" * 97, True),
        ("a.yaml", "  a: " + "x" * 97, False),
        ("Makefile", "# " + "x" * 99, True),
        (".ci/run", "# " + "x" * 99, True),
        ("LICENSE-MIT", "# " + "x" * 99, False),
    ],
)
def test_a_long_comment_is_noticed(project, name, line, complains):
    assert bool(list(rules.long_lines(project({name: f"\n{line}\n"})))) == complains


def test_the_complaint_names_the_line(project):
    assert list(rules.long_lines(project({"a.md": "\n" + "x" * 120}))) == [
        "a.md:2: 120 columns, 100 at most"
    ]


@pytest.mark.parametrize(
    ("named", "complains"),
    [
        ("a/src/b.rs", False),
        ("a/b.rs", False),
        ("a/b", False),
        ("a/", False),
        ("a/c.rs", True),
        ("elsewhere/c.rs", False),
    ],
)
def test_a_path_that_does_not_exist_is_noticed_in_a_page(project, named, complains):
    root = project({"a/src/b.rs": "", "docs/c.md": f"See `{named}`."})
    assert bool(list(rules.paths_in_docs(root))) == complains


def found(folder, files):
    """The circles of a crate of these files, each as one string."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [" ".join("::".join(module) for module in way) for way in circles(Crate(folder).edges())]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.rs": "use crate::b::B;", "b.rs": "use crate::a::A;"}, ["a b a"]),
        ({"a.rs": "use crate::b::B;", "b.rs": "fn f() { crate::a::f() }"}, ["a b a"]),
        ({"a.rs": "use super::b::B;", "b.rs": "use crate::{\n  a::{A, X as Y},\n};"}, ["a b a"]),
        ({"a.rs": "use crate::b;", "b.rs": "use crate::c;", "c.rs": "use crate::a;"}, ["a b c a"]),
        # A folder re-exports the names of its files. The file that defines a name counts.
        (
            {
                "a.rs": "use crate::d::E;",
                "d.rs": "mod e;\npub(crate) use e::E;",
                "d/e.rs": "use crate::a::A;",
            },
            ["a d::e a"],
        ),
        (
            {
                "lib.rs": "mod a;\nmod b;\npub use a::A;",
                "a.rs": "use crate::b::B;",
                "b.rs": "use crate::A;",
            },
            ["a b a"],
        ),
        # One way only.
        ({"a.rs": "use crate::b::B;", "b.rs": "use serde::a::A;"}, []),
        # A parent and its child may need each other.
        ({"a.rs": "mod b;\nuse crate::a::b::B;", "a/b.rs": "use super::A;"}, []),
        # Only tests need it.
        (
            {
                "a.rs": "use crate::b::B;",
                "b.rs": "#[cfg(test)]\nmod tests {\n  use crate::a::A;\n}",
            },
            [],
        ),
        (
            {
                "a.rs": "use crate::b::B;",
                "b.rs": "#[cfg(test)]\nmod tests;",
                "b/tests.rs": "use crate::a::A;",
            },
            [],
        ),
        # Neither comments nor strings.
        (
            {
                "a.rs": "use crate::b::B;",
                "b.rs": '// use crate::a::A;\nconst C: &str = "use crate::a::A;";',
            },
            [],
        ),
        (
            {
                "a.rs": "use crate::b::B;",
                "b.rs": "fn f<'a>(c: &'a str) { c == r#\"crate::a::A\"# }",
            },
            [],
        ),
    ],
)
def test_a_circle_of_modules_is_found(tmp_path, files, expected):
    assert found(tmp_path, {"lib.rs": ""} | files) == expected
