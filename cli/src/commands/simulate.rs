//! `fanline simulate`: the simulated queue, LINE, S3 or KMS by itself, until interrupted.

use std::fs;
use std::net::SocketAddr;

use anyhow::Context;
use fanline_local::{
    KmsOptions, KmsServer, LineOptions, LineServer, QueueOptions, QueueServer, S3Options, S3Server,
};

use crate::args::{ListenArgs, ServerArgs, SimulateArgs, SimulateLineArgs, SimulateS3Args};
use crate::exit::{CommandEnd, InputError};
use crate::print;
use crate::rehearsal::faults::Faults;
use crate::signals::StopSignals;

/// Serves until interrupted.
pub(crate) async fn execute(args: &SimulateArgs) -> anyhow::Result<CommandEnd> {
    match args {
        SimulateArgs::Queue(args) => serve_queue(args).await,
        SimulateArgs::Line(args) => serve_line(args).await,
        SimulateArgs::S3(args) => serve_s3(args).await,
        SimulateArgs::Kms(listen) => serve_kms(listen).await,
    }
}

async fn serve_queue(args: &ServerArgs) -> anyhow::Result<CommandEnd> {
    let options = QueueOptions {
        host: args.listen.host,
        port: args.listen.port,
        faults: Faults::parse(args.faults.as_deref(), args.seed)?.queue,
        ..QueueOptions::default()
    };
    let server = QueueServer::start(options).await;
    let server = server.with_context(|| listening_on(&args.listen))?;
    until_stopped(&args.listen, server.url()).await
}

async fn serve_line(args: &SimulateLineArgs) -> anyhow::Result<CommandEnd> {
    let options = LineOptions {
        host: args.server.listen.host,
        port: args.server.listen.port,
        rate_limits: !args.no_rate_limit,
        monthly_quota: args.monthly_quota,
        faults: Faults::parse(args.server.faults.as_deref(), args.server.seed)?.line,
        ..LineOptions::default()
    };
    let server = LineServer::start(options).await;
    let listen = &args.server.listen;
    let server = server.with_context(|| listening_on(listen))?;
    until_stopped(listen, server.url()).await
}

async fn serve_s3(args: &SimulateS3Args) -> anyhow::Result<CommandEnd> {
    let buckets = args.objects.iter().map(|(uri, _)| uri.bucket.clone());
    let options = S3Options {
        host: args.listen.host,
        port: args.listen.port,
        buckets: buckets.collect(),
        ..S3Options::default()
    };
    let server = S3Server::start(options).await;
    let server = server.with_context(|| listening_on(&args.listen))?;
    for (uri, file) in &args.objects {
        let bytes = fs::read(file);
        let bytes = bytes.map_err(|error| InputError(format!("`{}`: {error}", file.display())))?;
        server.put(&uri.bucket, &uri.key, bytes);
    }
    until_stopped(&args.listen, server.url()).await
}

async fn serve_kms(listen: &ListenArgs) -> anyhow::Result<CommandEnd> {
    let options = KmsOptions {
        host: listen.host,
        port: listen.port,
        ..KmsOptions::default()
    };
    let server = KmsServer::start(options).await;
    let server = server.with_context(|| listening_on(listen))?;
    print::line(format_args!("its key is {}", server.key_arn()))?;
    until_stopped(listen, server.url()).await
}

fn listening_on(listen: &ListenArgs) -> String {
    format!(
        "listening on {}",
        SocketAddr::from((listen.host, listen.port))
    )
}

/// Prints the line that says where the server listens, and waits for a signal.
async fn until_stopped(listen: &ListenArgs, url: &str) -> anyhow::Result<CommandEnd> {
    let host = listen.host;
    if !host.is_loopback() {
        print::note(format_args!(
            "warning: everybody who reaches {host} can read and change what is here, without a \
             password"
        ));
    }
    let stop = StopSignals::listen()?;
    print::line(format_args!("listening on {url}"))?;
    stop.received().await;
    Ok(CommandEnd::Complete)
}
