//! Money that goes back while others look.

use std::time::Duration;

use devloop_local::toss_sandbox::Operation;
use futures::future::join;

use super::Cast;

impl Cast {
    pub async fn cancelled_at_the_console(&self) {
        let (order, payment_key) = self.paid().await;
        let refund = self.world.hold("tab1", "/cancel");
        let operator = async {
            self.must_come_to(&refund, "the refund").await;
            self.expect(self.world.cancel_at_console(&payment_key).await, "the cancel at the console");
            refund.open();
        };
        let (reply, ()) = join(self.cancel(&self.tab1, &order, "cancel"), operator).await;
        self.violation_if(reply.code() == "REFUND_REFUSED", "the money is back, and the refund is called refused");
    }

    pub async fn refund_refused_late(&self) {
        let (order, _) = self.paid().await;
        let sent = self.world.hold("tab1", "/cancel");
        let refusal = self.world.hold("tab1", "REFUSED");
        let others = async {
            self.must_come_to(&sent, "the refund").await;
            self.next_answer(Operation::Cancel, 400, "REFUND_REJECTED");
            sent.open();
            self.must_come_to(&refusal, "the refusal").await;
            let again = self.world.hold("tab2", "/cancel");
            let next = self.world.hold("tab2", ":2 {");
            let overtaking = async {
                self.must_come_to(&again, "the same refund again").await;
                self.next_answer(Operation::Cancel, 409, "IDEMPOTENT_REQUEST_PROCESSING");
                again.open();
                // Only without the guard is there a second attempt.
                let second = tokio::time::timeout(Duration::from_millis(500), next.reached()).await.is_ok();
                refusal.open();
                if second {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    next.open();
                }
            };
            join(self.cancel(&self.tab2, &order, "two"), overtaking).await;
        };
        let (reply, ()) = join(self.cancel(&self.tab1, &order, "one"), others).await;
        let back = self.world.sandbox().charges().unwrap().iter().any(|charge| charge.cancels > 0);
        self.violation_if(
            back && reply.code() == "REFUND_REFUSED",
            "the money is back, and the refund is called refused",
        );
    }
}
