//! One write: what changes, and the condition it carries.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
    Update,
};
use serde::Serialize;

use crate::{Error, Stored, keys::Key, table::Item};

/// The attribute that tells a retried single write from somebody else's.
pub const WRITE_ID: &str = "writeId";

/// What a successful single write answers.
pub type Written = ();

#[derive(Clone, Debug)]
enum Action {
    Put(Item),
    Update,
    Delete,
    Check,
}

/// One write of one item, with its condition. All clauses of the condition must hold.
#[derive(Clone, Debug)]
pub struct Write {
    key: Key,
    action: Action,
    sets: Vec<String>,
    adds: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: Vec<String>,
    values: Vec<AttributeValue>,
    broken: Option<String>,
}

impl Write {
    fn new(key: Key, action: Action) -> Self {
        Self {
            key,
            action,
            sets: vec![],
            adds: vec![],
            removes: vec![],
            conditions: vec![],
            names: vec![],
            values: vec![],
            broken: None,
        }
    }

    /// Writes the whole item.
    pub fn put<T: Stored>(item: &T) -> Self {
        match crate::items::encode(item) {
            Ok(encoded) => Self::new(item.keys().key, Action::Put(encoded)),
            Err(error) => {
                let mut write = Self::new(item.keys().key, Action::Put(Item::new()));
                write.broken = Some(error.to_string());
                write
            }
        }
    }

    /// Changes attributes of an item; creates it if nothing says otherwise.
    pub fn update(key: Key) -> Self {
        Self::new(key, Action::Update)
    }

    /// Deletes an item.
    pub fn delete(key: Key) -> Self {
        Self::new(key, Action::Delete)
    }

    /// Changes nothing and only requires its condition; in transactions only.
    pub fn check(key: Key) -> Self {
        Self::new(key, Action::Check)
    }

    /// What stands for an attribute, or for a path such as `counts.comments` into one.
    fn name(&mut self, path: &str) -> String {
        let of_part = |part: &str| {
            let index = self.names.iter().position(|known| known == part).unwrap_or_else(|| {
                self.names.push(part.to_owned());
                self.names.len().saturating_sub(1)
            });
            format!("#n{index}")
        };
        path.split('.').map(of_part).collect::<Vec<_>>().join(".")
    }

    fn value(&mut self, value: impl Serialize) -> String {
        match serde_dynamo::to_attribute_value(value) {
            Ok(value) => self.values.push(value),
            Err(error) => self.broken = Some(error.to_string()),
        }
        format!(":v{}", self.values.len().saturating_sub(1))
    }

