//! The API without a socket: the HTTP client under an SDK client.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use axum::body::Body;
use http::Request;
use tower::ServiceExt;

use super::CloudFront;

impl CloudFront {
    /// Carries requests straight into the API, whatever their endpoint is.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }
}

impl HttpClient for CloudFront {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for CloudFront {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let router = self.api();
        HttpConnectorFuture::new(async move {
            let broken = |error: &dyn std::fmt::Display| ConnectorError::other(error.to_string().into(), None);
            let request: Request<SdkBody> = request.try_into_http1x().map_err(|error| broken(&error))?;
            let request = request.map(|body| Body::from(body.bytes().unwrap_or_default().to_vec()));
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| broken(&error))?;
            let response = http::Response::from_parts(parts, SdkBody::from(body.to_vec()));
            HttpResponse::try_from(response).map_err(|error| broken(&error))
        })
    }
}
