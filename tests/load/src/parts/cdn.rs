//! Reading files: a hit and a miss of the CDN, and the bucket itself, with an origin that is declared to be far away.
//!
//! The CDN is the local server's stand-in for CloudFront, on the same machine: these figures say what its cache saves, and nothing of Amazon's
//! network. The delay is slept before each request to the origin, by the stand-in (`--cdn-origin-delay`) and, where the bucket is read
//! directly, by the client here.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use serde_json::json;

use crate::{
    client::{Client, text},
    figures::{Against, Results},
    measure::{RUNS, Run, closed_loop, histogram, micros},
    server::Server,
};

/// The part's name among the figures.
pub const PART: &str = "Files through the CDN (a stand-in)";
/// What is read, as the figures name it.
pub const WHAT: [&str; 3] = ["the bucket itself", "a miss", "a hit"];
/// What the origin is declared to be away, in milliseconds.
pub const DELAYS: [(u64, &str); 2] = [(0, "0"), (20, "20")];
const BYTES: usize = 200 * 1024;
/// A run of misses reads each file once, because the second time is a hit.
const FILES: usize = 8;
const LASTS: Duration = Duration::from_millis(900);

pub async fn measure(binary: &Path, results: &mut Results) {
    results.begin(PART);
    for (delay, option) in DELAYS {
        let data = tempfile::tempdir().unwrap();
        let options = ["--no-demo", "--toy-hashing", "--cdn-port", "0", "--cdn-origin-delay", option];
        let server = Server::start(binary, data.path(), &options).await;
        of(&server, delay, results).await;
    }
}

async fn of(server: &Server, delay: u64, results: &mut Results) {
    let places = server.api.get("/_local/places").await.expect(200).json();
    let (cdn, s3) = (Client::new(&text(&places, "/cdn")), text(&places, "/s3"));
    let (mut misses, mut hits, mut direct) = (vec![], vec![], vec![]);
    for run in 0..RUNS {
        let paths = upload(server, run).await;
        let (mut latencies, started) = (histogram(), Instant::now());
        for path in &paths {
            let sent = Instant::now();
            cdn.get(path).await.expect(200);
            latencies.record(micros(sent)).unwrap();
        }
        misses.push(Run::new(latencies, started.elapsed()));
        let reader = cdn.clone();
        let hit = in_turn(&paths, move |path| {
            let reader = reader.clone();
            async move { drop(reader.get(&path).await.expect(200)) }
        });
        hits.push(closed_loop(1, LASTS, hit).await);
        let bucket = format!("{s3}/devloop-media");
        let past_the_cdn = in_turn(&paths, move |path| {
            let url = format!("{bucket}{path}");
            async move {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                read_bucket(&url).await;
            }
        });
        direct.push(closed_loop(1, LASTS, past_the_cdn).await);
    }
    for (what, runs) in WHAT.into_iter().zip([&direct, &misses, &hits]) {
        results.note_runs(&title(what, delay), runs, [Against::default(); 3]);
    }
    let saved = |hit: &Run, direct: &Run| 100.0 * (1.0 - hit.millis(0.5) / direct.millis(0.5));
    let saved: Vec<f64> = hits.iter().zip(&direct).map(|(hit, direct)| saved(hit, direct)).collect();
    let against = if delay > 0 { Against { aim: "", before: "16.7" } } else { Against::default() };
    results.note(&title("how much earlier a hit comes than from the bucket", delay), "%", &saved, against);
}

/// What the figures of reading `what` are called.
pub fn title(what: &str, delay: u64) -> String {
    format!("{what}, {} KiB, origin {delay} ms away, 1 client", BYTES / 1024)
}

/// A request of each path in turn.
fn in_turn<R: Future<Output = ()>>(
    paths: &[String],
    request: impl Fn(String) -> R + Clone + Send + Sync + 'static,
) -> impl Fn() -> R + Clone + Send + Sync + 'static {
    let (paths, next) = (paths.to_vec(), Arc::new(AtomicUsize::new(0)));
    move || request(paths[next.fetch_add(1, Ordering::Relaxed) % paths.len()].clone())
}

/// Uploads pictures as people do, and answers their paths on the CDN.
async fn upload(server: &Server, run: usize) -> Vec<String> {
    let mut paths = vec![];
    let account = server.api.sign_up(&format!("reader-{run}")).await;
    for n in 0..FILES {
        let bytes = picture(n);
        let asked = json!({
            "purpose": "PROFILE", "fileName": "a.png", "contentType": "image/png", "size": bytes.len(),
        });
        let asked = server.api.post("/v1/attachments", Some(&account), None, &asked).await.expect(201).json();
        let put = reqwest::Client::builder().no_proxy().build().unwrap().put(text(&asked, "/upload/url"));
        let put = put.header("content-type", "image/png").body(bytes).send().await.unwrap();
        assert_eq!(put.status(), 200);
        let complete = format!("/v1/attachments/{}/complete", text(&asked, "/id"));
        let done = server.api.post(&complete, Some(&account), None, &json!({})).await.expect(200).json();
        let url: reqwest::Url = text(&done, "/url").parse().unwrap();
        paths.push(url.path().to_owned());
    }
    paths
}

/// A picture as far as anybody looks, no two alike.
fn picture(n: usize) -> Vec<u8> {
    let chunk =
        |kind: &[u8; 4], data: &[u8]| [&(data.len() as u32).to_be_bytes(), kind.as_slice(), data, &[0; 4]].concat();
    let header = [640_u32.to_be_bytes().as_slice(), &480_u32.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let pixels: Vec<u8> = (0..BYTES).map(|byte| (byte * 31 + n) as u8).collect();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &pixels), chunk(b"IEND", b"")].concat()
}

/// Reads an object.
async fn read_bucket(url: &str) {
    let answer = bucket_client().execute(signed(url)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().len() > BYTES);
}

/// A request that is signed with the local S3's own key.
fn signed(url: &str) -> reqwest::Request {
    let identity = Credentials::new("local", "local", None, None, "local").into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = v4::SigningParams::builder().identity(&identity).region("ap-northeast-2").name("s3");
    let params = params.time(SystemTime::now()).settings(settings).build().unwrap().into();
    let signable = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[])).unwrap();
    let mut request = axum::http::Request::get(url).body(Vec::<u8>::new()).unwrap();
    sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut request);
    request.try_into().unwrap()
}

/// One client, which keeps its connection as the CDN's does.
fn bucket_client() -> &'static reqwest::Client {
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    CLIENT.get_or_init(|| reqwest::Client::builder().no_proxy().build().unwrap())
}