    /// Sets an attribute.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Serialize) -> Self {
        let clause = format!("{} = {}", self.name(name), self.value(value));
        self.sets.push(clause);
        self
    }

    /// Sets an attribute, or removes it where there is nothing to set.
    #[must_use]
    pub fn set_or_remove<T: Serialize>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// Appends one element to a list, which may not exist yet.
    #[must_use]
    pub fn append(mut self, name: &str, value: impl Serialize) -> Self {
        let (name, value, none) = (self.name(name), self.value([value]), self.value(Vec::<bool>::new()));
        self.sets.push(format!("{name} = list_append(if_not_exists({name}, {none}), {value})"));
        self
    }

    /// Adds to a number, which counts as 0 where it does not exist.
    #[must_use]
    pub fn add(mut self, name: &str, amount: i64) -> Self {
        let (path, value) = (self.name(name), self.value(amount));
        // `ADD` reaches into no map.
        if name.contains('.') {
            let none = self.value(0);
            self.sets.push(format!("{path} = if_not_exists({path}, {none}) + {value}"));
        } else {
            self.adds.push(format!("{path} {value}"));
        }
        self
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.removes.push(name);
        self
    }

    fn when(mut self, name: &str, operator: &str, value: impl Serialize) -> Self {
        let clause = format!("{} {operator} {}", self.name(name), self.value(value));
        self.conditions.push(clause);
        self
    }

    /// Only if there is no such item.
    #[must_use]
    pub fn if_absent(mut self) -> Self {
        let name = self.name("pk");
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if there is such an item.
    #[must_use]
    pub fn if_present(mut self) -> Self {
        let name = self.name("pk");
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Only if there is no such item, or its attribute is `value`.
    #[must_use]
    pub fn if_absent_or_is(mut self, name: &str, value: impl Serialize) -> Self {
        let (pk, name, value) = (self.name("pk"), self.name(name), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({pk}) OR {name} = {value})"));
        self
    }

    /// Only if there is no such item, or its attribute is at most `value`.
    #[must_use]
    pub fn if_absent_or_at_most(mut self, name: &str, value: impl Serialize) -> Self {
        let (pk, name, value) = (self.name("pk"), self.name(name), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({pk}) OR {name} <= {value})"));
        self
    }

    /// Only if the attribute does not exist.
    #[must_use]
    pub fn if_missing(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if the attribute exists.
    #[must_use]
    pub fn if_has(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Only if the attribute does not exist or is at most `value`.
    #[must_use]
    pub fn if_missing_or_at_most(mut self, name: &str, value: impl Serialize) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({name}) OR {name} <= {value})"));
        self
    }

    /// Only if the attribute is `value`.
    #[must_use]
    pub fn if_is(self, name: &str, value: impl Serialize) -> Self {
        self.when(name, "=", value)
    }

    /// Only if the attribute is at least `value`.
    #[must_use]
    pub fn if_at_least(self, name: &str, value: impl Serialize) -> Self {
        self.when(name, ">=", value)
    }

    /// Only if the attribute is at most `value`.
    #[must_use]
    pub fn if_at_most(self, name: &str, value: impl Serialize) -> Self {
        self.when(name, "<=", value)
    }

    /// Only if the attribute is above `value`.
    #[must_use]
    pub fn if_above(self, name: &str, value: impl Serialize) -> Self {
        self.when(name, ">", value)
    }

    /// Marks a single write, so that its own retry is known again.
    pub(crate) fn stamped(mut self, id: &str) -> Self {
        match &mut self.action {
            Action::Put(item) => {
                item.insert(WRITE_ID.to_owned(), AttributeValue::S(id.to_owned()));
                self
            }
            Action::Update => self.set(WRITE_ID, id),
            Action::Delete | Action::Check => self,
        }
    }

    pub(crate) fn deletes(&self) -> bool {
        matches!(self.action, Action::Delete)
    }

    pub(crate) fn compile(self, table: &str) -> Result<TransactWriteItem, Error> {
        if let Some(broken) = self.broken {
            return Err(Error::Malformed(broken));
        }
        let mut clauses = vec![];
        for (verb, parts) in [("SET", &self.sets), ("ADD", &self.adds), ("REMOVE", &self.removes)] {
            if !parts.is_empty() {
                clauses.push(format!("{verb} {}", parts.join(", ")));
            }
        }
        let update = (!clauses.is_empty()).then(|| clauses.join(" "));
        let condition = (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "));
        let numbered = |prefix: &str, n: usize| format!("{prefix}{n}");
        let names: HashMap<_, _> =
            self.names.into_iter().enumerate().map(|(n, name)| (numbered("#n", n), name)).collect();
        let values: HashMap<_, _> =
            self.values.into_iter().enumerate().map(|(n, value)| (numbered(":v", n), value)).collect();
        let names = (!names.is_empty()).then_some(names);
        let values = (!values.is_empty()).then_some(values);
        let key = HashMap::from(self.key);
        let old = Some(OnFailure::AllOld);
        let malformed = |error: aws_sdk_dynamodb::error::BuildError| Error::Malformed(error.to_string());
        let item = TransactWriteItem::builder();
        Ok(match self.action {
            Action::Put(content) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(content))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(malformed)?,
            ),
            Action::Update => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_update_expression(update)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(malformed)?,
            ),
            Action::Delete => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(malformed)?,
            ),
            Action::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(malformed)?,
            ),
        }
        .build())
    }
}
