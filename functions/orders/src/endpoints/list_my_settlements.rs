//! `GET /v1/users/me/settlements`: what a tutor sold and is owed by month in Korea, as JSON or as a table.
//!
//! Summed from the ledger as it is read: there is no balance to go wrong.

use std::collections::BTreeMap;

use deserr::Deserr;
use devloop_http::{Document, Negotiated, Query, Tutor};
use domain::{
    calendar::Month,
    ledger::Statement,
    refusal::{Details, Reason, Refusal},
    validation::{FieldErrors, Invalid},
};
use serde::Serialize;
use storage::{items::LedgerEntry, keys};
use utoipa::ToSchema;

use crate::{
    App,
    csv::{self, Cell},
};

/// Which months: at most twelve.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Filter {
    /// The first; eleven months before the last unless said otherwise.
    #[deserr(default)]
    from: Option<Month>,
    /// The last; the present one unless said otherwise.
    #[deserr(default)]
    until: Option<Month>,
}

/// One month.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonthStatement {
    month: Month,
    #[serde(flatten)]
    statement: Statement,
}

/// Some months, and what they come to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "months": [
        { "month": "2026-10", "sales": 0, "refunds": 0, "fee": 0, "payable": 0 },
        { "month": "2026-11", "sales": 90000, "refunds": 50000, "fee": 4000, "payable": 36000 },
    ],
    "total": { "sales": 90000, "refunds": 50000, "fee": 4000, "payable": 36000 },
}))]
pub struct Settlements {
    /// Oldest first, those without sales, too.
    months: Vec<MonthStatement>,
    total: Statement,
}

impl Document for Settlements {
    const MEDIA_TYPE: &'static str = "text/csv";
    const FILE_NAME: Option<&'static str> = Some("settlements.csv");

    fn document(&self) -> String {
        let head = ["월", "매출", "환불", "수수료", "정산 금액"].map(Cell::Text).to_vec();
        let months: Vec<(String, Statement)> =
            self.months.iter().map(|month| (month.month.to_string(), month.statement)).collect();
        let rows = months.iter().map(|(month, statement)| row(month, statement));
        csv::table([head].into_iter().chain(rows).chain([row("합계", &self.total)]))
    }
}

fn row<'a>(name: &'a str, statement: &Statement) -> Vec<Cell<'a>> {
    let Statement { sales, refunds, fee, payable } = *statement;
    let amounts = [sales, refunds, fee, payable].map(Cell::Number);
    [Cell::Text(name)].into_iter().chain(amounts).collect()
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        match self {
            Self::Fields(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Fields(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

const MONTHS: usize = 12;
/// How many entries one read asks for: about what fits into the megabyte that DynamoDB answers.
const ENTRIES: usize = 2_000;

/// Sums the tutor's entries.
pub async fn list_my_settlements(
    app: App,
    tutor: Tutor,
    Query(filter): Query<Filter>,
) -> Result<Negotiated<Settlements>, Refused> {
    let months = months(&filter, Month::of(app.edge.clock.now()))?;
    let mut statements: BTreeMap<Month, Statement> =
        months.iter().map(|month| (*month, Statement::default())).collect();
    let mut total = Statement::default();
    if let (Some(first), Some(last)) = (months.first(), months.last()) {
        // An entry of the month after begins with its first instant, and goes on.
        let (from, until) = (first.start().to_string(), last.plus(1).start().to_string());
        let query = storage::Query::index("gsi2", keys::ledger_of(tutor.id)).between(from, until);
        let mut after = None;
        loop {
            let page = app.edge.table.page(&query, after, ENTRIES, |_: &LedgerEntry| true).await?;
            for entry in page.items {
                statements.entry(Month::of(entry.created_at)).or_default().add(&entry.postings);
                total.add(&entry.postings);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    let months = statements.into_iter().map(|(month, statement)| MonthStatement { month, statement }).collect();
    Ok(Negotiated(Settlements { months, total }))
}

fn months(filter: &Filter, present: Month) -> Result<Vec<Month>, FieldErrors> {
    let last = filter.until.unwrap_or(present);
    let first = filter.from.unwrap_or_else(|| last.plus(-11));
    // One more than may be shows that there are too many.
    let months: Vec<Month> = first.through(last).take(MONTHS.saturating_add(1)).collect();
    if (1..=MONTHS).contains(&months.len()) {
        return Ok(months);
    }
    let range = Invalid::new(
        "MONTHS",
        "1개월 이상 12개월 이하의 기간이어야 합니다.",
        "must begin 0 to 11 months before `until`",
    );
    Err(FieldErrors::one("from", range))
}
