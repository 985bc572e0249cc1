//! Reading lists, page by page.

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};

use crate::{
    Error, Stored,
    cursor::Position,
    decode,
    table::{Item, Table, attempt},
};

/// Which items, in which order.
#[derive(Clone, Debug)]
pub struct Query {
    index: Option<&'static str>,
    partition: String,
    from: Option<String>,
    until: Option<String>,
    prefix: Option<String>,
    newest_first: bool,
    now: bool,
}

impl Query {
    /// A partition of a global index, by its sort key.
    pub fn index(index: &'static str, partition: impl Into<String>) -> Self {
        Self {
            index: Some(index),
            partition: partition.into(),
            from: None,
            until: None,
            prefix: None,
            newest_first: false,
            now: false,
        }
    }

    /// The items of one partition of the table whose sort key begins with `prefix`, as they are now.
    pub fn partition(partition: impl Into<String>, prefix: &str) -> Self {
        Self { index: None, now: true, prefix: Some(prefix.to_owned()), ..Self::index("", partition) }
    }

    /// The greatest sort keys first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Only sort keys from `from` up to and including `until`.
    #[must_use]
    pub fn between(mut self, from: impl Into<String>, until: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self.until = Some(until.into());
        self
    }

    fn key(&self, part: &str) -> String {
        self.index.map_or_else(|| part.to_owned(), |index| format!("{index}{part}"))
    }
}

/// A page: what was found, and where to go on, unless that was the end.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most as many as were asked for; possibly none, even if there is more.
    pub items: Vec<T>,
    /// Where to go on.
    pub next: Option<Position>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

/// How many reads one request for a page may cost when a filter drops much.
const READS_PER_PAGE: usize = 5;

impl Table {
    /// Up to `limit` items that `keep` keeps, from `after` on.
    ///
    /// A filter may make the page shorter than `limit`, even empty: only a missing `next` is the end.
    pub async fn page<T: Stored>(
        &self,
        query: &Query,
        after: Option<Position>,
        limit: usize,
        keep: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, Error> {
        let mut page = Page { items: vec![], next: after };
        for _ in 0..READS_PER_PAGE {
            let wanted = limit.saturating_sub(page.items.len());
            let (items, next) = self.query_once(query, page.next.take(), wanted).await?;
            for item in items {
                let item = decode(item)?;
                if keep(&item) {
                    page.items.push(item);
                }
            }
            page.next = next;
            if page.next.is_none() || page.items.len() >= limit {
                break;
            }
        }
        Ok(page)
    }

    /// Every item, for partitions that are bounded by a rule. Stops at `bound` items.
    pub async fn all<T: Stored>(&self, query: &Query, bound: usize) -> Result<Vec<T>, Error> {
        self.all_mixed(query, bound).await?.into_iter().map(decode).collect()
    }

    /// [`Table::all`] of a partition with items of several kinds.
    pub async fn all_mixed(&self, query: &Query, bound: usize) -> Result<Vec<Item>, Error> {
        let mut found = vec![];
        let mut after = None;
        loop {
            let (items, next) = self.query_once(query, after, bound.saturating_sub(found.len())).await?;
            found.extend(items);
            if next.is_none() || found.len() >= bound {
                return Ok(found);
            }
            after = next;
        }
    }

    /// Every item of these kinds in the whole table, each as it is when it is met. Reads everything:
    /// for work that is done once a day.
    pub async fn scan(&self, kinds: &[&str]) -> Result<Vec<Item>, Error> {
        let names: Vec<String> = (0..kinds.len()).map(|n| format!(":k{n}")).collect();
        let mut request = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .filter_expression(format!("#type IN ({})", names.join(", ")))
            .expression_attribute_names("#type", "type");
        for (name, kind) in names.into_iter().zip(kinds) {
            request = request.expression_attribute_values(name, AttributeValue::S((*kind).to_owned()));
        }
        let mut found = vec![];
        let mut after = None;
        loop {
            let request = request.clone().set_exclusive_start_key(after);
            let answer = self.patience.repeat(&self.rng, "Scan", |_| attempt("Scan", request.clone().send())).await?;
            found.extend(answer.items.unwrap_or_default());
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// How many items a query finds, as far as `bound`. Nothing of them is sent.
    pub async fn count(&self, query: &Query, bound: usize) -> Result<usize, Error> {
        let mut counted: usize = 0;
        let mut after = None;
        loop {
            let request = self.query(query, after, bound.saturating_sub(counted)).select(Select::Count);
            let answer = self.patience.repeat(&self.rng, "Query", |_| attempt("Query", request.clone().send())).await?;
            counted = counted.saturating_add(usize::try_from(answer.count).unwrap_or_default());
            if answer.last_evaluated_key.is_none() || counted >= bound {
                return Ok(counted);
            }
            after = answer.last_evaluated_key.map(position);
        }
    }

    async fn query_once(
        &self,
        query: &Query,
        after: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<Position>), Error> {
        let request = self.query(query, after, limit);
        let answer = self.patience.repeat(&self.rng, "Query", |_| attempt("Query", request.clone().send())).await?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.map(position)))
    }

    fn query(&self, query: &Query, after: Option<Position>, limit: usize) -> QueryFluentBuilder {
        let mut condition = "#pk = :pk".to_owned();
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(query.index.map(str::to_owned))
            .consistent_read(query.now)
            .scan_index_forward(!query.newest_first)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX).max(1))
            .expression_attribute_names("#pk", query.key("pk"))
            .expression_attribute_values(":pk", AttributeValue::S(query.partition.clone()));
        if let (Some(from), Some(until)) = (&query.from, &query.until) {
            condition.push_str(" AND #sk BETWEEN :from AND :until");
            request = request
                .expression_attribute_names("#sk", query.key("sk"))
                .expression_attribute_values(":from", AttributeValue::S(from.clone()))
                .expression_attribute_values(":until", AttributeValue::S(until.clone()));
        } else if let Some(prefix) = query.prefix.as_ref().filter(|prefix| !prefix.is_empty()) {
            condition.push_str(" AND begins_with(#sk, :prefix)");
            request = request
                .expression_attribute_names("#sk", query.key("sk"))
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.clone()));
        }
        if let Some(after) = after {
            let start = after.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect();
            request = request.set_exclusive_start_key(Some(start));
        }
        request.key_condition_expression(condition)
    }
}

fn position(key: Item) -> Position {
    let text = |(name, value): (String, AttributeValue)| Some((name, value.as_s().ok()?.clone()));
    key.into_iter().filter_map(text).collect()
}
