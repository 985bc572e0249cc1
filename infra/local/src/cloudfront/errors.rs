//! How CloudFront's API refuses: <https://docs.aws.amazon.com/cloudfront/latest/APIReference/CommonErrors.html>.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

/// The namespace of the protocol, whose date is the API's version.
pub(super) const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

/// A call did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refused {
    pub const NO_DISTRIBUTION: Self =
        Self::new(StatusCode::NOT_FOUND, "NoSuchDistribution", "The specified distribution does not exist.");
    pub const NO_INVALIDATION: Self =
        Self::new(StatusCode::NOT_FOUND, "NoSuchInvalidation", "The specified invalidation does not exist.");
    pub const IN_PROGRESS: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "TooManyInvalidationsInProgress",
        "Processing your request will cause you to exceed the maximum number of in-progress invalidations.",
    );
    pub const TOO_LARGE: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BatchTooLarge", "Invalidation batch specified is too large.");
    pub const EXISTS: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidationBatchAlreadyExists",
        "The caller reference that you provided was used for another batch of paths.",
    );
    pub const PATHS: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidArgument",
        "Your request contains one or more invalid invalidation paths.",
    );
    pub const REFERENCE: Self =
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", "The parameter CallerReference is required.");
    pub const QUANTITY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InconsistentQuantities",
        "The value of Quantity and the size of Items don't match.",
    );
    pub const BODY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "MissingBody",
        "This operation requires a body. Ensure that the body is present and the Content-Type header is set.",
    );
    pub const OPERATION: Self = Self::new(StatusCode::NOT_FOUND, "NoSuchOperation", "This is not played.");

    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    pub fn response(&self, request_id: &str) -> Response {
        let Self { code, message, .. } = self;
        let fault = if self.status.is_server_error() { "Receiver" } else { "Sender" };
        xml(
            self.status,
            &format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            ),
        )
    }
}

/// An answer of the API.
pub(super) fn xml(status: StatusCode, body: &str) -> Response {
    let mut response = Response::new(Body::from(format!("<?xml version=\"1.0\"?>\n{body}")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
