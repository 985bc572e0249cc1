//! The pages, in Korean, without anything loaded from elsewhere.

use domain::time::Time;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use toss::Status;

use super::{
    charge::{Charge, METHODS, VIRTUAL_ACCOUNT},
    faults::Fault,
    view,
};

const STYLE: &str = "
:root { color-scheme: light; --ink: #191f28; --soft: #6b7684; --line: #e5e8eb; --blue: #3182f6; --paper: #f2f4f6; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font-family: 'Pretendard', 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', sans-serif; }
main { max-width: 30rem; margin: 2rem auto; padding: 0 1rem; }
main.wide { max-width: 76rem; }
section { background: #fff; border-radius: 16px; padding: 1.5rem; margin-bottom: 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; } h2 { font-size: 1rem; margin: 0 0 .75rem; }
.badge { display: inline-block; font-size: .75rem; padding: .1rem .5rem; border-radius: 6px; background: #e8f3ff; color: #1b64da; }
.amount { font-size: 2rem; font-weight: 700; margin: .25rem 0; }
.soft { color: var(--soft); font-size: .875rem; } .mono { font-family: ui-monospace, monospace; font-size: .8rem; overflow-wrap: anywhere; }
button { width: 100%; padding: .9rem; border: 0; border-radius: 12px; font: inherit; font-weight: 600; cursor: pointer;
  background: var(--paper); color: var(--ink); }
button.main { background: var(--blue); color: #fff; } button.small { width: auto; padding: .35rem .75rem; border-radius: 8px; }
button:focus-visible, select:focus-visible, input:focus-visible { outline: 3px solid #90c2ff; outline-offset: 1px; }
label { display: block; margin-bottom: .75rem; font-size: .875rem; color: var(--soft); }
select, input { display: block; width: 100%; margin-top: .25rem; padding: .6rem .75rem; border: 1px solid var(--line);
  border-radius: 10px; font: inherit; color: var(--ink); background: #fff; }
form + form { margin-top: .5rem; } .row { display: flex; gap: .5rem; } .row form { flex: 1; margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; } .scroll { overflow-x: auto; }
th, td { text-align: left; padding: .5rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; } td.number, th.number { text-align: right; }
tr:target { background: #e8f3ff; }
";

/// The refusals that the window offers; any other code can be typed through the controls.
const REFUSALS: [(&str, &str); 8] = [
    ("REJECT_CARD_COMPANY", "카드사 거절"),
    ("INVALID_STOPPED_CARD", "정지된 카드"),
    ("INVALID_CARD_EXPIRATION", "유효기간 오류"),
    ("EXCEED_MAX_AMOUNT", "한도 초과"),
    ("REJECT_ACCOUNT_PAYMENT", "잔액 부족"),
    ("PROVIDER_ERROR", "일시적인 오류 (결과를 알 수 없음)"),
    ("CARD_PROCESSING_ERROR", "카드사 오류 (결과를 알 수 없음)"),
    ("NOT_FOUND_PAYMENT_SESSION", "결제 시간 만료"),
];

fn document(title: &str, wide: bool, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="ko" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main class=@if wide { "wide" } @else { "narrow" } { (content) } }
        }
    }
}

/// The payment window of one charge.
pub(crate) fn window(charge: &Charge) -> Markup {
    let action = format!("/window/{}", charge.payment_key);
    let content = html! {
        section {
            span.badge { "테스트 결제창" }
            p.soft { (charge.order_name) }
            p.amount { (won(charge.total)) }
            p.soft { "주문번호 " span.mono { (charge.order_id) } }
            p.soft { "실제로 돈이 나가지 않습니다. 30분 안에 선택해 주세요." }
        }
        section {
            form method="post" action=(action) {
                input type="hidden" name="choice" value="approve";
                label { "결제수단"
                    select name="method" {
                        @for method in METHODS.iter().filter(|method| **method != VIRTUAL_ACCOUNT) { option { (method) } }
                    }
                }
                button.main type="submit" { (won(charge.total)) " 결제하기" }
            }
            form method="post" action=(action) {
                button type="submit" name="choice" value="virtual_account" { "가상계좌 발급받기" }
            }
        }
        section {
            h2 { "인증은 되고 승인에서 거절" }
            form method="post" action=(action) {
                input type="hidden" name="choice" value="refuse";
                label { "거절 사유"
                    select name="code" { @for (code, name) in REFUSALS { option value=(code) { (name) " · " (code) } } }
                }
                label { "거절된 뒤의 상태"
                    select name="leaves" {
                        option value="ABORTED" { "ABORTED: 끝난 결제" }
                        option value="IN_PROGRESS" { "IN_PROGRESS: 다시 승인할 수 있는 결제" }
                    }
                }
                label { "몇 번 거절할까요? (비우면 항상)"
                    input name="times" inputmode="numeric" pattern="[0-9]*" placeholder="항상";
                }
                button type="submit" { "거절될 결제로 진행" }
            }
        }
        section {
            div.row {
                form method="post" action=(action) { button type="submit" name="choice" value="fail" { "결제 실패" } }
                form method="post" action=(action) { button type="submit" name="choice" value="close" { "창 닫기" } }
            }
        }
    };
    document("테스트 결제창", false, &content)
}

/// Every charge, and the faults that wait.
pub(crate) fn charges(charges: &[Charge], faults: &[Fault], now: Time) -> Markup {
    let content = html! {
        section {
            h1 { "결제 내역 " span.badge { "테스트" } }
            p.soft { "지금 " (view::korean(now)) " · 결제 " (charges.len()) "건" }
            @if charges.is_empty() {
                p { "아직 결제가 없습니다." }
            } @else {
                div.scroll { table {
                    thead { tr {
                        th { "상태" } th { "주문번호" } th { "결제" } th { "수단" } th.number { "금액" } th.number { "남은 금액" }
                        th { "승인 시각" } th.number { "승인 횟수" } th.number { "취소 횟수" } th { }
                    } }
                    tbody { @for charge in charges { (row(charge)) } }
                } }
            }
        }
        @if !faults.is_empty() {
            section {
                h2 { "기다리는 장애" }
                @for fault in faults { p.mono { (serde_json::to_string(fault).unwrap_or_default()) } }
            }
        }
    };
    document("결제 내역", true, &content)
}

fn row(charge: &Charge) -> Markup {
    let cancels = charge.movements.len().saturating_sub(charge.captures());
    html! {
        tr id=(charge.payment_key) {
            td { span.badge { (charge.status) } @if let Some(code) = &charge.failure { div.soft { (code) } } }
            td.mono { (charge.order_id) }
            td.mono { (charge.payment_key) div.soft { (charge.order_name) } }
            td { (charge.method) }
            td.number { (won(charge.total)) }
            td.number { (won(charge.balance)) }
            td { @match charge.approved_at { Some(at) => (view::korean(at)), None => "-" } }
            td.number { (charge.captures()) }
            td.number { (cancels) }
            td { @if charge.status == Status::WaitingForDeposit {
                form method="post" action=(format!("/charges/{}/deposit", charge.payment_key)) {
                    button.small type="submit" { "입금하기" }
                }
            } }
        }
    }
}

/// Something that cannot be done.
pub(crate) fn problem(text: &str) -> Markup {
    let content = html! { section { h1 { "진행할 수 없습니다" } p { (text) } } };
    document("진행할 수 없습니다", false, &content)
}

/// `12,345원`.
fn won(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 4);
    if amount < 0 {
        grouped.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped.push('원');
    grouped
}

#[cfg(test)]
mod tests {
    #[test]
    fn won_are_grouped_by_thousands() {
        for (amount, text) in [(0, "0원"), (999, "999원"), (1_000, "1,000원"), (-1_234_567, "-1,234,567원")] {
            assert_eq!(super::won(amount), text);
        }
    }
}
