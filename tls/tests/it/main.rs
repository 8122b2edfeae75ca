//! Real clients and a real TLS server. The root certificates are read once in a process, so each
//! case runs in a process of its own: this binary with `clients` as its only test.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed; its environment says which case it is"
)]

mod server;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::server::{OTHER_ROOT, ROOT, serve};

/// Where the server of a case is, and whether the clients must trust it.
const SERVER: &str = "TLS_TEST_SERVER";
const IS_TRUSTED: &str = "TLS_TEST_IS_TRUSTED";

/// Runs the clients with root certificates from this file.
fn clients_with(roots: &Path, server: &str, is_trusted: bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let done = command
        .args(["--exact", "clients", "--ignored", "--nocapture"])
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", server)
        .env("SSL_CERT_FILE", roots)
        .env(SERVER, server)
        .env(IS_TRUSTED, is_trusted.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
}

/// The same with these certificates in the file. Gives whether it is still there.
fn clients_with_file(certificates: &str, is_trusted: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    fs::write(&roots, certificates).unwrap();
    clients_with(&roots, &serve(), is_trusted);
    roots.exists()
}

#[test]
fn clients_of_both_kinds_trust_the_roots_of_the_environment_and_read_them_once() {
    let is_there = clients_with_file(&format!("{OTHER_ROOT}{ROOT}"), true);
    assert!(!is_there, "the clients remove the file on the way");
}

#[test]
fn a_server_with_another_root_is_refused() {
    assert!(clients_with_file(OTHER_ROOT, false));
}

#[test]
fn without_any_roots_every_server_is_refused() {
    clients_with(Path::new("/nowhere/roots.pem"), &serve(), false);
}

/// What a case asks of the clients.
#[test]
#[ignore = "a part of the other tests: it needs their environment"]
fn clients() {
    let server = std::env::var(SERVER).unwrap();
    let is_trusted = std::env::var(IS_TRUSTED).unwrap() == "true";
    let roots = std::env::var("SSL_CERT_FILE").unwrap();
    let has_roots = Path::new(&roots).exists();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        // Made before anything is read.
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(fanline_tls::client_config())
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        let sqs = aws_sdk_sqs::Client::new(&fanline_tls::sdk_config().await);
        assert_eq!(http.get(&server).send().await.is_ok(), is_trusted);
        if is_trusted {
            fs::remove_file(&roots).unwrap();
        }
        assert_eq!(sqs.list_queues().send().await.is_ok(), is_trusted);
        assert_eq!(http.get(&server).send().await.is_ok(), is_trusted);
    });
    let problem = fanline_tls::require_roots()
        .err()
        .map(|error| error.to_string());
    let no_roots =
        "there are no root certificates: install `ca-certificates`, or set `SSL_CERT_FILE`";
    assert_eq!(problem, (!has_roots).then(|| no_roots.to_owned()));
}
