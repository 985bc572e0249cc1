//! The hosts that no client calls, an operator, and how everything comes to rest.

use std::time::Duration;

use devloop_local::{functions::integrity, queues::NOTIFICATIONS};
use serde_json::Value;

use crate::{
    app::App,
    books::{Books, Expected},
    dice,
    run::settings,
    watch::get,
    world::World,
};

/// The hosts that no client calls.
#[derive(Debug)]
pub struct Workers {
    sweeper: App,
    reconciler: App,
    webhooks: App,
}

impl Workers {
    /// Each with a clock of its own.
    pub async fn new(world: &World, skew: impl Fn(&str) -> i64) -> Self {
        let host = async |name| App::new(world, settings(), name, skew(name)).await;
        Self { sweeper: host("sweeper").await, reconciler: host("reconciler").await, webhooks: host("hooks").await }
    }

    /// Schedules, queues, webhooks and an operator, without end.
    pub async fn work_on(&self) {
        let sweeping = async {
            loop {
                tokio::time::sleep(Duration::from_mins(1)).await;
                self.sweep_if_due().await;
                self.operate().await;
            }
        };
        let hearing = async {
            loop {
                tokio::time::sleep(Duration::from_secs(7)).await;
                self.reconciler.hear().await;
            }
        };
        let world = self.webhooks.world();
        let listening = async {
            for n in 0.. {
                world.toss_moved().await;
                tokio::time::sleep(Duration::from_millis(dice::below(world.seed(), "webhook", n, 2_000))).await;
                self.webhooks.listen().await;
            }
        };
        tokio::select! { biased; () = sweeping => {} () = hearing => {} () = listening => {} }
    }

    /// Both schedules, once.
    pub async fn sweep(&self) {
        self.sweeper.work().await;
    }

    /// What Toss has to tell, once.
    pub async fn listen(&self) {
        self.webhooks.listen().await;
    }

    /// The messages that are there.
    pub async fn hear(&self) {
        self.reconciler.hear().await;
    }

    /// Most of a history would be schedules that find nothing.
    async fn sweep_if_due(&self) {
        if self.sweeper.world().has_due() {
            self.sweeper.work().await;
        }
    }

    /// One minute.
    pub async fn round(&self) {
        tokio::time::sleep(Duration::from_mins(1)).await;
        self.webhooks.listen().await;
        self.sweep_if_due().await;
        self.reconciler.hear().await;
        self.operate().await;
    }

    /// An operator reads the alarms. What Toss gives back to nobody but the shop itself, they give back; a charge that
    /// no alarm named stands for ever.
    async fn operate(&self) {
        let world = self.webhooks.world();
        loop {
            let batch = world.receive(NOTIFICATIONS);
            if batch.is_empty() {
                return;
            }
            for one in batch {
                let told: Value = serde_json::from_str(&one.body).unwrap();
                let text = |name: &str| told[name].as_str().unwrap_or_default();
                world.watch(|watch| watch.reached(&format!("alarm {}", text("reason"))));
                if text("alarm") == "CHARGE_STANDS" {
                    give_back(world, text("orderId")).await;
                }
                world.delete(NOTIFICATIONS, &one);
            }
        }
    }

    /// What the product's own check says of books that agree: nothing, unless it is wrong itself.
    async fn compare(&self, world: &World) {
        let checked = integrity::check(self.sweeper.table()).await.unwrap();
        for finding in &checked.findings {
            world.watch(|watch| watch.violation(format!("the integrity check finds {finding:?}")));
        }
    }

    /// Nothing goes wrong any more: in the end all books must agree, and before that no buyer's money may be lost.
    pub async fn come_to_rest(&self, world: &World, expected: Expected) {
        // An account waits an hour for its deposit, Toss an hour with the fourth repeat of a webhook.
        const MINUTES: u32 = 150;
        const MINUTES_A_CLAIM: u32 = 35;
        // So long after the last fault each won that was taken has its order, or is back.
        const NO_WON_IS_LOST_AFTER: Duration = Duration::from_mins(15);
        world.calm_down();
        let (mut books, mut of) = (Books::of(world), world.writes());
        let (mut minutes, mut counted) = (0, false);
        while minutes < MINUTES + MINUTES_A_CLAIM * books.claims_to_come() {
            minutes += 1;
            self.round().await;
            if of != world.writes() {
                (books, of) = (Books::of(world), world.writes());
            }
            if !counted && world.elapsed() >= world.last_fault() + NO_WON_IS_LOST_AFTER {
                counted = true;
                let lost = books.lost_won(world);
                world.watch(|watch| watch.violations.extend(lost));
            }
            if minutes > 1 && books.differences(world, expected).is_empty() {
                self.compare(world).await;
                return;
            }
        }
        let mut wrong = books.differences(world, expected);
        world.watch(|watch| watch.violations.append(&mut wrong));
    }
}

/// Cancels the charges of an order that it was not paid by.
async fn give_back(world: &World, order: &str) {
    let stored = get(world.dynamo(), &format!("ORDER#{order}"), "ORDER").unwrap_or_default();
    let paid = stored["paidAt"]["S"].is_string();
    let charges = world.sandbox().charges().unwrap();
    let stands = |charge: &&_| {
        let charge: &devloop_local::toss_sandbox::ChargeSeen = charge;
        let paid_by_it = paid && stored["paymentKey"]["S"] == charge.payment_key.as_str();
        charge.order_id == order && charge.balance_amount > 0 && !paid_by_it
    };
    for charge in charges.iter().filter(stands) {
        if world.cancel_at_console(&charge.payment_key).await {
            world.watch(|watch| watch.reached("given back by an operator"));
        }
    }
}
