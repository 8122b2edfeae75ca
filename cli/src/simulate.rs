//! `fanline simulate`: one stand-in by itself, until interrupted.

use anyhow::Context;
use fanline_local::line::{LineOptions, LineServer};
use fanline_local::queue::{QueueOptions, QueueServer};

use crate::args::Simulate;
use crate::{Ended, say};

/// Serves until interrupted. The line it prints says when it is ready and where.
pub(crate) async fn simulate(what: &Simulate) -> anyhow::Result<Ended> {
    match what {
        Simulate::Queue(args) => {
            let server = QueueServer::start(QueueOptions {
                port: args.port,
                ..QueueOptions::default()
            })
            .await
            .with_context(|| format!("listening on 127.0.0.1:{}", args.port))?;
            serve(server.url()).await
        }
        Simulate::Line(args) => {
            let options = LineOptions {
                port: args.port.port,
                rate_limits: !args.no_rate_limit,
                ..LineOptions::default()
            };
            let server = LineServer::start(options)
                .await
                .with_context(|| format!("listening on 127.0.0.1:{}", args.port.port))?;
            serve(server.url()).await
        }
    }
}

async fn serve(url: &str) -> anyhow::Result<Ended> {
    say::line(format_args!("listening on {url}"));
    stop().await?;
    Ok(Ended::Well)
}

/// Ends at SIGINT or SIGTERM.
pub(crate) async fn stop() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
