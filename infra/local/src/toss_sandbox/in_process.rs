//! The stand-in without a socket.

use std::sync::Arc;

use axum::{Router, body::Body};
use bytes::Bytes;
use futures::future::BoxFuture;
use toss::{NoAnswer, TimeOut, Transport};
use tower::ServiceExt;

use super::TossSandbox;

#[derive(Debug)]
struct InProcess {
    router: Router,
}

impl TossSandbox {
    /// Carries requests straight into the stand-in, whatever their base URL is. A broken
    /// connection is [`NoAnswer`], and so is a time-out, after which the call is dropped as a
    /// server drops it whose client has gone.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess { router: self.router() })
    }
}

impl Transport for InProcess {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        let TimeOut(limit) = request.extensions().get().copied().unwrap_or(TimeOut::USUAL);
        let exchange = exchange(self.router.clone(), request);
        Box::pin(async move { tokio::time::timeout(limit, exchange).await.map_err(NoAnswer::new)? })
    }
}

async fn exchange(router: Router, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, NoAnswer> {
    let response = match router.oneshot(request.map(Body::from)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(NoAnswer::new)?;
    Ok(http::Response::from_parts(parts, body))
}
