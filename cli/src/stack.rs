//! The deployed stack, as CloudFormation describes it.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::Output;
use fanline_core::campaign::Lane;

use crate::args::StackArgs;
use crate::aws::{self, AwsResource};
use crate::exit::InputError;

/// The parameter of the template with the number of a lane's consumers.
pub(crate) const fn concurrency_parameter(lane: Lane) -> &'static str {
    match lane {
        Lane::Bulk => "MaximumConcurrency",
        Lane::Urgent => "UrgentConcurrency",
    }
}

/// A stack of our template.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    pub(crate) name: String,
    /// CloudFormation's word for its state, such as `UPDATE_COMPLETE`.
    pub(crate) status: String,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Stack {
    /// Reads the stack's description, and gives the configuration with which it was read.
    pub(crate) async fn read(args: &StackArgs) -> anyhow::Result<(Self, SdkConfig)> {
        let config = aws::config(Some(AwsResource::Stack)).await?;
        let client = aws_sdk_cloudformation::Client::new(&config);
        let name = &args.name;
        let described = client.describe_stacks().stack_name(name).send().await;
        let described = described.map_err(|error| {
            let region = config.region().map_or("", |region| region.as_ref());
            let problem = sdk_problem(&error);
            InputError(format!("the stack `{name}` in {region}: {problem}"))
        })?;
        let stack = described.stacks().first();
        let stack = stack.with_context(|| format!("the answer about `{name}` has no stack"))?;
        let outputs = stack.outputs().iter().filter_map(output);
        let parameters = stack.parameters().iter().filter_map(|parameter| {
            let value = parameter.parameter_value()?.to_owned();
            Some((parameter.parameter_key()?.to_owned(), value))
        });
        let stack = Self {
            name: name.clone(),
            status: stack
                .stack_status()
                .map_or("", |status| status.as_str())
                .to_owned(),
            outputs: outputs.collect(),
            parameters: parameters.collect(),
        };
        Ok((stack, config))
    }

    /// An output of the template.
    pub(crate) fn output(&self, key: &str) -> Result<&str, InputError> {
        self.outputs.get(key).map(String::as_str).ok_or_else(|| {
            let (name, status) = (&self.name, &self.status);
            InputError(format!(
                "the stack `{name}` ({status}) has no output `{key}`: it is no stack of this \
                 version's template, or its deployment failed"
            ))
        })
    }

    /// A parameter's value, if it is not empty.
    pub(crate) fn parameter(&self, key: &str) -> Option<&str> {
        let value = self.parameters.get(key)?;
        (!value.is_empty()).then_some(value)
    }

    #[cfg(test)]
    pub(crate) fn with(outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> Self {
        let owned = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|&(key, value)| (key.into(), value.into()));
            pairs.collect()
        };
        Self {
            name: "fanline".into(),
            status: "UPDATE_COMPLETE".into(),
            outputs: owned(outputs),
            parameters: owned(parameters),
        }
    }
}

fn output(output: &Output) -> Option<(String, String)> {
    let value = output.output_value()?.to_owned();
    Some((output.output_key()?.to_owned(), value))
}

/// What AWS says is wrong: its code and its words, or why no answer came.
pub(crate) fn sdk_problem<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{message} ({code})"),
        (Some(code), None) => code.to_owned(),
        (None, _) => DisplayErrorContext(error).to_string(),
    }
}
