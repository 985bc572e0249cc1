//! Who waits for a seat, and whose turn it is.

use std::time::Duration;

use domain::time::Time;
use futures::future::join;
use http::Method;
use serde_json::Value;

use super::Cast;
use crate::{actors::Person, app::Reply, run};

impl Cast {
    async fn waitlist(&self, method: Method, who: &Person) -> Reply {
        let me = if method == Method::POST { "" } else { "/me" };
        let path = format!("/v1/pwts/{}/waitlist{me}", self.sale.pwt);
        let reply = self.tab2.send(method, &path, Some(&who.token), &[], &Value::Null).await;
        self.expect(reply.is_some(), &path);
        reply.unwrap_or(Reply { status: 0, body: Value::Null, retry_after: None, etag: None })
    }

    async fn joins(&self, who: &Person) {
        let joined = self.waitlist(Method::POST, who).await;
        self.expect(joined.status == 201, "joining");
    }

    async fn leaves(&self, who: &Person) {
        let left = self.waitlist(Method::DELETE, who).await;
        self.expect(left.status == 204, "leaving");
    }

    /// Somebody whose token is over by now.
    async fn log_in(&self, who: &Person) -> Person {
        let token = run::log_in(&self.tab2, &who.email).await;
        Person { name: who.name.clone(), email: who.email.clone(), token }
    }

    pub async fn claim_over_while_ordering(&self) {
        let (order, _) = self.paid().await;
        self.joins(&self.ben).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.joins(&self.cho).await;
        self.cancel(&self.tab1, &order, "cancel").await;
        self.workers.sweep().await;
        let place = self.waitlist(Method::GET, &self.ben).await;
        let until: Time = place.body["claimUntil"].as_str().unwrap_or_default().parse().unwrap();
        let until_left = |millis| {
            let left = until.unix_millis() - self.world.clock(0).now().unix_millis() - millis;
            tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap()))
        };
        // Their tokens are older than they may be by then.
        until_left(3_000).await;
        let (ben, cho) = (self.log_in(&self.ben).await, self.log_in(&self.cho).await);
        until_left(400).await;
        let taking = self.world.hold("tab1", "TransactWriteItems");
        let meanwhile = async {
            self.must_come_to(&taking, "the order").await;
            until_left(0).await;
            self.workers.sweep().await;
            let place = self.waitlist(Method::GET, &cho).await;
            self.expect(place.body["state"] == "CLAIMED", "the next one's claim");
            taking.open();
        };
        join(self.order(&self.tab1, &ben), meanwhile).await;
    }

    pub async fn join_while_list_ends(&self) {
        self.paid().await;
        self.joins(&self.ben).await;
        self.leaves(&self.ben).await;
        let ending = self.world.hold("sweeper", "TransactWriteItems");
        let meanwhile = async {
            self.must_come_to(&ending, "the end of the list").await;
            self.joins(&self.cho).await;
            ending.open();
        };
        join(self.workers.sweep(), meanwhile).await;
    }

    pub async fn last_one_leaves(&self) {
        let (order, _) = self.paid().await;
        self.joins(&self.ben).await;
        self.cancel(&self.tab1, &order, "cancel").await;
        self.leaves(&self.ben).await;
    }

    pub async fn leave_and_join(&self) {
        self.paid().await;
        self.joins(&self.ben).await;
        self.leaves(&self.ben).await;
        let again = self.waitlist(Method::POST, &self.ben).await;
        self.violation_if(again.status != 201, "whoever left cannot join again");
    }
}
