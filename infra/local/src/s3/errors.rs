//! What S3 answers to those whom it does not let in.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// A refusal with its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refused {
    pub const ANONYMOUS: Self = Self::forbidden("AccessDenied", "Access Denied");
    pub const EXPIRED: Self = Self::forbidden("AccessDenied", "Request has expired");
    pub const NOT_YET: Self = Self::forbidden("AccessDenied", "Request is not valid yet");
    pub const UNKNOWN_KEY: Self =
        Self::forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
    pub const WRONG_SIGNATURE: Self = Self::forbidden(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    );
    pub const SKEWED: Self = Self::forbidden(
        "RequestTimeTooSkewed",
        "The difference between the request time and the server's time is too large.",
    );
    pub const ANOTHER_ORIGIN: Self =
        Self::forbidden("AccessForbidden", "CORSResponse: This CORS request is not allowed.");
    pub const BAD_PARAMETERS: Self =
        Self::bad("AuthorizationQueryParametersError", "The authentication parameters are not all there or not valid.");
    pub const BAD_HEADER: Self = Self::bad("AuthorizationHeaderMalformed", "The authorization header is malformed.");
    pub const OTHER_CONTENT: Self = Self::bad(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
    pub const INCOMPLETE_BODY: Self =
        Self::bad("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length header.");
    pub const ENTITY_TOO_LARGE: Self =
        Self::bad("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.");
    pub const ANOTHER_OBJECT: Self = Self {
        status: StatusCode::PRECONDITION_FAILED,
        code: "PreconditionFailed",
        message: "At least one of the pre-conditions you specified did not hold",
    };
    pub const INTERNAL: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "InternalError",
        message: "We encountered an internal error. Please try again.",
    };

    const fn forbidden(code: &'static str, message: &'static str) -> Self {
        Self { status: StatusCode::FORBIDDEN, code, message }
    }

    const fn bad(code: &'static str, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
    }
}
