//! Rules after which uploads and objects are over. Only the embedded S3 is tried: the other one has no such rules, and
//! nobody can move its clock.

use aws_sdk_s3::{
    primitives::{ByteStream, DateTime},
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration,
        LifecycleRule, LifecycleRuleFilter, Tag, builders::LifecycleRuleBuilder,
    },
};
use clock::Movable;

use super::{Far, code};

const HOUR_MILLIS: i64 = 60 * 60 * 1_000;

/// The embedded S3 at half past ten, and its clock, unless the tests are for another.
async fn embedded() -> Option<(Far, Movable)> {
    if Far::other().is_some() {
        return None;
    }
    let clock = Movable::standing_at("2026-11-24T10:30:00Z".parse().unwrap());
    Some((Far::by(clock.clock()).await, clock))
}

/// A rule for everything under `uploads/`.
fn rule() -> LifecycleRuleBuilder {
    let filter = LifecycleRuleFilter::builder().prefix("uploads/").build();
    LifecycleRule::builder().id("uploads").status(ExpirationStatus::Enabled).filter(filter)
}

fn abort_after(days: i32) -> AbortIncompleteMultipartUpload {
    AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build()
}

fn expire_after(days: i32) -> LifecycleExpiration {
    LifecycleExpiration::builder().days(days).build()
}

impl Far {
    async fn rule(&self, rule: LifecycleRuleBuilder) -> String {
        let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap()).build().unwrap();
        let put = self.client.put_bucket_lifecycle_configuration().bucket(&self.name);
        code(put.lifecycle_configuration(rules).send().await)
    }

    async fn begin(&self, key: &str) -> String {
        let begun = self.client.create_multipart_upload().bucket(&self.name).key(key).send().await.unwrap();
        begun.upload_id.unwrap()
    }

    async fn part(&self, key: &str, id: &str) -> String {
        let upload = self.client.upload_part().bucket(&self.name).key(key).upload_id(id).part_number(1);
        code(upload.body(ByteStream::from_static(b"part")).send().await)
    }

    async fn unfinished(&self) -> Vec<String> {
        let listed = self.client.list_multipart_uploads().bucket(&self.name).send().await.unwrap();
        listed.uploads().iter().map(|upload| upload.key().unwrap().to_owned()).collect()
    }

    async fn stored(&self) -> Vec<String> {
        let listed = self.client.list_objects_v2().bucket(&self.name).send().await.unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn rules_are_kept_until_they_are_deleted() {
    let Some((far, _)) = embedded().await else { return };
    let get = || far.client.get_bucket_lifecycle_configuration().bucket(&far.name).send();
    assert_eq!(code(get().await), "NoSuchLifecycleConfiguration");
    let kept = rule().abort_incomplete_multipart_upload(abort_after(7)).expiration(expire_after(2));
    assert_eq!(far.rule(kept.clone()).await, "OK");
    assert_eq!(get().await.unwrap().rules(), [kept.build().unwrap()]);
    far.client.delete_bucket_lifecycle().bucket(&far.name).send().await.unwrap();
    assert_eq!(code(get().await), "NoSuchLifecycleConfiguration");
}

#[tokio::test]
async fn rules_that_nobody_would_act_out_are_refused() {
    let Some((far, _)) = embedded().await else { return };
    let tag = Tag::builder().key("kind").value("photo").build().unwrap();
    let by_tag = LifecycleRuleFilter::builder().tag(tag).build();
    let at_midnight = DateTime::from_secs(1_800_000_000);
    for (refused, refusal) in [
        (rule().filter(by_tag).expiration(expire_after(1)), "NotImplemented"),
        (rule().expiration(LifecycleExpiration::builder().date(at_midnight).build()), "NotImplemented"),
        (rule(), "InvalidRequest"),
        (rule().abort_incomplete_multipart_upload(abort_after(0)), "InvalidArgument"),
        (rule().status("Sometimes".into()).expiration(expire_after(1)), "MalformedXML"),
    ] {
        assert_eq!(far.rule(refused.clone()).await, refusal, "{refused:?}");
    }
    let get = far.client.get_bucket_lifecycle_configuration().bucket(&far.name).send().await;
    assert_eq!(code(get), "NoSuchLifecycleConfiguration");
}

#[tokio::test]
async fn an_unfinished_upload_is_aborted_at_the_midnight_after_its_days() {
    let Some((far, clock)) = embedded().await else { return };
    let (old, other) = (far.begin("uploads/old").await, far.begin("others/old").await);
    assert_eq!(far.rule(rule().abort_incomplete_multipart_upload(abort_after(1))).await, "OK");
    clock.advance(24 * HOUR_MILLIS);
    let young = far.begin("uploads/young").await;
    // Half past ten in the morning, to just before midnight.
    clock.advance(13 * HOUR_MILLIS + HOUR_MILLIS / 2 - 1);
    assert_eq!(far.part("uploads/old", &old).await, "OK");
    assert_eq!(far.unfinished().await, ["others/old", "uploads/old", "uploads/young"]);
    clock.advance(1);
    assert_eq!(far.part("uploads/old", &old).await, "NoSuchUpload");
    assert_eq!(far.part("others/old", &other).await, "OK");
    assert_eq!(far.part("uploads/young", &young).await, "OK");
    assert_eq!(far.unfinished().await, ["others/old", "uploads/young"]);
}

#[tokio::test]
async fn an_object_is_deleted_at_the_midnight_after_its_days() {
    let Some((far, clock)) = embedded().await else { return };
    assert_eq!(far.rule(rule().expiration(expire_after(1))).await, "OK");
    for key in ["uploads/old", "uploads/replaced", "uploads/copied", "others/old"] {
        far.object(key, b"12345").await;
    }
    clock.advance(24 * HOUR_MILLIS);
    far.object("uploads/replaced", b"54321").await;
    let copy = far.client.copy_object().bucket(&far.name).key("uploads/copied");
    copy.copy_source(format!("{}/uploads/old", far.name)).send().await.unwrap();
    clock.advance(13 * HOUR_MILLIS + HOUR_MILLIS / 2 - 1);
    assert_eq!(far.stored().await, ["others/old", "uploads/copied", "uploads/old", "uploads/replaced"]);
    clock.advance(1);
    assert_eq!(far.bucket.stat("uploads/old").await.unwrap(), None);
    assert_eq!(far.stored().await, ["others/old", "uploads/copied", "uploads/replaced"]);
}

#[tokio::test]
async fn a_rule_that_is_disabled_or_deleted_ends_nothing() {
    let Some((far, clock)) = embedded().await else { return };
    let ending = || rule().abort_incomplete_multipart_upload(abort_after(1)).expiration(expire_after(1));
    assert_eq!(far.rule(ending()).await, "OK");
    far.begin("uploads/old").await;
    far.object("uploads/old", b"12345").await;
    far.client.delete_bucket_lifecycle().bucket(&far.name).send().await.unwrap();
    clock.advance(72 * HOUR_MILLIS);
    assert_eq!((far.unfinished().await.len(), far.stored().await.len()), (1, 1));
    assert_eq!(far.rule(ending().status(ExpirationStatus::Disabled)).await, "OK");
    assert_eq!((far.unfinished().await.len(), far.stored().await.len()), (1, 1));
    assert_eq!(far.rule(ending()).await, "OK");
    assert_eq!((far.unfinished().await.len(), far.stored().await.len()), (0, 0));
}
