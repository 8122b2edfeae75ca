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

/// The Region in which the bucket is, if S3 refused the request for going to another one.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html>
pub fn other_region<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    let response = error.raw_response()?;
    let is_refused = match (response.status().as_u16(), error.code()) {
        // The request was signed for the other Region. With other words 400 is about something
        // else, and S3 says the bucket's Region all the same.
        (400, code) => matches!(
            code,
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed")
        ),
        (status, _) => status == 301,
    };
    is_refused.then(|| response.headers().get("x-amz-bucket-region"))?
}

/// Whether a right is missing. Other words with these statuses are about the credentials or the
/// clock.
pub fn is_denied<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let is_about_rights = matches!(
        error.code(),
        Some("AccessDenied" | "AllAccessDisabled") | None
    );
    is_about_rights && matches!(status(error), Some(401 | 403))
}

/// The action that is missing, where the service's message names it. S3 also denies access for
/// `kms:Decrypt`, where the object has a key.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
pub fn denied_action<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    let (_, rest) = error
        .message()?
        .split_once("is not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?;
    let is_action = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-');
    action.bytes().all(is_action).then_some(action)
}

/// The service's error code and message. Without them the HTTP status; without a response the
/// reason that there is none, such as that it took too long.
pub fn words<E: ProvideErrorMetadata + Error + 'static>(
    error: &SdkError<E, HttpResponse>,
) -> String {
    if matches!(error, SdkError::TimeoutError(_)) {
        return "no answer in time".into();
    }
    if let Some(region) = other_region(error) {
        return format!(
            "the bucket is in the Region {region}, and the request went to another one"
        );
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
    fn a_missing_right_is_told_from_bad_credentials_and_named_where_aws_names_it() {
        let user = "User: arn:aws:sts::123456789012:assumed-role/p/p is not authorized to perform";
        let table = [
            (
                Some("AccessDenied"),
                403,
                format!("{user}: kms:Decrypt on resource: x"),
                true,
            ),
            (Some("AccessDenied"), 403, "Access Denied".to_owned(), true),
            (None, 403, String::new(), true),
            (Some("SignatureDoesNotMatch"), 403, String::new(), false),
            (Some("RequestTimeTooSkewed"), 403, String::new(), false),
            (Some("AccessDenied"), 503, String::new(), false),
        ];
        for (code, status, message, denied) in table {
            let mut meta = ErrorMetadata::builder().message(&message);
            if let Some(code) = code {
                meta = meta.code(code);
            }
            let error: TestError = SdkError::service_error(meta.build(), response(status));
            assert_eq!(is_denied(&error), denied, "{message}");
            let action = message.contains("kms").then_some("kms:Decrypt");
            assert_eq!(denied_action(&error), action, "{message}");
        }
    }

    #[test]
    fn a_bucket_of_another_region_is_named_where_s3_says_it() {
        for (status, region) in [
            (301, Some("eu-west-1")),
            (400, Some("eu-west-1")),
            (403, None),
        ] {
            let mut response = response(status);
            response
                .headers_mut()
                .insert("x-amz-bucket-region", "eu-west-1");
            let meta = ErrorMetadata::builder().code("PermanentRedirect");
            let error: TestError = SdkError::service_error(meta.build(), response);
            assert_eq!(other_region(&error), region, "{status}");
            assert_eq!(words(&error).contains("eu-west-1"), region.is_some());
        }
        // S3 names the bucket's Region with every refusal.
        let mut response = response(400);
        let headers = response.headers_mut();
        headers.insert("x-amz-bucket-region", "eu-west-1");
        let meta = ErrorMetadata::builder().code("ExpiredToken");
        let error: TestError = SdkError::service_error(meta.build(), response);
        assert_eq!(other_region(&error), None);
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
