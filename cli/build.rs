//! Puts the commit into `fanline --version`.

use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "cargo runs it, and reads it")]
fn main() {
    println!("cargo::rerun-if-env-changed=FANLINE_COMMIT");
    // A source archive has no repository: who builds from one names the commit.
    let commit = std::env::var("FANLINE_COMMIT")
        .ok()
        .or_else(|| git(&["rev-parse", "--short=10", "HEAD"]));
    if let Some(log) = git(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "logs/HEAD",
    ]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let version = commit.map_or_else(
        || version.to_owned(),
        |commit| format!("{version} ({commit})"),
    );
    println!("cargo::rustc-env=FANLINE_VERSION={version}");
}

/// The first line of what git says, or nothing where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?;
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
