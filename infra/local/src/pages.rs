//! Pages for people: the start page, the demo shop, the controls, and the API's own pages.
//!
//! Nothing is loaded from elsewhere, and the browser is told to refuse if something were.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::controls::Places;

const STYLE: &str = include_str!("../pages/style.css");
const SHOP: &str = include_str!("../pages/shop.html");
const SHOP_SCRIPT: &str = include_str!("../pages/shop.js");
const PAYMENT_SCRIPT: &str = include_str!("../pages/payment.js");
const SESSION_SCRIPT: &str = include_str!("../pages/session.js");
const CONTROLS_SCRIPT: &str = include_str!("../pages/controls.js");

/// Only from here. The API's pages style themselves and carry their icons in the address.
const ONLY_FROM_HERE: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
);

/// The pages of a server at `places`, and its `controls`.
pub fn router(places: &Places, controls: Router) -> Router {
    // Its default names an online validator, to which it would send the document.
    let config =
        Config::from("/v1/openapi.json").validator_url("none").display_operation_id(true).persist_authorization(true);
    let docs: Router = SwaggerUi::new("/docs").config(config).into();
    let start = start(places).into_string();
    let success = payment("결제 확인", "결제를 확인하고 있습니다…").into_string();
    let fail = payment("결제 실패", "자리를 돌려놓고 있습니다…").into_string();
    let shop = Router::new()
        .route("/demo", get(async || Html(SHOP)))
        .route("/pay/success", get(async move || Html(success)))
        .route("/pay/fail", get(async move || Html(fail)))
        // A log-in is kept by the browser for one origin, and Toss redirects to this one.
        .layer(from_fn_with_state(places.api.clone(), at_one_address));
    Router::new()
        .route("/", get(async move || Html(start)))
        .route("/_local/style.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/_local/shop.js", get(async || script(SHOP_SCRIPT)))
        .route("/_local/payment.js", get(async || script(PAYMENT_SCRIPT)))
        .route("/_local/session.js", get(async || script(SESSION_SCRIPT)))
        .route("/_local/controls.js", get(async || script(CONTROLS_SCRIPT)))
        .merge(controls)
        .merge(shop)
        .merge(docs)
        .layer(from_fn(only_from_here))
}

fn script(source: &'static str) -> Response {
    asset("text/javascript; charset=utf-8", source)
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], content).into_response()
}

async fn only_from_here(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, ONLY_FROM_HERE);
    response.headers_mut().insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}

async fn at_one_address(State(api): State<String>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let here = api.strip_prefix("http://");
    match request.uri().path_and_query() {
        Some(asked) if host.is_some() && host != here => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, format!("{api}{asked}"))]).into_response()
        }
        _ => next.run(request).await,
    }
}

/// A whole page of ours.
pub(crate) fn document(title: &str, scripts: &[&str], content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="ko" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/_local/style.css";
                link rel="icon" href="data:,";
                @for script in scripts { script type="module" src=(script) {} }
            }
            body { main { (content) } }
        }
    }
}

/// What there is, and who can log in.
fn start(places: &Places) -> Markup {
    let content = html! {
        header {
            h1 { "DevLoop " span.badge { "로컬 · local" } }
            p { "개발자 커뮤니티와 학습 플랫폼의 백엔드 전체가 이 컴퓨터에서 돌고 있습니다." }
            p.soft { "The whole backend of DevLoop, running on this machine." }
        }
        section {
            h2 { "둘러보기 · Look around" }
            ul.links {
                li { a href="/demo" { "데모 상점" } span.soft { "자리를 사고 결제해 보세요 · buy a seat and pay for it" } }
                li { a href="/docs/" { "API 문서" } span.soft { "모든 엔드포인트 · every endpoint, offline" } }
                li { a href=(places.toss) { "토스페이먼츠" }
                    span.soft { @if places.toss_is_sandbox { "모의 결제 내역 · every charge of the sandbox" } @else { "TOSS_BASE_URL" } } }
                li { a href="/_local" { "로컬 제어판" } span.soft { "시계, 큐, 장애 주입 · the clock, queues and faults" } }
                li { a href="/v1/health" { "상태" } span.soft { "health" } }
                li { a href="/v1/pwts" { "판매 중인 프로젝트" } span.soft { "JSON" } }
            }
        }
        @if !places.accounts.is_empty() {
            section {
                h2 { "데모 계정 · Demo accounts" }
                table {
                    thead { tr { th { "역할" } th { "이메일" } th { "비밀번호" } } }
                    tbody { @for account in &places.accounts {
                        tr { td { (account.role) } td.mono { (account.email) } td.mono { (account.password) } }
                    } }
                }
            }
        }
        section {
            h2 { "무엇이 진짜인가 · What is real" }
            table { tbody {
                tr { td { "API" } td.mono { (places.api) "/v1" } td.soft { "배포되는 코드 그대로 · the deployed code" } }
                tr { td { "DynamoDB" } td.mono { (places.dynamodb) }
                    td.soft { @if places.dynamodb_is_embedded { "내장 · embedded, real wire protocol" } @else { "외부 · AWS_ENDPOINT_URL_DYNAMODB" } } }
                tr { td { "Toss" } td.mono { (places.toss) }
                    td.soft { @if places.toss_is_sandbox { "모의 · sandbox, no money moves" } @else { "외부 · TOSS_BASE_URL" } } }
                tr { td { "SQS" } td.mono { (places.sqs) } td.soft { "모의 · stand-in, real wire protocol" } }
                tr { td { "S3" } td.mono { (places.s3) }
                    td.soft { @if places.s3_is_embedded { "내장 · embedded, real wire protocol" } @else { "외부 · AWS_ENDPOINT_URL_S3" } } }
                tr { td { "데이터" } td.mono { (places.data) } td.soft { "재시작해도 남습니다 · kept over restarts" } }
            } }
        }
    };
    document("DevLoop 로컬", &[], &content)
}

/// Where Toss's window sends the browser back to; what is done then, the script knows by the path.
fn payment(heading: &str, doing: &str) -> Markup {
    let content = html! {
        header { h1 { (heading) } }
        section {
            p #status role="status" { (doing) }
            table #receipt hidden { tbody {} }
        }
        p { a href="/demo" { "상점으로 돌아가기" } }
    };
    document(&format!("{heading} · DevLoop"), &["/_local/payment.js"], &content)
}
