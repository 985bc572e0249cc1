//! Rules after which uploads and objects of a bucket are over. Amazon acts them out once a day, in the background; here
//! that is done before each operation on the bucket, by the clock that is handed over.
//!
//! Two kinds of rules are there, with a prefix or without: `AbortIncompleteMultipartUpload` and `Expiration` after
//! some days.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use domain::time::Time;
use http::{Extensions, HeaderMap, Method, Uri};
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        BucketLifecycleConfiguration, DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput, ExpirationStatus,
        GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput, LifecycleRule, ListObjectsV2Input,
        PutBucketLifecycleConfigurationInput, PutBucketLifecycleConfigurationOutput, Timestamp,
    },
    s3_error,
};

use super::{
    files::{Files, read, remove},
    tagging,
};

const DAY_SECONDS: i64 = 24 * 60 * 60;

impl Files {
    /// # Errors
    /// `MalformedXML`, `InvalidRequest` or `InvalidArgument`, 400, of rules that say nothing; `NotImplemented`, 501, of
    /// other kinds of rules than those that are acted out.
    pub async fn put_rules(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let PutBucketLifecycleConfigurationInput { bucket, lifecycle_configuration, .. } = request.input;
        let configuration = lifecycle_configuration.unwrap_or_default();
        check(&configuration.rules)?;
        self.write(&self.rules_file(&bucket), &configuration).await?;
        Ok(S3Response::new(PutBucketLifecycleConfigurationOutput::default()))
    }

