"""Packs a release: the command for one system, or the stack for one processor.

    archive.py command TARGET BINARY OUT
    archive.py stack ARCHITECTURE BUILD OUT   needs `sam build --build-dir BUILD`

The same files give the same archive, byte by byte.
"""

import gzip
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHELLS = {
    "bash": "fanline.bash",
    "zsh": "_fanline",
    "fish": "fanline.fish",
    "powershell": "fanline.ps1",
}
# Where the command runs. Every other file is in both archives or in one.
COMMAND_FILES = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs", "events"]
STACK_FILES = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "docs/operating.md",
    "docs/control.md",
]
# 1980-01-01, the first day that a zip can name.
TIME = 315532800


def version():
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    return manifest["workspace"]["package"]["version"]


def files_below(path):
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path]


def command_files(binary):
    """What is in the archive of the command: names, and files or bytes."""
    yield binary.name, binary
    yield from ((readme.name, readme) for readme in sorted(ROOT.glob("README*.md")))
    for name in COMMAND_FILES:
        for file in files_below(ROOT / name):
            yield file.relative_to(ROOT).as_posix(), file
    for shell, name in SHELLS.items():
        script = subprocess.run([binary, "completions", shell], check=True, capture_output=True)
        yield f"completions/{name}", script.stdout
    with tempfile.TemporaryDirectory() as pages:
        subprocess.run([binary, "man", pages], check=True)
        for page in files_below(Path(pages)):
            yield f"man/man1/{page.name}", page.read_bytes()


def stack_files(architecture, build):
    """What is in the archive of the stack: the template, and a folder for each function."""
    for file in files_below(build):
        name = file.relative_to(build).as_posix()
        if name == "template.yaml":
            yield name, for_processor(file.read_text(encoding="utf-8"), architecture).encode()
        else:
            yield name, file
    yield "samconfig.toml", ROOT / "samconfig.toml"
    for name in STACK_FILES:
        yield name, ROOT / name


def for_processor(template, architecture):
    """The template for the functions that are beside it, and for no other processor.

    `sam build` names our files by the way from the build's folder. Here they are beside it too.
    """
    template = re.sub(r"(?m)^(    (?:License|Readme)Url: )(?:\.\./)+", r"\1", template)
    # `sam build` writes a list of values over several lines, and the sources have it on one.
    parameter = re.compile(r"(?m)^  Architecture:\n(?:    .*\n)+")
    (before,) = parameter.findall(template)
    after = re.sub(r"(?m)^(    Default:).*$", rf"\1 {architecture}", before)
    after, lists = re.subn(
        r"(?m)^(    AllowedValues:)(?: \[.*\]\n|\n(?:    - .*\n)+)",
        rf"\1 [{architecture}]\n",
        after,
    )
    if f"Default: {architecture}" not in after or lists != 1:
        raise SystemExit("the template's parameter `Architecture` has another form than expected")
    return template.replace(before, after)


def is_program(name):
    return Path(name).name in {"fanline", "bootstrap"}


def content_of(source):
    return source if isinstance(source, bytes) else source.read_bytes()


def pack(name, files, out):
    """Writes the archive, with all files below one folder of its name."""
    out.mkdir(parents=True, exist_ok=True)
    if "windows" in name:
        path = out / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, source in files:
                entry = zipfile.ZipInfo(f"{name}/{file}", (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content_of(source))
        return path
    path = out / f"{name}.tar.gz"
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=TIME) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file, source in files:
            content = content_of(source)
            entry = tarfile.TarInfo(f"{name}/{file}")
            entry.size, entry.mtime = len(content), TIME
            entry.mode = 0o755 if is_program(file) else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return path


def main(kind, target, source, out):
    source, out = Path(source).resolve(), Path(out)
    if kind == "command":
        return pack(f"fanline-{version()}-{target}", command_files(source), out)
    name = f"fanline-stack-{version()}-{target}"
    return pack(name, stack_files(target, source), out)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
