//! A folder for each test, and the answer of the command.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A folder that is removed after the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file into the folder.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.0.join(name), content).unwrap();
        self
    }

    /// Writes another content into a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), content).unwrap();
    }

    /// Removes a file where it is there.
    pub(crate) fn remove(&self, name: &str) {
        drop(std::fs::remove_file(self.0.join(name)));
    }

    /// Where something lies in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    /// The files in a folder within it, at any depth.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.0.join(folder)]);
        while let Some(folder) = folders.pop() {
            // A folder that is not there has no files.
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    /// Runs `fanline` in the folder, without environment variables.
    pub(crate) fn fanline(&self, args: &[&str]) -> Answer {
        self.fanline_with(args, &[])
    }

    /// Runs `fanline` with these environment variables alone.
    pub(crate) fn fanline_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Answer {
        Answer::new(self.command(args).envs(variables.iter().copied()))
    }

    /// Starts `fanline` with these environment variables alone. Nobody reads what it prints.
    pub(crate) fn start(&self, args: &[&str], variables: &[(&str, &str)]) -> Child {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Runs `fanline` with this standard output.
    pub(crate) fn fanline_into(&self, args: &[&str], out: impl Into<Stdio>) -> Answer {
        Answer::new(self.command(args).stdout(out))
    }

    /// Runs `fanline` with this on its standard input, out of a pipe.
    pub(crate) fn fanline_from(&self, args: &[&str], input: &[u8]) -> Answer {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let input = input.to_vec();
        // The command may end without reading all of it.
        let write = std::thread::spawn(move || drop(writer.write_all(&input)));
        let answer = Answer::new(self.command(args).stdin(reader));
        write.join().unwrap();
        answer
    }

    /// What bash prints for this script, which must not fail.
    pub(crate) fn shell(&self, script: &str) -> String {
        let mut bash = Command::new("bash");
        let answer = Answer::new(bash.args(["-ec", script]).current_dir(&self.0));
        assert_eq!(answer.code, Some(0), "{answer:?}");
        answer.out
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanline"));
        command.args(args).current_dir(&self.0).env_clear();
        command.env("XDG_STATE_HOME", self.0.join("state"));
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What the command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    fn new(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A user ID that nobody has.
pub(crate) fn user(n: usize) -> String {
    format!("U{n:032x}")
}

/// A campaign with these messages to `list.csv`.
pub(crate) fn campaign(messages: &str) -> String {
    format!(
        r#"{{"campaign": "test", "channel": "line", "recipients": "list.csv",
            "messages": {messages}}}"#
    )
}

/// A list of `n` people with names.
pub(crate) fn list(n: usize) -> String {
    let rows = (0..n).map(|i| format!("{},name {i}\n", user(i)));
    std::iter::once("to,name\n".to_owned())
        .chain(rows)
        .collect()
}

pub(crate) const ONE_TEXT: &str = r#"[{"type": "text", "text": "hello"}]"#;
pub(crate) const PERSONAL: &str = r#"[{"type": "text", "text": "hello {{ name }}"}]"#;
