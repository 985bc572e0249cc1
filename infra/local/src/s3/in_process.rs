//! The S3 without a socket: the HTTP client under an SDK client.

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
use http::{HeaderValue, Request, header};
use tower::ServiceExt;

use super::S3;

impl S3 {
    /// Carries requests straight into the stand-in, whatever their endpoint is.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Answers a request that came by no socket.
    pub async fn answer(&self, mut request: Request<Body>) -> http::Response<Body> {
        // What a client writes on a connection: the name of the host, and the path alone.
        if let Some(authority) = request.uri().authority().cloned() {
            if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
                request.headers_mut().insert(header::HOST, host);
            }
            let path = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
            path.parse().into_iter().for_each(|path| *request.uri_mut() = path);
        }
        match self.router().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl HttpClient for S3 {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for S3 {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let broken = |error: &dyn std::fmt::Display| ConnectorError::other(error.to_string().into(), None);
            let request: Request<SdkBody> = request.try_into_http1x().map_err(|error| broken(&error))?;
            let request = request.map(|body| Body::from(body.bytes().unwrap_or_default().to_vec()));
            let (parts, body) = this.answer(request).await.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| broken(&error))?;
            let response = http::Response::from_parts(parts, SdkBody::from(body.to_vec()));
            HttpResponse::try_from(response).map_err(|error| broken(&error))
        })
    }
}
