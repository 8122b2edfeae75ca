//! `fanline dashboard`: the runs as pages, on this machine alone.
//!
//! - `page`: the pages and their addresses; `access`: who may see them
//! - `stacks`: the ledgers; `runs_view`, `run_view`: what a page shows of them
//! - `render`: the templates; `parts`: the finished parts of a page
//! - `server`: what the answers are made of; `cache`: what was read a moment ago
//! - `routes`: the addresses; `events`: what is new on a page; `change`: what the buttons do

mod access;
mod cache;
mod change;
mod events;
mod page;
mod parts;
mod render;
mod routes;
mod run_view;
mod runs_view;
mod server;
mod stacks;

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use console::style;
use tokio::net::TcpListener;

use super::place::Ledger;
use crate::args::{DashboardArgs, LedgerArgs};
use crate::exit::{CommandEnd, InputError};
use crate::print;
use crate::signals::StopSignals;
use access::Access;
use page::Page;
use server::Server;
use stacks::Stack;

/// Shows the runs until it is stopped.
pub(super) async fn execute(args: &DashboardArgs) -> anyhow::Result<CommandEnd> {
    let mut stacks = Vec::new();
    for at in places(args) {
        let ledger = Ledger::open(&LedgerArgs { at }).await?;
        if ledger.list_names().await?.is_empty() {
            print::note(format_args!("there are no runs in `{}` yet", ledger.name));
        }
        stacks.push(Stack::new(ledger));
    }
    let (listener, access) = listen(args.port).await?;
    let address = access.address(&Page::Runs);
    let server = Server::new(access, stacks).context("a template of the dashboard")?;
    let stop = StopSignals::listen()?;
    print::line(format_args!("dashboard: {}", style(address).bold()))?;
    print::note("whoever has this address can change runs; Ctrl-C stops the dashboard");
    tokio::select! {
        ended = axum::serve(listener, routes::router(Arc::new(server))) => ended?,
        () = stop.received() => {}
    }
    Ok(CommandEnd::Complete)
}

/// The ledgers that the flags name, or the usual one.
fn places(args: &DashboardArgs) -> Vec<Option<crate::args::LedgerPlace>> {
    if args.at.is_empty() {
        return vec![None];
    }
    args.at.iter().cloned().map(Some).collect()
}

/// Listens on this machine alone. There is no flag for more: use a tunnel.
async fn listen(port: u16) -> anyhow::Result<(TcpListener, Access)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|error| InputError(format!("--port {port}: {error}")))?;
    let port = listener.local_addr()?.port();
    Ok((listener, Access::new(port)))
}
