//! The reason that an AWS service gave when it refused a request, in one line.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The HTTP status, or `None` if no response came.
pub fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// The service's error code and message. Without them the HTTP status; without a response the
/// reason that there is none, such as that it took too long.
pub fn words<E: ProvideErrorMetadata + Error + 'static>(
    error: &SdkError<E, HttpResponse>,
) -> String {
    if matches!(error, SdkError::TimeoutError(_)) {
        return "no answer in time".into();
    }
    match (error.code(), error.message(), status(error)) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(code), None, _) => code.to_owned(),
        (None, _, Some(status)) if status >= 300 => format!("status {status}"),
        _ => innermost(error),
    }
}

/// The first cause, such as "connection refused". The errors above it only say "dispatch failure".
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io;

    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type TestError = SdkError<ErrorMetadata, HttpResponse>;

    fn response(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    fn refused() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused")
    }

    #[test]
    fn every_error_has_the_shortest_words_that_name_its_reason() {
        let coded = ErrorMetadata::builder().code("RequestThrottled");
        let told = ErrorMetadata::builder()
            .code("QueueDoesNotExist")
            .message("The specified queue does not exist.");
        let table: [(TestError, &str, Option<u16>); 6] = [
            (
                SdkError::service_error(told.build(), response(400)),
                "QueueDoesNotExist: The specified queue does not exist.",
                Some(400),
            ),
            (
                SdkError::service_error(coded.build(), response(400)),
                "RequestThrottled",
                Some(400),
            ),
            (
                SdkError::service_error(ErrorMetadata::builder().build(), response(503)),
                "status 503",
                Some(503),
            ),
            (
                SdkError::response_error("not JSON", response(200)),
                "not JSON",
                Some(200),
            ),
            (
                SdkError::dispatch_failure(ConnectorError::io(Box::new(refused()))),
                "connection refused",
                None,
            ),
            (
                SdkError::timeout_error("too slow"),
                "no answer in time",
                None,
            ),
        ];
        for (error, expected, code) in table {
            assert_eq!(words(&error), expected);
            assert_eq!(status(&error), code, "{expected}");
        }
    }
}
