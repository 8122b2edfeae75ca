//! `fanline simulate`: one stand-in by itself, until interrupted.

use anyhow::Context;
use fanline_local::{LineOptions, LineServer};
use fanline_local::{QueueOptions, QueueServer};

use crate::args::Simulate;
use crate::exit::CommandEnd;
use crate::rehearsal::faults::Faults;
use crate::{print, signals};

/// Serves until interrupted. The line it prints says when it is ready and where.
pub(crate) async fn execute(what: &Simulate) -> anyhow::Result<CommandEnd> {
    match what {
        Simulate::Queue(args) => {
            let faults = Faults::parse(args.faults.as_deref(), args.seed)?.queue;
            let options = QueueOptions {
                port: args.port,
                faults,
                ..QueueOptions::default()
            };
            let server = QueueServer::start(options)
                .await
                .with_context(|| listening(args.port))?;
            serve(server.url()).await
        }
        Simulate::Line(args) => {
            let options = LineOptions {
                port: args.port.port,
                rate_limits: !args.no_rate_limit,
                monthly_quota: args.monthly_quota,
                faults: Faults::parse(args.port.faults.as_deref(), args.port.seed)?.line,
                ..LineOptions::default()
            };
            let server = LineServer::start(options)
                .await
                .with_context(|| listening(args.port.port))?;
            serve(server.url()).await
        }
    }
}

fn listening(port: u16) -> String {
    format!("listening on 127.0.0.1:{port}")
}

async fn serve(url: &str) -> anyhow::Result<CommandEnd> {
    print::line(format_args!("listening on {url}"))?;
    signals::stop().await?;
    Ok(CommandEnd::Complete)
}
