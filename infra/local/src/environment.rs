//! What the environment may swap for the real thing, and the settings that follow from it.

use config::{Incomplete, Invalidation, Payments, Reader, Secret, Settings, Supplier};
use storage::Connection;
use url::Url;

use crate::{
    cloudfront::{DISTRIBUTION, Origin, OriginAccess},
    delivery::CannotDeliver,
    s3::Access,
    secrets::Secrets,
};

/// The key that the sandbox of Toss asks for: no secret, it opens nothing but play money.
pub const SANDBOX_SECRET_KEY: &str = "test_sk_devloop_local";
const SANDBOX_CLIENT_KEY: &str = "test_ck_devloop_local";
const MAX_ORDER_TOTAL: i64 = 500_000_000;
/// A tenth, in hundredths of a percent.
const COMMISSION: u32 = 1_000;
/// As deployed by default: no virtual accounts.
const PWT_DEPOSIT_HOURS: u32 = 0;
/// As many as Amazon gives an account each month.
const FREE_PATHS: u32 = 1_000;
/// Where nothing says otherwise.
const TABLE: &str = "devloop";
const REGION: &str = "ap-northeast-2";
const BUCKET: &str = "devloop-media";

/// Another Toss than the sandbox.
#[derive(Clone, Debug)]
pub struct OtherToss {
    /// Its API.
    pub base_url: Url,
    /// A test key: the local server takes no real money.
    pub secret_key: Secret,
    /// For frontends.
    pub client_key: String,
}

/// The variables that the local server listens to.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `AWS_ENDPOINT_URL_DYNAMODB`, else `AWS_ENDPOINT_URL`: another DynamoDB than the embedded one.
    pub dynamodb: Option<String>,
    /// `TABLE_NAME`.
    pub table: Option<String>,
    /// `AWS_REGION`.
    pub region: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`: another S3 than the embedded one.
    pub s3: Option<String>,
    /// `MEDIA_BUCKET`.
    pub bucket: Option<String>,
    /// `CDN_BASE_URL`: where public files are read from.
    pub cdn: Option<String>,
    /// `TOSS_BASE_URL` with its keys.
    pub toss: Option<OtherToss>,
    /// `DEVLOOP_ADMIN_PASSWORD`.
    pub admin_password: Option<Secret>,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`: what the CDN signs with where S3 is another one.
    access: Option<(String, Secret)>,
    has_credentials: bool,
}

impl Environment {
    /// Reads them, or says what is wrong with them.
    pub fn read(mut reader: Reader) -> Result<Self, Incomplete> {
        let base_url: Option<Url> = reader.optional("TOSS_BASE_URL");
        let toss = base_url.and_then(|base_url| {
            let secret_key = reader.required("TOSS_SECRET_KEY");
            let client_key = reader.required("TOSS_CLIENT_KEY");
            Some(OtherToss { base_url, secret_key: secret_key?, client_key: client_key? })
        });
        let named = |reader: &mut Reader, name| reader.optional::<String>(name);
        let dynamodb =
            named(&mut reader, "AWS_ENDPOINT_URL_DYNAMODB").or_else(|| named(&mut reader, "AWS_ENDPOINT_URL"));
        let s3 = named(&mut reader, "AWS_ENDPOINT_URL_S3").or_else(|| named(&mut reader, "AWS_ENDPOINT_URL"));
        let has_credentials =
            ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"].iter().any(|name| named(&mut reader, name).is_some());
        let environment = Self {
            dynamodb,
            table: named(&mut reader, "TABLE_NAME"),
            region: named(&mut reader, "AWS_REGION"),
            s3,
            bucket: named(&mut reader, "MEDIA_BUCKET"),
            cdn: named(&mut reader, "CDN_BASE_URL"),
            toss,
            admin_password: reader.optional("DEVLOOP_ADMIN_PASSWORD"),
            access: named(&mut reader, "AWS_ACCESS_KEY_ID").zip(reader.optional("AWS_SECRET_ACCESS_KEY")),
            has_credentials,
        };
        reader.finish(Some(environment))
    }

    /// The table's name.
    pub fn table_name(&self) -> String {
        self.table.clone().unwrap_or_else(|| TABLE.to_owned())
    }

    fn region(&self) -> String {
        self.region.clone().unwrap_or_else(|| REGION.to_owned())
    }

    /// How to reach the table at `endpoint`, or at the region's DynamoDB.
    pub fn connection(&self, endpoint: Option<String>) -> Connection {
        // A DynamoDB on this machine takes any; asking the default chain would cost seconds.
        let any = || ("local".to_owned(), "local".to_owned());
        let credentials = (endpoint.is_some() && !self.has_credentials).then(any);
        Connection { table: self.table_name(), endpoint, region: self.region(), credentials, http: None }
    }

    /// The bucket's name.
    pub fn bucket_name(&self) -> String {
        self.bucket.clone().unwrap_or_else(|| BUCKET.to_owned())
    }

