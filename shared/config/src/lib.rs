//! Typed settings and secrets: read once, all that are missing reported together.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// A secret text. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What is wrong with the settings: one sentence for each. Values are never repeated.
#[derive(Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the settings are incomplete: {}", .0.join("; "))]
pub struct Incomplete(pub Vec<String>);

/// The variables that settings are read from, and what was found wrong with them so far.
#[derive(Debug)]
pub struct Reader {
    variables: BTreeMap<String, String>,
    wrong: Incomplete,
}

impl Reader {
    /// Reads the process's environment.
    pub fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::new(variables)
    }

    /// Reads from these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            wrong: Incomplete::default(),
        }
    }

    /// A setting that may be missing.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        match self.variables.get(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong.0.push(format!("{name} is not usable: {error}"));
                None
            }
        }
    }

    /// A setting that must be there. `None` is noted as wrong: [`Reader::finish`] then fails.
    pub fn required<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        if !self.variables.contains_key(name) {
            self.wrong.0.push(format!("{name} is missing"));
        }
        self.optional(name)
    }

    /// The settings, if nothing was wrong with any of them.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, Incomplete> {
        match settings {
            Some(settings) if self.wrong.0.is_empty() => Ok(settings),
            _ => Err(self.wrong),
        }
    }
}

/// What every function needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The table's name.
    pub table: String,
    /// The region of the deployment.
    pub region: String,
    /// Another DynamoDB than the region's.
    pub dynamodb_endpoint: Option<String>,
    /// The Ed25519 private key that signs access tokens, PKCS#8 in PEM. Only `auth` has it.
    pub token_private_key: Option<Secret>,
    /// The public keys that verify them, as a JWK set: the present one and, while rotating, another.
    pub token_public_keys: String,
    /// The key that seals refresh tokens. Only `auth` has it.
    pub refresh_key: Option<Secret>,
    /// The key that seals cursors.
    pub cursor_key: Secret,
    /// The key that encrypts bank accounts, 32 bytes in hex. Only `tutors`, `orders` and the payment-reconciler have it.
    pub account_key: Option<Secret>,
    /// How payments are taken. Only `orders` has it.
    pub payments: Option<Payments>,
    /// Where messages go. Only `orders` has it.
    pub queues: Option<Queues>,
    /// Another SQS than the region's.
    pub sqs_endpoint: Option<String>,
    /// Where everybody reads public files from.
    pub cdn_base_url: String,
    /// The bucket of uploaded files. Only `attachments` has it.
    pub media_bucket: Option<String>,
    /// Another S3 than the region's.
    pub s3_endpoint: Option<String>,
    /// What runs, for `GET /v1/health`.
    pub build: String,
}

/// How payments are taken.
#[derive(Clone, Debug)]
pub struct Payments {
    /// Toss's API.
    pub toss_base_url: String,
    /// Toss's secret key.
    pub toss_secret_key: Secret,
    /// Toss's client key, for frontends.
    pub toss_client_key: String,
    /// Where Toss sends the buyer's browser after authentication.
    pub success_url: String,
    /// Where Toss sends it after a failure.
    pub fail_url: String,
    /// The largest total of one order, in won.
    pub max_order_total: i64,
    /// The platform's share of each sale, in hundredths of a percent.
    pub commission: u32,
    /// Who sells, for receipts.
    pub supplier: Supplier,
    /// How many hours a seat of a PWT waits for the deposit of a virtual account; 0: such payments are not taken.
    pub pwt_deposit_hours: u32,
}

/// Who sells, as receipts have to tell it. A JSON object in the environment, all of whose members are required.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Supplier {
    /// 상호
    pub name: String,
    /// 대표자
    pub representative: String,
    /// 사업자등록번호
    pub registration_number: String,
    /// 통신판매업 신고번호
    pub mail_order_number: String,
    /// 사업장 주소
    pub address: String,
    /// 고객 문의: a phone number or an email address.
    pub contact: String,
}

/// The text is no supplier. Says nothing of what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a JSON object with name, representative, registrationNumber, mailOrderNumber, address and contact is expected"
)]
pub struct NotASupplier;

impl FromStr for Supplier {
    type Err = NotASupplier;

    fn from_str(text: &str) -> Result<Self, NotASupplier> {
        serde_json::from_str(text).map_err(|_tells_the_value| NotASupplier)
    }
}

/// The URLs of the queues.
#[derive(Clone, Debug)]
pub struct Queues {
    /// What the payment-reconciler is told.
    pub payments: String,
    /// What people are told.
    pub notifications: String,
}

/// Which settings a function cannot do without, beyond those of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "needs are independent of each other: they are no states")]
pub struct Needs {
    /// [`Settings::token_private_key`] and [`Settings::refresh_key`].
    pub signing: bool,
    /// [`Settings::account_key`].
    pub account_key: bool,
    /// [`Settings::payments`].
    pub payments: bool,
    /// [`Settings::queues`].
    pub queues: bool,
    /// [`Settings::media_bucket`].
    pub media: bool,
}

