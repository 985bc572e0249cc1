//! The shape of the table: what `infra/data.yaml` deploys and the local cloud creates.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};

use crate::{
    Error, Table,
    retry::{Failure, failure},
};

/// The global indexes and the attributes that each projects beside the keys.
///
/// Lists show what is projected; long texts come from the base item, because a partition of an
/// index reads 3,000 units a second. DynamoDB allows 100 attributes in all, so what only one kind
/// of item shows is together in its `card`, and what it counts in its `counts`: maps, both.
pub const INDEXES: [(&str, &[&str]); 3] = [
    (
        "gsi1",
        &[
            "type", "id", "version", "title", "price", "salesFrom", "deadline", "startsAt", "endsAt",
            "maxParticipants", "level", "category", "approval", "soldOut", "onSale", "tutorId", "publishedAt",
            "createdAt", "userId", "realName", "portfolioUrl", "accountLastFour", "state", "reason", "scheduleId",
            "start", "end", "creatorId", "updatedAt", "orderId", "productId", "occasion", "postings", "pwtId", "card",
            "counts",
        ],
    ),
    (
        "gsi2",
        &[
            "type", "id", "version", "title", "price", "salesFrom", "deadline", "startsAt", "endsAt",
            "maxParticipants", "level", "category", "approval", "soldOut", "onSale", "tutorId", "publishedAt",
            "createdAt", "reason", "buyerId", "state", "lines", "total", "holdUntil", "paidAt", "payment", "productId",
            "orderId", "purchasedAt", "userId", "refunding", "occasion", "postings", "pwtId", "refundRequest", "card",
            "counts",
        ],
    ),
    (
        "gsi3",
        &[
            "type", "id", "version", "title", "price", "salesFrom", "deadline", "startsAt", "endsAt",
            "maxParticipants", "level", "category", "approval", "soldOut", "onSale", "tutorId", "publishedAt",
            "createdAt", "card", "counts",
        ],
    ),
];

impl Table {
    /// Creates the table unless it is there: for the local cloud and tests. Deployed tables are
    /// `infra/data.yaml`'s.
    pub async fn create_if_missing(&self) -> Result<(), Error> {
        let malformed = |error: aws_sdk_dynamodb::error::BuildError| Error::Malformed(error.to_string());
        let attribute = |name: &str| {
            let text = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            text.build().map_err(malformed)
        };
        let key = |name: &str, kind: KeyType| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(malformed)
        };
        let mut request = self
            .client
            .create_table()
            .table_name(&self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("pk")?)
            .attribute_definitions(attribute("sk")?)
            .key_schema(key("pk", KeyType::Hash)?)
            .key_schema(key("sk", KeyType::Range)?)
            .stream_specification(
                StreamSpecification::builder()
                    .stream_enabled(true)
                    .stream_view_type(StreamViewType::NewAndOldImages)
                    .build()
                    .map_err(malformed)?,
            );
        for (index, shown) in INDEXES {
            let (pk, sk) = (format!("{index}pk"), format!("{index}sk"));
            let projection = Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(shown.iter().map(|name| (*name).to_owned()).collect()));
            request = request.attribute_definitions(attribute(&pk)?).attribute_definitions(attribute(&sk)?);
            request = request.global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name(index)
                    .key_schema(key(&pk, KeyType::Hash)?)
                    .key_schema(key(&sk, KeyType::Range)?)
                    .projection(projection.build())
                    .build()
                    .map_err(malformed)?,
            );
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => match failure(&error) {
                Failure::Refused(code, _) if code == "ResourceInUseException" => Ok(()),
                Failure::Refused(code, message) => Err(Error::Driver { operation: "CreateTable", code, message }),
                Failure::Transient | Failure::Unknown => Err(Error::Busy { operation: "CreateTable" }),
            },
        }
    }

    /// Whether the table answers.
    pub async fn answers(&self) -> bool {
        let described = self.client.describe_table().table_name(&self.name).send();
        described.await.is_ok()
    }
}
