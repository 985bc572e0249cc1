//! The operator's page: what the local cloud is doing, and buttons for what happens to it.
//!
//! Each button carries the call that it makes; the script sends it and shows the answer.

use domain::{orders::State, time::Time};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    cloudfront::Status,
    controls::{CdnView, Places},
    dependencies::{Mode, Shown},
    overview::{DeadLetter, OpenOrders},
    pages::document,
    sqs::Depth,
};

/// Steps of the clock, in seconds.
const STEPS: [(u32, &str); 5] =
    [(60, "+1분"), (630, "+10분 30초"), (3_600, "+1시간"), (86_400, "+1일"), (604_800, "+7일")];
/// How a dependency can be broken: the mode, its name, and what it does.
const MODES: [(&str, &str, &str); 4] = [
    ("up", "정상", "답합니다"),
    ("down", "끊기", "모든 호출을 바로 거절합니다"),
    ("hang", "멈추기", "되돌릴 때까지 답하지 않습니다"),
    ("slow", "2초 지연", "호출마다 2초씩 더 걸립니다"),
];
const SLOW_MILLIS: u64 = 2_000;

/// What the page shows.
pub(crate) struct View<'a> {
    pub(crate) places: &'a Places,
    pub(crate) now: Time,
    pub(crate) ahead_seconds: i64,
    pub(crate) open: OpenOrders,
    pub(crate) queues: Vec<Depth>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) cdn: CdnView,
    pub(crate) dependencies: Vec<Shown>,
}

/// A button that posts `body` to `path`.
fn button(path: &str, body: &Value, label: &str) -> Markup {
    html! { button type="button" class="quiet" data-post=(path) data-body=(body) { (label) } }
}

/// An instant for people: to the second.
fn instant(time: Time) -> Markup {
    let text = time.to_string();
    html! { time datetime=(text) { (text.replace('T', " ").split('.').next().unwrap_or_default()) } }
}

impl View<'_> {
    pub(crate) fn page(&self) -> Markup {
        let content = html! {
            header {
                h1 { "로컬 제어판 " span.badge { "이 컴퓨터에만 있습니다" } }
                p { a href="/" { "처음" } " · " a href="/demo" { "데모 상점" } " · "
                    a href=(self.places.toss) { "결제 내역" } " · " a href="/docs/" { "API 문서" } }
            }
            div #live {
                (self.clock()) (self.dependencies()) (self.orders()) (self.queues()) (self.dead_letters()) (self.cdn())
            }
            pre #result role="status" {}
        };
        document("로컬 제어판 · DevLoop", &["/_local/controls.js"], &content)
    }

    fn clock(&self) -> Markup {
        let ahead = self.ahead_seconds;
        html! {
            section {
                h2 { "시계" }
                p { strong.big { (instant(self.now)) } " UTC " span.soft {
                    @if ahead == 0 { "컴퓨터의 시계와 같습니다." }
                    @else { "컴퓨터의 시계보다 " (spelled(ahead)) " 앞서 있습니다." }
                    " 뒤로는 갈 수 없습니다." } }
                div.row { @for (seconds, name) in STEPS {
                    (button("/_local/clock", &json!({ "advanceSeconds": seconds }), name))
                } }
            }
        }
    }

    fn dependencies(&self) -> Markup {
        html! {
            section {
                h2 { "의존 서비스" }
                p.soft { "고장을 내고, 사용자가 무엇을 보는지 확인해 보세요. 서버를 다시 시작하면 모두 정상으로 돌아옵니다." }
                table {
                    thead { tr { th { "이름" } th { "상태" } th { "붙잡힌 호출" } th { "바꾸기" } } }
                    tbody { @for dependency in &self.dependencies { (dependency_row(dependency)) } }
                }
            }
        }
    }

    fn orders(&self) -> Markup {
        let OpenOrders { held, confirming, awaiting, holds } = &self.open;
        html! {
            section {
                h2 { "자리를 잡고 있는 주문" }
                div.row {
                    p { "결제 대기 " strong { (held) } "건 · 승인 중 " strong { (confirming) } "건 · 입금 대기 "
                        strong { (awaiting) } "건" }
                    (button("/_local/sweep", &json!({}), "워커 지금 실행"))
                }
                @if holds.is_empty() { p.soft { "지금은 없습니다." } } @else {
                    div.wide { table {
                        thead { tr { th { "주문" } th { "상품" } th { "상태" } th { "만료 (UTC)" } } }
                        tbody { @for hold in holds { tr {
                            td.mono { (hold.order_id) }
                            td { @for product in &hold.products { div { (product.title.as_str()) " "
                                span."soft mono" { (product.id) } } } }
                            td.line { (state(hold.state)) }
                            td { @match hold.until {
                                Some(until) => (instant(until)),
                                None => span.soft { "토스의 답을 기다립니다" },
                            } }
                        } } }
                    } }
                }
            }
        }
    }

    fn queues(&self) -> Markup {
        html! {
            section {
                h2 { "큐" }
                table {
                    thead { tr { th { "이름" } th { "대기" } th { "처리 중" } th { "지연" } th {} } }
                    tbody { @for depth in &self.queues { tr {
                        td.mono { (depth.queue) }
                        td { (depth.visible) }
                        td { (depth.in_flight) }
                        td { (depth.delayed) }
                        td.side { @if self.holds_dead_letters(depth) {
                            (button("/_local/queues/redrive", &json!({ "queue": depth.queue }), "되돌려 보내기"))
                        } }
                    } } }
                }
            }
        }
    }

    fn holds_dead_letters(&self, depth: &Depth) -> bool {
        depth.visible > 0 && self.queues.iter().any(|queue| queue.dead_letters.as_ref() == Some(&depth.queue))
    }

    fn dead_letters(&self) -> Markup {
        html! {
            section {
                h2 { "처리하지 못한 메시지" }
                @if self.dead_letters.is_empty() { p.soft { "없습니다." } } @else {
                    p.soft { "내용은 개인정보일 수 있어 종류와 주문만 보여 줍니다." }
                    div.wide { table {
                        thead { tr { th { "종류" } th { "주문" } th { "큐" } th { "이유" } th { "처음 보낸 때 (UTC)" } } }
                        tbody { @for letter in &self.dead_letters { tr {
                            td { @match &letter.kind {
                                Some(kind) => (kind),
                                None => span.bad { "알 수 없음" },
                            } div."soft mono" { (letter.id) } }
                            td.mono { @if let Some(order) = letter.order_id { (order) } }
                            td.mono { (letter.source) }
                            td { (letter.receives) "번 전달했으나 실패" }
                            td { (instant(letter.first_seen)) }
                        } } }
                    } }
                }
            }
        }
    }
}

