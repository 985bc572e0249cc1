//! Sockets: taking a port, serving on it, and stopping.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use devloop_http::{Answer, Route};
use domain::refusal::Reason;
use http::{Method, StatusCode, header};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Semaphore, watch},
};

/// Connections that the system keeps waiting for us: a sale opens for thousands at once.
const BACKLOG: u32 = 4_096;
/// Requests of one operation that are worked on at once, as a deployed function has a limit of its
/// own: a rush on one leaves the others alone. The rest of the rush waits here, first come, first
/// served, and not inside the table's client, whose attempts have a time limit.
const AT_WORK: usize = 32;
/// How long a request waits for its turn. With the longest that one is worked on, this stays within
/// the 30 seconds after which API Gateway gives a request up: behind a dependency that hangs, no
/// line grows whose end nobody waits for.
const WAITS_AT_MOST: Duration = Duration::from_secs(20);

/// A port could not be taken. Says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NoPort {
    /// Somebody has it.
    #[error(
        "Port {port} is in use, but {what} needs it. Stop the program that has it, or choose another one with {option}."
    )]
    InUse {
        /// Which.
        port: u16,
        /// For what.
        what: &'static str,
        /// What chooses it.
        option: &'static str,
    },
    /// It may not be taken.
    #[error("Port {port} cannot be taken for {what}: {cause}. Choose another one with {option}.")]
    Refused {
        /// Which.
        port: u16,
        /// For what.
        what: &'static str,
        /// What chooses it.
        option: &'static str,
        /// The system's word.
        cause: io::Error,
    },
}

/// Takes a port of the loopback interface; 0 takes a free one.
pub fn listen(port: u16, what: &'static str, option: &'static str) -> Result<(TcpListener, String), NoPort> {
    let taken = || {
        let socket = TcpSocket::new_v4()?;
        // A port whose old connections still linger is free for a restart.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
        let listener = socket.listen(BACKLOG)?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok((listener, url))
    };
    taken().map_err(|cause: io::Error| match cause.kind() {
        io::ErrorKind::AddrInUse => NoPort::InUse { port, what, option },
        _ => NoPort::Refused { port, what, option, cause },
    })
}

/// Serves until `stop` turns true, then lets running requests finish.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Without it a small answer may wait for the acknowledgement of the last one.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let stopped = async move {
        // If nobody can stop it any more, it stops, too.
        drop(stop.wait_for(|stop| *stop).await);
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stopped).await
}

/// The turns of one operation.
#[derive(Debug)]
struct Turns {
    method: Method,
    path: &'static str,
    free: Semaphore,
}

/// A router of `routes` that lets only so many requests of each work at once.
pub fn in_turn(routes: Vec<Route>) -> Router {
    let turns = |route: &Route| Turns { method: route.method.clone(), path: route.path, free: Semaphore::new(AT_WORK) };
    let turns: Arc<[Turns]> = routes.iter().map(turns).collect();
    devloop_http::router(routes).layer(from_fn_with_state(turns, take_turn))
}

async fn take_turn(
    State(turns): State<Arc<[Turns]>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let of_this = |turns: &&Turns| {
        turns.method == request.method() && path.as_ref().is_some_and(|path| path.as_str() == turns.path)
    };
    let Some(turns) = turns.iter().find(of_this) else { return next.run(request).await };
    match tokio::time::timeout(WAITS_AT_MOST, turns.free.acquire()).await {
        // It is never closed, so this is always a turn.
        Ok(_turn) => next.run(request).await,
        Err(_elapsed) => busy(request.uri().path()),
    }
}

/// What whoever waited too long is answered.
fn busy(path: &str) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let problem = json!({
        "type": "urn:devloop:problem:BUSY", "title": "Service Unavailable", "status": status.as_u16(),
        "code": Reason::BUSY.code, "detail": Reason::BUSY.ko, "instance": path,
    });
    let mut answer = Answer::json(status, &problem);
    answer.set(header::CONTENT_TYPE, "application/problem+json");
    answer.set(header::RETRY_AFTER, "1");
    answer.into_response()
}

/// Ends when the process is asked to: Ctrl-C, or SIGTERM where there is one.
pub fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                biased;
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::error!(%error, "Ctrl-C cannot be waited for");
            }
        })
    }
}

/// Raises how many files and sockets this process may have open, as far as it may: a sale opens
/// for more buyers at once than the usual thousand.
pub fn allow_many_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};

        let mut limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            limit.current = limit.maximum;
            if let Err(error) = setrlimit(Resource::Nofile, limit) {
                tracing::debug!(%error, "the limit of open files stays as it is");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_for_a_turn_is_told_to_come_again() {
        let turns = Turns { method: Method::GET, path: "/stuck", free: Semaphore::new(1) };
        let turns: Arc<[Turns]> = Arc::new([turns]);
        let router = Router::new()
            .route("/stuck", get(std::future::pending::<&str>))
            .route("/other", get(async || "here"))
            .layer(from_fn_with_state(turns, take_turn));
        let ask = |path: &'static str| {
            let router = router.clone();
            async move { router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap() }
        };
        let mut at_work = std::pin::pin!(ask("/stuck"));
        tokio::time::timeout(Duration::from_secs(1), at_work.as_mut()).await.unwrap_err();
        let refused = ask("/stuck").await;
        assert_eq!(
            (refused.status(), &refused.headers()["retry-after"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
        );
        assert_eq!(ask("/other").await.status(), StatusCode::OK);
    }
}
