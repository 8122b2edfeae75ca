//! `fanline dashboard`: the runs as pages, on this machine alone.
//!
//! - `page`: the pages and their addresses; `access`: who may see them
//! - `stacks`: the ledgers; `view`: what a page shows of them
//! - `render`: the templates; `parts`: the finished parts of a page
//! - `server`: what the answers are made of; `cache`: what was read a moment ago
//! - `routes`: the addresses; `events`: what is new on a page
//! - `change`, `again`: what the buttons do; `statistics`: what LINE has counted

mod access;
mod again;
mod cache;
mod change;
mod events;
mod page;
mod parts;
mod render;
mod routes;
mod server;
mod stacks;
mod statistics;
mod view;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use console::style;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::place::Ledger;
use super::status::known::KnownRun;
use crate::args::{DashboardArgs, LedgerArgs, LedgerPlace};
use crate::exit::{CommandEnd, InputError};
use crate::print;
use crate::signals::StopSignals;
use access::Access;
use page::{NamedRun, Page};
use render::Renderer;
use server::Server;
use stacks::Stack;

/// Shows the runs until it is stopped.
pub(super) async fn execute(args: &DashboardArgs) -> anyhow::Result<CommandEnd> {
    let mut stacks = Vec::new();
    for at in places(args) {
        let ledger = Ledger::open(&LedgerArgs { at: at.clone() }).await?;
        if ledger.list_names().await?.is_empty() {
            print::note(format_args!("there are no runs in `{}` yet", ledger.name));
        }
        stacks.push(Stack::new(ledger, at));
    }
    let dashboard = Dashboard::start(args.port, stacks, None).await?;
    let stop = StopSignals::listen()?;
    print::line(format_args!(
        "dashboard: {}",
        style(dashboard.address()).bold()
    ))?;
    print::note("whoever has this address can change runs; Ctrl-C stops the dashboard");
    stop.received().await;
    Ok(CommandEnd::Complete)
}

/// A run as one page that needs no other file, without buttons.
pub(super) fn report_page(run: &KnownRun, stack: &str) -> anyhow::Result<String> {
    let renderer = Renderer::new().context("a template of the report")?;
    renderer.report(run, stack).context("the report")
}

/// The ledgers that the flags name, or the usual one.
fn places(args: &DashboardArgs) -> Vec<Option<LedgerPlace>> {
    if args.at.is_empty() {
        return vec![None];
    }
    args.at.iter().cloned().map(Some).collect()
}

/// A dashboard that answers as long as this value lives.
pub(crate) struct Dashboard {
    address: String,
    serving: JoinHandle<()>,
}

impl Dashboard {
    /// Shows one run that is about to begin, in the ledger of this folder.
    pub(crate) async fn of_run(folder: &Path, run: &str) -> anyhow::Result<Self> {
        let run = NamedRun {
            at: 0,
            run: run.to_owned(),
        };
        let at = LedgerPlace::Folder(folder.to_owned());
        let stack = Stack::new(Ledger::in_folder(folder), Some(at));
        Self::start(0, vec![stack], Some(run)).await
    }

    /// Listens on this machine alone. There is no flag for more: use a tunnel.
    async fn start(
        port: u16,
        stacks: Vec<Stack>,
        awaited: Option<NamedRun>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(|error| InputError(format!("--port {port}: {error}")))?;
        let access = Access::new(listener.local_addr()?.port());
        let page = awaited.clone().map_or(Page::Runs, Page::Run);
        let address = access.address(&page);
        let server = Server::new(access, stacks, awaited).context("a template of the dashboard")?;
        let router = routes::router(Arc::new(server));
        let serving = tokio::spawn(async {
            if let Err(error) = axum::serve(listener, router).await {
                print::error(&anyhow::Error::new(error).context("the dashboard has ended"));
            }
        });
        Ok(Self { address, serving })
    }

    /// The address to open. It lets whoever has it change runs.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
