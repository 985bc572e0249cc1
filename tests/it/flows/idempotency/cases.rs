//! Requests of orders, payments, projects, schedules and tutors.

use serde_json::{Value, json};

use super::{Asked, DAY_MILLIS, Ready};
use crate::{
    app::{Account, pwt_body},
    flows::sale::Sale,
};

pub async fn two(sale: &Sale) -> [Account; 2] {
    [sale.app.sign_up("kim").await, sale.app.sign_up("lee").await]
}

pub async fn tutor(sale: &Sale) -> Account {
    let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..sale.admin.clone() }).await;
    let me = sale.app.get("/v1/users/me").by(&tutor).send().await.expect(200);
    Account { id: me["id"].as_str().unwrap().to_owned(), ..tutor }
}

pub async fn create_order() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let another = sale.app.approved_pwt(&tutor(&sale).await, &sale.admin, json!({})).await;
    let order = |by: &Account, pwt: &str| Asked::new(by, "/v1/orders", json!({ "productIds": [pwt] }));
    Ready { first: order(&kim, &sale.pwt), other: order(&kim, &another), stranger: order(&lee, &sale.pwt), sale }
}

pub async fn confirm_payment() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let confirm = |by: &Account, order: &Value, amount: i64| {
        let body = json!({ "paymentKey": sale.authenticate(order), "orderId": order["id"], "amount": amount });
        Asked::new(by, "/v1/payments/confirm", body)
    };
    let (kims, lees) = (sale.order(&kim).await.expect(201), sale.order(&lee).await.expect(201));
    let (first, other, stranger) =
        (confirm(&kim, &kims, 50_000), confirm(&kim, &kims, 100), confirm(&lee, &lees, 50_000));
    Ready { sale, first, other, stranger }
}

pub async fn create_attachment() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let upload = |by: &Account, size: u32| {
        let body = json!({ "fileName": "a.png", "contentType": "image/png", "size": size, "purpose": "PARTY" });
        Asked::new(by, "/v1/attachments", body)
    };
    Ready { first: upload(&kim, 100), other: upload(&kim, 101), stranger: upload(&lee, 100), sale }
}

fn path_of(order: &Value, what: &str) -> String {
    format!("/v1/orders/{}/{what}", order["id"].as_str().unwrap())
}

pub async fn cancel_order() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let (kims, lees) = (sale.buy(&kim).await.expect(200), sale.buy(&lee).await.expect(200));
    Ready {
        first: Asked::new(&kim, path_of(&kims, "cancel"), json!({})),
        // The same body, of another order.
        other: Asked::new(&kim, path_of(&lees, "cancel"), json!({})),
        stranger: Asked::new(&lee, path_of(&lees, "cancel"), json!({})),
        sale,
    }
}

pub async fn fail_payment() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let (kims, lees) = (sale.order(&kim).await.expect(201), sale.order(&lee).await.expect(201));
    let fail = |by: &Account, order: &Value, code: &str| {
        Asked::new(by, "/v1/payments/fail", json!({ "orderId": order["id"], "code": code }))
    };
    Ready {
        first: fail(&kim, &kims, "PAY_PROCESS_CANCELED"),
        other: fail(&kim, &kims, "PAY_PROCESS_ABORTED"),
        stranger: fail(&lee, &lees, "PAY_PROCESS_CANCELED"),
        sale,
    }
}

pub async fn request_refund() -> Ready {
    let sale = Sale::of(5).await;
    let [kim, lee] = two(&sale).await;
    let (kims, lees) = (sale.buy(&kim).await.expect(200), sale.buy(&lee).await.expect(200));
    sale.app.clock.advance(40 * DAY_MILLIS);
    let [kim, lee] = [sale.app.log_in(&kim).await, sale.app.log_in(&lee).await];
    let ask = |by: &Account, order: &Value, reason: &str| {
        Asked::new(by, path_of(order, "refund-requests"), json!({ "reason": reason }))
    };
    Ready {
        first: ask(&kim, &kims, "약속과 다릅니다."),
        other: ask(&kim, &kims, "다른 이유"),
        stranger: ask(&lee, &lees, "약속과 다릅니다."),
        sale,
    }
}

pub async fn create_pwt() -> Ready {
    let sale = Sale::of(1).await;
    let (park, choi) = (tutor(&sale).await, sale.app.tutor("choi").await);
    let mut other = pwt_body();
    other["title"] = json!("다른 제목");
    Ready {
        first: Asked::new(&park, "/v1/pwts", pwt_body()),
        other: Asked::new(&park, "/v1/pwts", other),
        stranger: Asked::new(&choi, "/v1/pwts", pwt_body()),
        sale,
    }
}

pub async fn create_todo() -> Ready {
    let sale = Sale::of(1).await;
    let park = tutor(&sale).await;
    let path = format!("/v1/schedules/{}/todos", sale.pwt);
    let todo = |by: &Account, title: &str| {
        let (start, end) = ("2026-12-07T10:00:00Z", "2026-12-07T12:00:00Z");
        Asked::new(by, path.as_str(), json!({ "title": title, "start": start, "end": end }))
    };
    Ready { first: todo(&park, "1주차"), other: todo(&park, "2주차"), stranger: todo(&sale.admin, "1주차"), sale }
}

pub async fn apply_as_tutor() -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let apply = |by: &Account, name: &str| {
        let body =
            json!({ "realName": name, "portfolioUrl": "https://github.com/kim", "accountNumber": "110123456789" });
        Asked::new(by, "/v1/tutor-applications", body)
    };
    Ready { first: apply(&kim, "김튜터"), other: apply(&kim, "김강사"), stranger: apply(&lee, "김튜터"), sale }
}

pub async fn join_waitlist() -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let holder = sale.app.sign_up("holder").await;
    let another =
        sale.app.approved_pwt(&tutor(&sale).await, &sale.admin, json!({ "maxParticipants": 1, "price": 0 })).await;
    sale.buy(&holder).await.expect(200);
    sale.app.buy_free(&holder, &another).await;
    let join = |by: &Account, pwt: &str| Asked { by: by.clone(), path: format!("/v1/pwts/{pwt}/waitlist"), body: None };
    Ready { first: join(&kim, &sale.pwt), other: join(&kim, &another), stranger: join(&lee, &sale.pwt), sale }
}
