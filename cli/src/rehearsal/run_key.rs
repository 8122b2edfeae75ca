//! The key that seals the deliveries of a run.

use anyhow::Context;
use aws_config::SdkConfig;
use fanline_core::settings::variable;
use fanline_local::{KmsOptions, KmsServer};
use fanline_seal::{KeyArn, KeyService};

use crate::args::RunArgs;
use crate::aws;
use crate::exit::InputError;

/// What seals the deliveries of a run.
pub(crate) enum RunKey {
    /// Nothing: they are in plain text.
    Plain,
    /// A key that ends with the run.
    Own(KmsServer),
    /// A key of KMS.
    Kms(KeyArn),
}

impl RunKey {
    /// Starts what has the key of a sealed run, and gives the configuration that reaches it. A key
    /// of KMS is tried first: nothing is sent where it can't seal or open.
    pub(crate) async fn start(
        args: &RunArgs,
        config: SdkConfig,
    ) -> anyhow::Result<(Self, SdkConfig)> {
        if let Some(arn) = &args.seal_key {
            let proof = KeyService::new(&config, arn.clone()).prove().await;
            proof.map_err(|error| InputError(format!("--seal-key: {error}; nothing was sent")))?;
            return Ok((Self::Kms(arn.clone()), config));
        }
        if !args.seal {
            return Ok((Self::Plain, config));
        }
        let kms = KmsServer::start(KmsOptions::default()).await;
        let kms = kms.context("starting the stand-in for KMS")?;
        let config = aws::with_kms(config, kms.url().to_owned());
        Ok((Self::Own(kms), config))
    }

    /// The key's ARN.
    pub(crate) fn arn(&self) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::Own(kms) => Some(kms.key_arn().to_owned()),
            Self::Kms(arn) => Some(arn.to_string()),
        }
    }

    /// Where KMS is, if not at AWS.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::Own(kms) => Some(kms.url().to_owned()),
            Self::Kms(_) => {
                variable("AWS_ENDPOINT_URL_KMS").or_else(|| variable("AWS_ENDPOINT_URL"))
            }
        }
    }
}
