//! Double entry: where the money of a charge goes, and back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::{Price, Won};

/// The platform's share of a sale, in hundredths of a percent: 1,000 is a tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commission(u32);

impl Commission {
    const WHOLE: u32 = 10_000;

    /// `Some` if `basis_points` is at most the whole price.
    pub fn new(basis_points: u32) -> Option<Self> {
        (basis_points <= Self::WHOLE).then_some(Self(basis_points))
    }

    /// The share of one price, rounded down to a won.
    pub fn of(self, price: Price) -> Won {
        let share = price.won().get().saturating_mul(i64::from(self.0)) / i64::from(Self::WHOLE);
        // At most the price itself, which is an amount.
        Won::new(share).unwrap_or_default()
    }
}

impl std::str::FromStr for Commission {
    type Err = NotACommission;

    fn from_str(text: &str) -> Result<Self, NotACommission> {
        text.parse().ok().and_then(Self::new).ok_or(NotACommission)
    }
}

/// The text is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commission is 0 to 10000 basis points")]
pub struct NotACommission;

/// Who owes or is owed. Positive amounts are what came in, negative what is owed or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Account {
    /// What Toss captured for us.
    TossClearing,
    /// What Toss gave back to buyers.
    RefundClearing,
    /// What the tutor is owed.
    TutorPayable,
    /// What the platform keeps.
    PlatformFee,
}

/// What one entry does to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    /// Which account.
    pub account: Account,
    /// By how many won.
    pub amount: i64,
}

/// Why an entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Occasion {
    /// A line of an order was paid.
    Sale,
    /// A line was given back.
    Refund,
    /// A charge became no paid order and was cancelled in full.
    Void,
}

fn postings(of: impl IntoIterator<Item = (Account, i64)>) -> Vec<Posting> {
    of.into_iter().filter(|(_, amount)| *amount != 0).map(|(account, amount)| Posting { account, amount }).collect()
}

/// A paid line: the platform keeps `fee`, the rest is the tutor's.
pub fn sale(price: Price, fee: Won) -> Vec<Posting> {
    let (price, fee) = (price.won().get(), fee.get());
    postings([
        (Account::TossClearing, price),
        (Account::TutorPayable, fee.saturating_sub(price)),
        (Account::PlatformFee, fee.saturating_neg()),
    ])
}

/// A line given back: nobody keeps anything of it.
pub fn refund(price: Price, fee: Won) -> Vec<Posting> {
    let (price, fee) = (price.won().get(), fee.get());
    postings([
        (Account::RefundClearing, price.saturating_neg()),
        (Account::TutorPayable, price.saturating_sub(fee)),
        (Account::PlatformFee, fee),
    ])
}

/// A charge that was cancelled in full.
pub fn void(charged: i64) -> Vec<Posting> {
    postings([(Account::TossClearing, charged), (Account::RefundClearing, charged.saturating_neg())])
}

/// What entries about one tutor's sales come to, in won. `sales - refunds = fee + payable`; in a month in which more
/// goes back than is sold, the last two are negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// What buyers paid.
    pub sales: i64,
    /// What went back to them.
    pub refunds: i64,
    /// What the platform keeps.
    pub fee: i64,
    /// What the tutor is owed.
    pub payable: i64,
}

impl Statement {
    /// Takes an entry's postings into account.
    pub fn add(&mut self, postings: &[Posting]) {
        for Posting { account, amount } in postings {
            let (sum, change) = match account {
                Account::TossClearing => (&mut self.sales, *amount),
                Account::RefundClearing => (&mut self.refunds, amount.saturating_neg()),
                Account::PlatformFee => (&mut self.fee, amount.saturating_neg()),
                Account::TutorPayable => (&mut self.payable, amount.saturating_neg()),
            };
            *sum = sum.saturating_add(change);
        }
    }
}

/// The sum, which is zero for every entry.
pub fn balance<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> i64 {
    postings.into_iter().fold(0, |sum, posting| sum.saturating_add(posting.amount))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(account: Account, postings: &[Posting]) -> i64 {
        balance(postings.iter().filter(|posting| posting.account == account))
    }

    #[test]
    fn a_share_is_rounded_down_to_a_won() {
        let share = |basis_points, price| Commission::new(basis_points).unwrap().of(Price::new(price).unwrap()).get();
        assert_eq!(
            [share(1_000, 1_009), share(0, 50_000), share(10_000, 1_001), share(333, 1_001)],
            [100, 0, 1_001, 33]
        );
        assert_eq!(Commission::new(10_001), None);
        assert!("-1".parse::<Commission>().is_err());
    }

    #[test]
    fn a_void_goes_through_both_clearing_accounts() {
        let entry = void(30_000);
        assert_eq!((on(Account::TossClearing, &entry), on(Account::RefundClearing, &entry)), (30_000, -30_000));
        assert_eq!(void(0), []);
    }

    #[test]
    fn a_statement_adds_up() {
        let price = Price::new(10_000).unwrap();
        let fee = Won::new(1_000).unwrap();
        let mut statement = Statement::default();
        for entry in [sale(price, fee), sale(price, fee), refund(price, fee)] {
            statement.add(&entry);
        }
        assert_eq!(statement, Statement { sales: 20_000, refunds: 10_000, fee: 1_000, payable: 9_000 });
        let mut month_after = Statement::default();
        month_after.add(&refund(price, fee));
        assert_eq!(month_after, Statement { sales: 0, refunds: 10_000, fee: -1_000, payable: -9_000 });
    }

    proptest! {
        #[test]
        fn every_entry_sums_to_zero_and_a_refund_undoes_a_sale(price in 1_000_i64..=100_000_000, basis_points in 0_u32..=10_000) {
            let price = Price::new(price).unwrap();
            let fee = Commission::new(basis_points).unwrap().of(price);
            let both = [sale(price, fee), refund(price, fee)].concat();
            for entry in [sale(price, fee), refund(price, fee), void(price.won().get())] {
                prop_assert_eq!(balance(&entry), 0);
            }
            prop_assert_eq!(on(Account::TutorPayable, &both), 0);
            prop_assert_eq!(on(Account::PlatformFee, &both), 0);
            prop_assert_eq!(on(Account::TossClearing, &both), price.won().get());
        }
    }
}
