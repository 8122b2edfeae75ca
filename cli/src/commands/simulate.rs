//! `fanline simulate`: the queue server or the simulated LINE by itself, until interrupted.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use fanline_local::{LineOptions, LineServer, QueueOptions, QueueServer};

use crate::args::{ServerArgs, SimulateArgs, SimulateLineArgs};
use crate::exit::CommandEnd;
use crate::rehearsal::faults::Faults;
use crate::{print, signals};

/// Serves until interrupted.
pub(crate) async fn execute(args: &SimulateArgs) -> anyhow::Result<CommandEnd> {
    match args {
        SimulateArgs::Queue(args) => serve_queue(args).await,
        SimulateArgs::Line(args) => serve_line(args).await,
    }
}

async fn serve_queue(args: &ServerArgs) -> anyhow::Result<CommandEnd> {
    let options = QueueOptions {
        host: args.host,
        port: args.port,
        faults: Faults::parse(args.faults.as_deref(), args.seed)?.queue,
        ..QueueOptions::default()
    };
    let server = QueueServer::start(options).await;
    let server = server.with_context(|| listening_on(args))?;
    until_stopped(args.host, server.url()).await
}

async fn serve_line(args: &SimulateLineArgs) -> anyhow::Result<CommandEnd> {
    let options = LineOptions {
        host: args.server.host,
        port: args.server.port,
        rate_limits: !args.no_rate_limit,
        monthly_quota: args.monthly_quota,
        faults: Faults::parse(args.server.faults.as_deref(), args.server.seed)?.line,
        ..LineOptions::default()
    };
    let server = LineServer::start(options).await;
    let server = server.with_context(|| listening_on(&args.server))?;
    until_stopped(args.server.host, server.url()).await
}

fn listening_on(args: &ServerArgs) -> String {
    format!("listening on {}", SocketAddr::from((args.host, args.port)))
}

/// Prints the line that says where the server listens, and waits for a signal.
async fn until_stopped(host: IpAddr, url: &str) -> anyhow::Result<CommandEnd> {
    if !host.is_loopback() {
        print::note(format_args!(
            "warning: everybody who reaches {host} can read and change what is here, without a \
             password"
        ));
    }
    print::line(format_args!("listening on {url}"))?;
    signals::stop().await?;
    Ok(CommandEnd::Complete)
}