    /// # Errors
    /// `NoSuchLifecycleConfiguration`, 404.
    pub async fn rules(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let bucket = request.input.bucket;
        let kept: Option<BucketLifecycleConfiguration> = read(&self.rules_file(&bucket)).await?;
        let Some(BucketLifecycleConfiguration { rules }) = kept else {
            return Err(s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist"));
        };
        let output = GetBucketLifecycleConfigurationOutput { rules: Some(rules), ..Default::default() };
        Ok(S3Response::new(output))
    }

    pub async fn drop_rules(
        &self,
        request: S3Request<DeleteBucketLifecycleInput>,
    ) -> S3Result<S3Response<DeleteBucketLifecycleOutput>> {
        let bucket = request.input.bucket;
        remove(&self.rules_file(&bucket)).await?;
        Ok(S3Response::new(DeleteBucketLifecycleOutput::default()))
    }

    /// Ends what is over by the rules of a bucket.
    pub async fn act_out(&self, bucket: &str) -> S3Result<()> {
        let file = self.rules_file(bucket);
        // Most buckets have none, and cost no more than this look.
        if !file.is_file() {
            return Ok(());
        }
        let _alone = self.writing.write().await;
        let kept: Option<BucketLifecycleConfiguration> = read(&file).await?;
        let rules = kept.unwrap_or_default().rules;
        for rule in rules.iter().filter(|rule| rule.status.as_str() == ExpirationStatus::ENABLED) {
            let prefix = prefix(rule);
            if let Some(days) = days_of_uploads(rule) {
                self.end_uploads(bucket, prefix, last_over(self.clock.now(), days)).await?;
            }
            if let Some(days) = days_of_objects(rule) {
                self.end_objects(bucket, prefix, last_over(self.clock.now(), days)).await?;
            }
        }
        Ok(())
    }

    async fn end_uploads(&self, bucket: &str, prefix: &str, until: SystemTime) -> S3Result<()> {
        let uploads = self.uploads(bucket).await?;
        for upload in uploads.iter().filter(|upload| upload.since <= until && upload.key.starts_with(prefix)) {
            self.end(bucket, &upload.key, &upload.id).await?;
        }
        Ok(())
    }

    async fn end_objects(&self, bucket: &str, prefix: &str, until: SystemTime) -> S3Result<()> {
        let until = Timestamp::from(until);
        let listed = self.theirs.list_objects_v2(asked_by_us(ListObjectsV2Input {
            bucket: bucket.to_owned(),
            prefix: Some(prefix.to_owned()),
            max_keys: Some(i32::MAX),
            ..ListObjectsV2Input::default()
        }));
        for object in listed.await?.output.contents.unwrap_or_default() {
            let is_over = object.last_modified.is_some_and(|written| written <= until);
            let path = object.key.as_deref().filter(|_| is_over).and_then(|key| self.object(bucket, key));
            if let (Some(path), Some(key)) = (path, object.key) {
                remove(&path).await?;
                remove(&self.of_object(bucket, &key, tagging::FILE)).await?;
            }
        }
        Ok(())
    }

    fn rules_file(&self, bucket: &str) -> PathBuf {
        self.folder.join(format!("{}lifecycle.json", Self::of_bucket(bucket)))
    }
}

fn check(rules: &[LifecycleRule]) -> S3Result<()> {
    let is_known =
        |rule: &LifecycleRule| [ExpirationStatus::ENABLED, ExpirationStatus::DISABLED].contains(&rule.status.as_str());
    if rules.is_empty() || !rules.iter().all(is_known) {
        return Err(s3_error!(MalformedXML, "Each rule is enabled or disabled, and there is one"));
    }
    for rule in rules {
        if is_of_another_kind(rule) {
            return Err(s3_error!(NotImplemented, "Rules end uploads or objects after some days, by a prefix or not"));
        }
        let days: Vec<i32> = days_of_uploads(rule).into_iter().chain(days_of_objects(rule)).collect();
        if days.is_empty() {
            return Err(s3_error!(InvalidRequest, "At least one action needs to be specified in a rule"));
        }
        if days.iter().any(|days| *days < 1) {
            return Err(s3_error!(InvalidArgument, "Days must be a positive integer"));
        }
    }
    Ok(())
}

fn is_of_another_kind(rule: &LifecycleRule) -> bool {
    let (filter, expiration) = (rule.filter.clone().unwrap_or_default(), rule.expiration.clone().unwrap_or_default());
    [
        rule.transitions.is_some(),
        rule.noncurrent_version_transitions.is_some(),
        rule.noncurrent_version_expiration.is_some(),
        expiration.date.is_some(),
        expiration.expired_object_delete_marker.is_some(),
        filter.object_size_greater_than.is_some(),
        filter.object_size_less_than.is_some(),
        filter.tag.is_some(),
        filter.and.is_some(),
    ]
    .contains(&true)
}

fn days_of_uploads(rule: &LifecycleRule) -> Option<i32> {
    rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation
}

fn days_of_objects(rule: &LifecycleRule) -> Option<i32> {
    rule.expiration.as_ref()?.days
}

fn prefix(rule: &LifecycleRule) -> &str {
    let of_filter = rule.filter.as_ref().and_then(|filter| filter.prefix.as_deref());
    of_filter.or(rule.prefix.as_deref()).unwrap_or_default()
}

/// What is from this instant, or from before it, is over after so many days: they end at the midnight after them, UTC.
fn last_over(now: Time, days: i32) -> SystemTime {
    let midnight = now.unix_seconds().div_euclid(DAY_SECONDS).saturating_mul(DAY_SECONDS);
    let seconds = midnight.saturating_sub(i64::from(days).saturating_mul(DAY_SECONDS));
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn asked_by_us<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: Method::GET,
        uri: Uri::default(),
        headers: HeaderMap::new(),
        extensions: Extensions::new(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

#[cfg(test)]
mod tests {
    use s3s::dto::{AbortIncompleteMultipartUpload, LifecycleExpiration, LifecycleRuleFilter};

    use super::*;

    /// Amazon's own example: what is from half past ten on the 15th is over after three days on the 19th.
    #[test]
    fn days_end_at_the_midnight_after_them() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let since = |text: &str| UNIX_EPOCH + Duration::from_millis(at(text).unix_millis().try_into().unwrap());
        let written = since("2014-01-15T10:30:00Z");
        assert!(written > last_over(at("2014-01-18T23:59:59.999Z"), 3));
        assert!(written <= last_over(at("2014-01-19T00:00:00Z"), 3));
        assert_eq!(last_over(at("2014-01-19T10:00:00Z"), 3), since("2014-01-16T00:00:00Z"));
    }

    #[test]
    fn rules_that_are_not_acted_out_are_not_taken() {
        let rule = || LifecycleRule {
            abort_incomplete_multipart_upload: Some(AbortIncompleteMultipartUpload { days_after_initiation: Some(1) }),
            expiration: Some(LifecycleExpiration { days: Some(2), ..LifecycleExpiration::default() }),
            filter: Some(LifecycleRuleFilter { prefix: Some("a/".to_owned()), ..LifecycleRuleFilter::default() }),
            id: None,
            noncurrent_version_expiration: None,
            noncurrent_version_transitions: None,
            prefix: None,
            status: ExpirationStatus::from_static(ExpirationStatus::ENABLED),
            transitions: None,
        };
        let code = |rules: &[LifecycleRule]| check(rules).map_err(|error| error.code().as_str().to_owned());
        let refused = |code: &str| Err(code.to_owned());
        assert_eq!(code(&[rule()]), Ok(()));
        assert_eq!(prefix(&rule()), "a/");
        assert_eq!(code(&[]), refused("MalformedXML"));
        let status = ExpirationStatus::from_static("Sometimes");
        assert_eq!(code(&[rule(), LifecycleRule { status, ..rule() }]), refused("MalformedXML"));
        let idle = LifecycleRule { abort_incomplete_multipart_upload: None, expiration: None, ..rule() };
        assert_eq!(code(&[idle]), refused("InvalidRequest"));
        let expiration = Some(LifecycleExpiration { days: Some(0), ..LifecycleExpiration::default() });
        assert_eq!(code(&[LifecycleRule { expiration, ..rule() }]), refused("InvalidArgument"));
        let date = Some(Timestamp::default());
        let expiration = Some(LifecycleExpiration { date, ..LifecycleExpiration::default() });
        let filter = Some(LifecycleRuleFilter { object_size_less_than: Some(1), ..LifecycleRuleFilter::default() });
        for other in [
            LifecycleRule { expiration, ..rule() },
            LifecycleRule { filter, ..rule() },
            LifecycleRule { transitions: Some(vec![]), ..rule() },
        ] {
            assert_eq!(code(&[other]), refused("NotImplemented"));
        }
    }
}
