//! A receipt as a page to print: in Korean, complete in itself, every value escaped.

use domain::{money::Won, orders::Return, time::Time};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{endpoints::get_receipt::Receipt, views::LineView};

const STYLE: &str = "
@page { size: A4; margin: 18mm }
* { box-sizing: border-box }
body { margin: 0; background: #f1f3f5; color: #212529; line-height: 1.55; word-break: keep-all; overflow-wrap: anywhere;
  font-family: 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif }
main { max-width: 720px; margin: 32px auto; padding: 48px; background: #fff; border: 1px solid #dee2e6; border-radius: 8px }
h1 { margin: 0 0 4px; font-size: 26px } h2 { margin: 36px 0 8px; font-size: 15px; color: #495057 }
.number { margin: 0; color: #868e96; font-size: 13px }
table { width: 100%; border-collapse: collapse; font-size: 14px }
th, td { padding: 9px 4px; border-bottom: 1px solid #e9ecef; text-align: left; vertical-align: top }
th { color: #495057; font-weight: 500; width: 150px } thead th { border-bottom-color: #868e96; width: auto }
.won { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.state { color: #868e96; white-space: nowrap; width: 96px }
.gone { color: #868e96; text-decoration: line-through }
th:first-child, td:first-child { padding-left: 0 } th:last-child, td:last-child { padding-right: 0 }
.sums { margin-top: 20px } .sums th { width: auto }
tr.sum th, tr.sum td { border-bottom: 0; border-top: 2px solid #212529; font-size: 17px; font-weight: 700; color: #212529 }
footer { margin-top: 36px; color: #868e96; font-size: 12px } footer p { margin: 4px 0 }
@media (max-width: 600px) { main { margin: 0; padding: 24px 18px; border: 0; border-radius: 0 } tr > th:first-child { width: 110px } thead th:first-child, .sums th:first-child { width: auto } }
@media print { body { background: #fff } main { margin: 0; padding: 0; border: 0; max-width: none } tr { break-inside: avoid } }
";

/// The page.
pub fn page(receipt: &Receipt) -> String {
    html! {
        (DOCTYPE)
        html lang="ko" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { "구매 영수증 " (receipt.order_id) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "구매 영수증" }
                    p.number { "주문 번호 " (receipt.order_id) }
                    (payment(receipt))
                    (lines(receipt))
                    (supplier(receipt))
                    footer {
                        p { "이 문서는 DevLoop에서 결제한 내역을 확인하기 위한 것으로, 세금계산서나 현금영수증을 대신하지 않습니다." }
                        p { "발급 일시 " (korean(receipt.issued_at)) }
                    }
                }
            }
        }
    }
    .into_string()
}

fn row(name: &str, value: &str) -> Markup {
    html! { tr { th scope="row" { (name) } td { (value) } } }
}

fn payment(receipt: &Receipt) -> Markup {
    let method = receipt.method.as_deref().unwrap_or(if receipt.total == Won::ZERO { "무료" } else { "-" });
    html! {
        h2 { "결제 정보" }
        table {
            (row("구매자", &receipt.buyer_name))
            (row("결제 일시", &korean(receipt.paid_at)))
            (row("결제 수단", method))
            @if let Some(url) = receipt.card_receipt_url.as_deref().filter(|url| is_web(url)) {
                tr { th scope="row" { "매출전표" } td { a href=(url) rel="noopener noreferrer" { "토스페이먼츠에서 보기" } } }
            }
        }
    }
}

fn lines(receipt: &Receipt) -> Markup {
    html! {
        h2 { "구매 내역" }
        table {
            thead { tr { th scope="col" { "상품" } th.state scope="col" { "상태" } th.won scope="col" { "금액" } } }
            tbody {
                @for line in &receipt.lines {
                    tr { td { (line.title.as_str()) } td.state { (state(line)) } (amount(line)) }
                }
            }
        }
        table.sums {
            tr { th scope="row" { "결제 금액" } td.won { (won(receipt.total)) } }
            @for refund in &receipt.refunds {
                tr { th scope="row" { "환불 · " (korean(refund.refunded_at)) } td.won { "−" (won(refund.amount)) } }
            }
            tr.sum { th scope="row" { "합계" } td.won { (won(receipt.balance)) } }
        }
    }
}

fn supplier(receipt: &Receipt) -> Markup {
    let supplier = &receipt.supplier;
    html! {
        h2 { "판매자 정보" }
        table {
            (row("상호", &supplier.name))
            (row("대표자", &supplier.representative))
            (row("사업자등록번호", &supplier.registration_number))
            (row("통신판매업 신고번호", &supplier.mail_order_number))
            (row("주소", &supplier.address))
            (row("문의", &supplier.contact))
        }
    }
}

fn state(line: &LineView) -> &'static str {
    match line.returned {
        None => "결제 완료",
        Some(Return::Refunding) => "환불 처리 중",
        Some(Return::Refunded) => "환불 완료",
    }
}

fn amount(line: &LineView) -> Markup {
    let price = won(line.price.won());
    html! { td.won { @if line.returned == Some(Return::Refunded) { span.gone { (price) } } @else { (price) } } }
}

/// An amount as people read it: `1,234,000원`.
fn won(amount: Won) -> String {
    let digits = amount.get().to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && digits.len().saturating_sub(n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + "원"
}

/// An instant as clocks in Korea show it.
fn korean(time: Time) -> String {
    let shown = time.korean();
    let (date, time) = (shown.date(), shown.time());
    format!("{}년 {}월 {}일 {:02}:{:02}", date.year(), date.month(), date.day(), time.hour(), time.minute())
}

/// Whether a link leads to a page, and is no script.
fn is_web(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::get_receipt::{RefundView, SupplierView};

    const EVIL: &str = "<script>alert('1')</script>\"&";

    fn receipt() -> Receipt {
        let supplier = SupplierView {
            name: EVIL.to_owned(),
            representative: EVIL.to_owned(),
            registration_number: EVIL.to_owned(),
            mail_order_number: EVIL.to_owned(),
            address: EVIL.to_owned(),
            contact: EVIL.to_owned(),
        };
        let line = |title: &str, returned| LineView {
            product_id: ulid::Ulid::from_parts(1, 1).into(),
            title: title.parse().unwrap(),
            price: domain::money::Price::new(1_250_000).unwrap(),
            returned,
        };
        let time: Time = "2026-11-24T15:05:00Z".parse().unwrap();
        Receipt {
            order_id: ulid::Ulid::from_parts(1, 2).into(),
            buyer_name: EVIL.to_owned(),
            paid_at: time,
            issued_at: time,
            lines: vec![line(EVIL, None), line("둘", Some(Return::Refunded))],
            total: Won::new(2_500_000).unwrap(),
            refunds: vec![RefundView { refunded_at: time, amount: Won::new(1_250_000).unwrap() }],
            refunded: Won::new(1_250_000).unwrap(),
            balance: Won::new(1_250_000).unwrap(),
            method: Some(EVIL.to_owned()),
            card_receipt_url: Some("https://dashboard.tosspayments.com/receipt?a=1&b=\"2\"".to_owned()),
            supplier,
        }
    }

    #[test]
    fn nothing_in_it_is_markup() {
        let page = page(&receipt());
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 9, "{page}");
        assert!(page.contains("receipt?a=1&amp;b=&quot;2&quot;"), "{page}");
    }

    #[test]
    fn a_link_that_is_a_script_is_left_out() {
        let evil = Receipt { card_receipt_url: Some("javascript:alert(1)".to_owned()), ..receipt() };
        assert!(!page(&evil).contains("javascript:"));
    }

    #[test]
    fn what_went_back_is_told_and_struck_out() {
        let page = page(&receipt());
        assert_eq!(page.matches("<span class=\"gone\">1,250,000원</span>").count(), 1, "{page}");
        assert_eq!(
            ["결제 완료", "환불 완료", "−1,250,000원"].map(|text| page.matches(text).count()),
            [1, 1, 1],
            "{page}"
        );
    }

    #[test]
    fn a_way_of_paying_is_told_even_where_there_is_none() {
        let told = |total: i64, method: &str| {
            let receipt = Receipt { total: Won::new(total).unwrap(), method: None, ..receipt() };
            page(&receipt).contains(&format!("<td>{method}</td>"))
        };
        assert!(told(0, "무료") && told(50_000, "-"));
    }

    #[test]
    fn people_read_amounts_and_times() {
        let amounts = [0, 999, 1_000, 50_000, 123_456_789].map(|amount| won(Won::new(amount).unwrap()));
        assert_eq!(amounts, ["0원", "999원", "1,000원", "50,000원", "123,456,789원"]);
        assert!(page(&receipt()).contains("2026년 11월 25일 00:05"));
    }
}
