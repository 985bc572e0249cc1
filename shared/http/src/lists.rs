//! Lists: how long, where from, and sealed cursors to go on.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use domain::{
    refusal::{Details, Kind, Reason, Refusal},
    validation::{self, FieldErrors, Invalid},
};
use serde::Serialize;
use serde_json::json;
use storage::{Page, cursor::Position};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type},
    },
};

use crate::Edge;

/// How many items a page has at most: 1 to 100, 20 unless said otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Limit(usize);

impl Limit {
    const MAX: usize = 100;

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Limit {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, |text| match text.parse() {
            Ok(limit) if (1..=Self::MAX).contains(&limit) => Ok(Self(limit)),
            _ => Err(Invalid::range(1, 100)),
        })
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        validation::whole_number_schema(1, 100).default(Some(20.into())).into()
    }
}

impl ToSchema for Limit {
    fn name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }
}

/// A filter that is on or off: `true` or `false`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flag(pub bool);

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Flag {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, |text| match text {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(Invalid::NOT_A_CHOICE),
        })
    }
}

impl PartialSchema for Flag {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())).into()
    }
}

impl ToSchema for Flag {
    fn name() -> std::borrow::Cow<'static, str> {
        "Flag".into()
    }
}

/// A cursor as a client sends it; opened by [`Edge::position`].
#[derive(Clone, Debug)]
pub struct Cursor(String);

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Cursor {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, |text| Ok(Self(text.to_owned())))
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        validation::text_schema().description(Some("`nextCursor` of the page before")).into()
    }
}

impl ToSchema for Cursor {
    fn name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }
}

/// Which page: the query of a list without filters.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Paging {
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

impl Paging {
    /// How many items at most.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or_default().get()
    }

    /// Where to go on.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }
}

/// What a cursor is good for: one operation, one class of callers, one set of filters.
#[derive(Clone, Debug)]
pub struct ListScope(String);

impl ListScope {
    /// The scope of `operation` for `caller` (a class of callers or one of them) under `filters`.
    pub fn new(operation: &str, caller: impl std::fmt::Display, filters: impl std::fmt::Debug) -> Self {
        Self(format!("{operation}|{caller}|{filters:?}"))
    }
}

/// A cursor that we did not make for this list.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct BadCursor;

impl BadCursor {
    /// Its reason, for the lists of those who refuse it.
    pub const REASON: Reason = Reason::new(
        Kind::Invalid,
        "BAD_CURSOR",
        "이 목록의 커서가 아닙니다.",
        "This cursor does not belong to this list.",
    );
}

impl Refusal for BadCursor {
    const REASONS: &'static [Reason] = &[Self::REASON];

    fn reason(&self) -> Reason {
        Self::REASON
    }
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListRefused {
    /// The cursor.
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    /// The table.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for ListRefused {
    const REASONS: &'static [Reason] = BadCursor::REASONS;

    fn reason(&self) -> Reason {
        match self {
            Self::BadCursor(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::BadCursor(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

impl Edge {
    /// Where a list goes on.
    pub fn position(&self, scope: &ListScope, cursor: Option<&Cursor>) -> Result<Option<Position>, BadCursor> {
        cursor.map(|cursor| self.cursors.open(&scope.0, &cursor.0).ok_or(BadCursor)).transpose()
    }

    /// The view of a page.
    pub fn list<T>(&self, scope: &ListScope, page: Page<T>) -> ListView<T> {
        let next_cursor = page.next.map(|position| self.cursors.seal(&scope.0, &position));
        ListView { items: page.items, next_cursor }
    }
}

/// A page of a list. Only a `nextCursor` of null ends it: a page may be short, even empty.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListView<T> {
    /// The items.
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page.
    pub next_cursor: Option<String>,
}

// Derived, the lists of all items would have one name in the document, and none an example.
impl<T: ToSchema> PartialSchema for ListView<T> {
    #[expect(deprecated, reason = "one place for examples: where the derived schemas have theirs")]
    fn schema() -> RefOr<Schema> {
        let example = match T::schema() {
            RefOr::T(Schema::Object(item)) => item.example,
            RefOr::T(Schema::AllOf(item)) => item.example,
            _ => None,
        };
        let text_or_null = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Send it as `cursor` for the next page; only null is the end"));
        ObjectBuilder::new()
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .property("nextCursor", text_or_null)
            .required("items")
            .required("nextCursor")
            .example(example.map(|item| json!({ "items": [item], "nextCursor": null })))
            .into()
    }
}

impl<T: ToSchema> ToSchema for ListView<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