impl Settings {
    /// Reads what is needed, or says everything that is missing.
    pub fn read(mut reader: Reader, needs: Needs) -> Result<Self, Incomplete> {
        let table = reader.required("TABLE_NAME");
        let region = reader.required("AWS_REGION");
        let token_public_keys = reader.required("TOKEN_PUBLIC_KEYS");
        let cursor_key = reader.required("CURSOR_KEY");
        let cdn_base_url = reader.required("CDN_BASE_URL");
        let token_private_key = if needs.signing { reader.required("TOKEN_PRIVATE_KEY") } else { None };
        let refresh_key = if needs.signing { reader.required("REFRESH_KEY") } else { None };
        let account_key = if needs.account_key { reader.required("ACCOUNT_KEY") } else { None };
        let payments = if needs.payments { Payments::read(&mut reader) } else { None };
        let queues = if needs.queues { Queues::read(&mut reader) } else { None };
        let media_bucket = if needs.media { reader.required("MEDIA_BUCKET") } else { None };
        let s3_endpoint = reader.optional("AWS_ENDPOINT_URL_S3").or_else(|| reader.optional("AWS_ENDPOINT_URL"));
        let sqs_endpoint = reader.optional("AWS_ENDPOINT_URL_SQS").or_else(|| reader.optional("AWS_ENDPOINT_URL"));
        let dynamodb_endpoint =
            reader.optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| reader.optional("AWS_ENDPOINT_URL"));
        let build = reader.optional("BUILD").unwrap_or_else(|| "dev".to_owned());
        let settings = table.zip(region).zip(token_public_keys).zip(cursor_key).zip(cdn_base_url).map(
            |((((table, region), token_public_keys), cursor_key), cdn_base_url)| Self {
                table,
                region,
                dynamodb_endpoint,
                token_private_key,
                token_public_keys,
                refresh_key,
                cursor_key,
                account_key,
                payments,
                queues,
                sqs_endpoint,
                cdn_base_url,
                media_bucket,
                s3_endpoint,
                build,
            },
        );
        reader.finish(settings)
    }
}

impl Payments {
    fn read(reader: &mut Reader) -> Option<Self> {
        let toss_base_url = reader.required("TOSS_BASE_URL");
        let toss_secret_key = reader.required("TOSS_SECRET_KEY");
        let toss_client_key = reader.required("TOSS_CLIENT_KEY");
        let success_url = reader.required("PAYMENT_SUCCESS_URL");
        let fail_url = reader.required("PAYMENT_FAIL_URL");
        let max_order_total = reader.required("MAX_ORDER_TOTAL");
        let commission = reader.required("COMMISSION_BASIS_POINTS");
        let supplier = reader.required("SUPPLIER");
        let pwt_deposit_hours = reader.required("PWT_DEPOSIT_HOURS");
        Some(Self {
            toss_base_url: toss_base_url?,
            toss_secret_key: toss_secret_key?,
            toss_client_key: toss_client_key?,
            success_url: success_url?,
            fail_url: fail_url?,
            max_order_total: max_order_total?,
            commission: commission?,
            supplier: supplier?,
            pwt_deposit_hours: pwt_deposit_hours?,
        })
    }
}

impl Queues {
    fn read(reader: &mut Reader) -> Option<Self> {
        let (payments, notifications) =
            (reader.required("PAYMENTS_QUEUE_URL"), reader.required("NOTIFICATIONS_QUEUE_URL"));
        Some(Self { payments: payments?, notifications: notifications? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(names: &[&str]) -> Reader {
        Reader::new(names.iter().map(|name| ((*name).to_owned(), "1".to_owned())))
    }

    #[test]
    fn everything_missing_is_reported_at_once() {
        let needs = Needs { payments: true, ..Needs::default() };
        let Incomplete(missing) = Settings::read(variables(&["TABLE_NAME", "MAX_ORDER_TOTAL"]), needs).unwrap_err();
        let names = [
            "AWS_REGION", "TOKEN_PUBLIC_KEYS", "CURSOR_KEY", "CDN_BASE_URL", "TOSS_BASE_URL", "TOSS_SECRET_KEY",
            "TOSS_CLIENT_KEY", "PAYMENT_SUCCESS_URL", "PAYMENT_FAIL_URL", "COMMISSION_BASIS_POINTS", "SUPPLIER",
            "PWT_DEPOSIT_HOURS",
        ];
        assert_eq!(missing, names.map(|name| format!("{name} is missing")));
    }

    #[test]
    fn values_are_never_repeated() {
        let reader = Reader::new([("MAX_ORDER_TOTAL".to_owned(), "canary".to_owned())]);
        let needs = Needs { payments: true, ..Needs::default() };
        let error = Settings::read(reader, needs).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn a_supplier_is_whole_or_none() {
        let whole = r#"{ "name": "데브루프", "representative": "김대표", "registrationNumber": "000-00-00000",
            "mailOrderNumber": "제2026-서울-0000호", "address": "서울", "contact": "help@devloop.kr" }"#;
        assert_eq!(whole.parse::<Supplier>().unwrap().name, "데브루프");
        for text in ["데브루프", "{}", &whole.replace("\"address\"", "\"adress\"")] {
            assert_eq!(text.parse::<Supplier>(), Err(NotASupplier));
        }
    }

    #[test]
    fn an_empty_variable_is_a_missing_one() {
        let mut reader = Reader::new([("TABLE_NAME".to_owned(), String::new())]);
        assert_eq!(reader.optional::<String>("TABLE_NAME"), None);
    }
}