    /// How to reach the bucket at `endpoint`: the embedded one with its own credentials.
    pub fn media(&self, endpoint: &str) -> media::Connection {
        let Access { id, secret } = Access::local();
        media::Connection {
            bucket: self.bucket_name(),
            endpoint: Some(endpoint.to_owned()),
            region: self.region(),
            credentials: (self.s3.is_none() || !self.has_credentials).then_some((id, secret)),
            http: None,
        }
    }

    /// How to reach the queues' stand-in at `endpoint`.
    pub fn queues(&self, endpoint: &str) -> jobs::Connection {
        let credentials = Some(("local".to_owned(), "local".to_owned()));
        jobs::Connection { endpoint: Some(endpoint.to_owned()), region: self.region(), credentials, http: None }
    }

    /// How to reach the stand-in for CloudFront at `endpoint`.
    pub fn cloudfront(endpoint: &str) -> cdn::Connection {
        let credentials = Some(("local".to_owned(), "local".to_owned()));
        cdn::Connection { endpoint: Some(endpoint.to_owned()), credentials, http: None }
    }

    /// Where the CDN fetches files, and who it is there: the bucket at `s3`.
    pub fn origin(&self, s3: &str) -> Result<Origin, CannotDeliver> {
        let Access { id, secret } = match &self.access {
            Some((id, secret)) if self.s3.is_some() => Access { id: id.clone(), secret: secret.expose().to_owned() },
            _ => Access::local(),
        };
        let base_url = format!("{}/{}", s3.trim_end_matches('/'), self.bucket_name());
        let access = OriginAccess { id, secret, region: self.region() };
        Ok(Origin::new(base_url.parse()?, access)?)
    }

    /// What all functions read, for a server whose pages are at `api`, and whose files at `cdn`.
    pub fn settings(&self, secrets: &Secrets, dynamodb: &str, api: &str, toss: &str, cdn: &str) -> Settings {
        let (secret_key, client_key) = match &self.toss {
            Some(other) => (other.secret_key.clone(), other.client_key.clone()),
            None => (Secret::new(SANDBOX_SECRET_KEY), SANDBOX_CLIENT_KEY.to_owned()),
        };
        Settings {
            table: self.table_name(),
            region: self.region(),
            dynamodb_endpoint: Some(dynamodb.to_owned()),
            token_private_key: Some(Secret::new(secrets.token_private_key.clone())),
            token_public_keys: secrets.token_public_keys.clone(),
            refresh_key: Some(Secret::new(secrets.refresh_key.clone())),
            cursor_key: Secret::new(secrets.cursor_key.clone()),
            account_key: Some(Secret::new(secrets.account_key.clone())),
            payments: Some(Payments {
                toss_base_url: toss.to_owned(),
                toss_secret_key: secret_key,
                toss_client_key: client_key,
                success_url: format!("{api}/pay/success"),
                fail_url: format!("{api}/pay/fail"),
                max_order_total: MAX_ORDER_TOTAL,
                commission: COMMISSION,
                supplier: Supplier {
                    name: "데브루프 (연습용)".to_owned(),
                    representative: "홍길동".to_owned(),
                    registration_number: "000-00-00000".to_owned(),
                    mail_order_number: "제2026-서울강남-00000호".to_owned(),
                    address: "서울특별시 강남구 테헤란로 1".to_owned(),
                    contact: "help@devloop.example".to_owned(),
                },
                pwt_deposit_hours: PWT_DEPOSIT_HOURS,
            }),
            // The queues are handed over with the client.
            queues: None,
            cdn_queue: None,
            invalidation: Some(Invalidation { distribution_id: DISTRIBUTION.to_owned(), free_paths: FREE_PATHS }),
            cloudfront_endpoint: None,
            sqs_endpoint: None,
            cdn_base_url: self.cdn.clone().unwrap_or_else(|| cdn.to_owned()),
            // So is the bucket.
            media_bucket: None,
            s3_endpoint: None,
            build: format!("{} (local)", env!("CARGO_PKG_VERSION")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, Incomplete> {
        Environment::read(Reader::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))))
    }

    #[test]
    fn nothing_is_needed() {
        let environment = read(&[]).unwrap();
        assert_eq!(environment.table_name(), "devloop");
        assert!(environment.dynamodb.is_none() && environment.toss.is_none());
    }

    #[test]
    fn another_toss_needs_its_keys() {
        let Incomplete(wrong) = read(&[("TOSS_BASE_URL", "https://api.tosspayments.com")]).unwrap_err();
        assert_eq!(wrong, ["TOSS_SECRET_KEY is missing", "TOSS_CLIENT_KEY is missing"]);
    }

    #[test]
    fn only_an_endpoint_without_credentials_gets_made_up_ones() {
        let here = Some("http://127.0.0.1:4566".to_owned());
        assert!(read(&[]).unwrap().connection(here.clone()).credentials.is_some());
        assert!(read(&[]).unwrap().connection(None).credentials.is_none());
        let own = read(&[("AWS_ACCESS_KEY_ID", "AKIA")]).unwrap();
        assert!(own.connection(here).credentials.is_none());
    }
}
