//! The transport that production uses.

use std::{error::Error, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use reqwest::redirect::Policy;

use crate::transport::{NoAnswer, TimeOut, Transport};

/// Longer answers than this are nobody's payment.
const LONGEST_BODY: usize = 1024 * 1024;
const CONNECT_TIME_OUT: Duration = Duration::from_secs(2);

/// Sends over HTTP(S): 20 s for an answer unless the request says otherwise, 2 s to connect, no
/// redirects, no retries, no proxy of the environment, at most 1 MiB of body.
#[derive(Clone, Debug)]
pub struct Https {
    client: reqwest::Client,
}

/// The TLS set-up of this machine is not usable.
#[derive(Debug, thiserror::Error)]
#[error("no HTTPS client can be made")]
pub struct NoClient(#[source] reqwest::Error);

impl Https {
    /// A client with connections of its own; clones share them.
    pub fn new() -> Result<Self, NoClient> {
        let client = reqwest::Client::builder()
            .timeout(TimeOut::USUAL.0)
            .connect_timeout(CONNECT_TIME_OUT)
            .redirect(Policy::none())
            // Sending again is the caller's decision, with the caller's idempotency key.
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(NoClient)?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, NoAnswer> {
        let time_out = request.extensions().get::<TimeOut>().copied();
        let mut request = reqwest::Request::try_from(request).map_err(no_answer)?;
        if let Some(TimeOut(limit)) = time_out {
            *request.timeout_mut() = Some(limit);
        }
        let mut answer = self.client.execute(request).await.map_err(no_answer)?;
        let mut body = BytesMut::new();
        while let Some(piece) = answer.chunk().await.map_err(no_answer)? {
            if body.len().saturating_add(piece.len()) > LONGEST_BODY {
                return Err(NoAnswer::new("the body is too long"));
            }
            body.extend_from_slice(&piece);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl Transport for Https {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        Box::pin(self.exchange(request))
    }
}

/// The address holds a payment key, so it stays out of the log; the chain of causes does not.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    NoAnswer::new(told)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
        time::Duration,
    };

    use super::*;

    /// Serves `answer` to one connection, then closes it; answers the address.
    #[expect(clippy::disallowed_methods, reason = "a server of one answer, beside the test")]
    fn serving(answer: Vec<u8>, after: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).unwrap();
            thread::sleep(after);
            // The client may have hung up already.
            let _sent = stream.write_all(&answer);
        });
        format!("http://{address}/v1/payments/secret_path")
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    async fn get(url: &str, limit: Option<TimeOut>) -> Result<http::Response<Bytes>, NoAnswer> {
        let mut request = http::Request::get(url).body(Bytes::new()).unwrap();
        if let Some(limit) = limit {
            request.extensions_mut().insert(limit);
        }
        Https::new().unwrap().send(request).await
    }

    #[tokio::test]
    async fn any_status_with_its_body_is_an_answer() {
        let url = serving(answer("404 Not Found", b"{}"), Duration::ZERO);
        let response = get(&url, None).await.unwrap();
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (404, b"{}".as_slice()));
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let url = serving(answer("302 Found\r\nLocation: http://127.0.0.1:1/", b""), Duration::ZERO);
        assert_eq!(get(&url, None).await.unwrap().status().as_u16(), 302);
    }

    #[tokio::test]
    async fn a_body_has_a_limit() {
        let fits = serving(answer("200 OK", &vec![b' '; LONGEST_BODY]), Duration::ZERO);
        assert_eq!(get(&fits, None).await.unwrap().body().len(), LONGEST_BODY);
        let over = serving(answer("200 OK", &vec![b' '; LONGEST_BODY + 1]), Duration::ZERO);
        assert_eq!(get(&over, None).await.unwrap_err(), NoAnswer::new("the body is too long"));
    }

    #[tokio::test]
    async fn a_cut_or_late_answer_is_none_and_tells_no_address() {
        let cut = serving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(), Duration::ZERO);
        let late = serving(answer("200 OK", b"{}"), Duration::from_millis(500));
        let soon = Some(TimeOut(Duration::from_millis(50)));
        for error in [get(&cut, None).await.unwrap_err(), get(&late, soon).await.unwrap_err()] {
            assert!(!error.cause().contains("secret_path") && !error.cause().is_empty(), "{error}");
        }
        assert!(get("http://127.0.0.1:1/", None).await.is_err());
        assert!(get("/relative", None).await.is_err());
    }
}