impl View<'_> {
    fn cdn(&self) -> Markup {
        let CdnView { invalidations, copies } = &self.cdn;
        html! {
            section {
                h2 { "CDN " span.badge { "CloudFront의 대역" } }
                p.soft { "진짜 CloudFront가 아닙니다. " span.mono { (self.places.cdn) } " 에서 파일을 내보내고, 무효화 요청을 받아 "
                    "사본을 지웁니다. 모두 메모리에만 있습니다." }
                @if invalidations.is_empty() { p.soft { "무효화한 적이 없습니다." } } @else {
                    div.wide { table {
                        thead { tr { th { "무효화한 경로" } th { "상태" } th { "요청한 때 (UTC)" } } }
                        tbody { @for one in invalidations { tr {
                            td.mono { @for path in one.paths.iter().take(5) { div { (path) } }
                                @if one.paths.len() > 5 { div { "… 모두 " (one.paths.len()) "개" } } }
                            td.line { @match one.status {
                                Status::Completed => strong.good { "완료" },
                                Status::InProgress => strong { "진행 중" },
                            } }
                            td { (instant(one.created_at)) }
                        } } }
                    } }
                }
                @if copies.is_empty() { p.soft { "지금 가진 사본이 없습니다." } } @else {
                    div.wide { table {
                        thead { tr { th { "사본" } th { "응답" } th { "바이트" } th { "나이" } th { "남은 시간" } } }
                        tbody { @for copy in copies { tr {
                            td.mono { (copy.path) }
                            td { (copy.status) }
                            td { (copy.bytes) }
                            td.line { (spelled(copy.age_seconds.into())) }
                            td.line { (spelled(copy.good_seconds.into())) }
                        } } }
                    } }
                }
            }
        }
    }
}

fn dependency_row(dependency: &Shown) -> Markup {
    let (name, mode) = (dependency.name, dependency.mode);
    let (shown, class) = match mode {
        Mode::Up => ("정상".to_owned(), "good"),
        Mode::Down => ("끊김".to_owned(), "bad"),
        Mode::Hang => ("멈춤".to_owned(), "bad"),
        Mode::Slow { milliseconds } => (format!("느림 (+{milliseconds}ms)"), "bad"),
    };
    let label = match name {
        "cloudfront" => "CloudFront (대역)",
        "dynamodb" => "DynamoDB",
        "s3" => "S3",
        "sqs" => "SQS",
        "toss" => "토스페이먼츠",
        other => other,
    };
    let is_now = |wanted: &str| match mode {
        Mode::Up => wanted == "up",
        Mode::Down => wanted == "down",
        Mode::Hang => wanted == "hang",
        Mode::Slow { milliseconds } => wanted == "slow" && milliseconds == SLOW_MILLIS,
    };
    let body = |wanted: &str| match wanted {
        "slow" => json!({ "name": name, "mode": wanted, "milliseconds": SLOW_MILLIS }),
        _ => json!({ "name": name, "mode": wanted }),
    };
    html! {
        tr {
            td { strong { (label) } }
            td.line { strong class=(class) { (shown) } }
            td { (dependency.held) }
            td { div.row { @for (wanted, verb, does) in MODES {
                button type="button" class=(if is_now(wanted) { "chosen" } else { "quiet" }) title=(does)
                    aria-pressed=(is_now(wanted)) data-post="/_local/dependencies" data-body=(body(wanted)) { (verb) }
            } } }
        }
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Pending => "결제 대기",
        State::Confirming => "승인 중",
        State::AwaitingDeposit => "입금 대기",
        other => other.as_str(),
    }
}

/// A span of time in its largest units.
fn spelled(seconds: i64) -> String {
    let units = [("일", 86_400), ("시간", 3_600), ("분", 60), ("초", 1)];
    let mut left = seconds;
    let mut parts = vec![];
    for (name, length) in units {
        let count = left / length;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        }
        left %= length;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_spelled_in_its_units() {
        for (seconds, spelling) in [(59, "59초"), (630, "10분 30초"), (90_061, "1일 1시간 1분 1초"), (86_400, "1일")]
        {
            assert_eq!(spelled(seconds), spelling);
        }
    }

    #[test]
    fn a_dependency_shows_what_it_is_and_what_it_can_be() {
        let row = |mode| dependency_row(&Shown { name: "toss", mode, held: 3 }).into_string();
        let hanging = row(Mode::Hang);
        assert!(hanging.contains("멈춤") && hanging.contains("<td>3</td>"), "{hanging}");
        assert_eq!(hanging.matches("aria-pressed=\"true\"").count(), 1, "{hanging}");
        assert!(row(Mode::Slow { milliseconds: 350 }).contains("느림 (+350ms)"));
    }
}
