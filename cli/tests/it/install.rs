//! What a package brings beside the command: its version, completions and manual pages.

use clap_complete::Shell;

use crate::support::Folder;

#[test]
fn the_version_names_the_commit_it_was_built_from() {
    let answer = Folder::new().fanline(&["--version"]);
    let version = answer.out.trim();
    let numbers = format!("fanline {}", env!("CARGO_PKG_VERSION"));
    let rest = version.strip_prefix(&numbers).unwrap();
    let is_commit = |commit: &str| commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = rest
        .strip_prefix(" (")
        .and_then(|rest| rest.strip_suffix(')'));
    // A source archive without a repository has no commit.
    assert!(
        rest.is_empty() || commit.is_some_and(is_commit),
        "{version}"
    );
}

#[test]
fn each_shell_gets_a_script_with_every_command() {
    let folder = Folder::new();
    let help = folder.fanline(&["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"completions"), "{help}");
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        let script = folder.fanline(&["completions", &shell.to_string()]).out;
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn bash_can_read_its_script_and_completes_a_flag() {
    let folder = Folder::new();
    let script = folder.fanline(&["completions", "bash"]).out;
    let folder = folder.with("fanline.bash", script);
    let asks = "source ./fanline.bash
        COMP_WORDS=(fanline run --no-r) COMP_CWORD=2
        _fanline fanline --no-r run
        echo \"${COMPREPLY[@]}\"";
    assert_eq!(folder.shell(asks).trim(), "--no-rate-limit");
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = Folder::new();
    assert_eq!(folder.fanline(&["man", "man1"]).code, Some(0));
    for page in ["fanline.1", "fanline-run.1", "fanline-schedule-set.1"] {
        let text = folder.read(&format!("man1/{page}"));
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn pages_that_can_not_be_written_are_an_error_that_names_the_folder() {
    let folder = Folder::new().with("man1", "a file");
    let answer = folder.fanline(&["man", "man1"]);
    assert_eq!(answer.code, Some(1));
    assert!(
        answer.err.contains("can't be written to `man1`"),
        "{}",
        answer.err
    );
}
