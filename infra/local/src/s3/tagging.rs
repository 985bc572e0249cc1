//! Tags of objects, in a file of their own: `s3s-fs` knows none.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>.

use std::{collections::BTreeSet, path::Path};

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
        PutObjectTaggingInput, PutObjectTaggingOutput, Tag, TagSet,
    },
    s3_error,
};
use url::form_urlencoded;

use super::files::{Files, read, remove};

/// What the file is called that the tags of an object are in.
pub(super) const FILE: &str = "tagging.json";

/// How many tags an object can have.
const MOST: usize = 10;
/// The longest key, in characters.
const LONGEST_KEY: usize = 128;
/// The longest value, in characters.
const LONGEST_VALUE: usize = 256;

impl Files {
    /// # Errors
    /// `NoSuchKey`, 404; `InvalidTag`, 400.
    pub async fn put_tags(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let PutObjectTaggingInput { bucket, key, tagging, .. } = request.input;
        check(&tagging.tag_set)?;
        self.must_be_there(&bucket, &key)?;
        self.keep_tags(&self.of_object(&bucket, &key, FILE), &tagging.tag_set).await?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    /// # Errors
    /// `NoSuchKey`, 404.
    pub async fn tags(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let GetObjectTaggingInput { bucket, key, .. } = request.input;
        self.must_be_there(&bucket, &key)?;
        let tag_set = self.tags_of(&bucket, &key).await?;
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: None }))
    }

    /// # Errors
    /// `NoSuchKey`, 404.
    pub async fn untag(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let DeleteObjectTaggingInput { bucket, key, .. } = request.input;
        self.must_be_there(&bucket, &key)?;
        remove(&self.of_object(&bucket, &key, FILE)).await?;
        Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
    }

    /// What an object is tagged with; none if it is not there.
    pub async fn tags_of(&self, bucket: &str, key: &str) -> S3Result<TagSet> {
        Ok(read(&self.of_object(bucket, key, FILE)).await?.unwrap_or_default())
    }

    /// Puts tags into their file, in place of those that are there.
    pub async fn keep_tags(&self, path: &Path, tags: &[Tag]) -> S3Result<()> {
        if tags.is_empty() { remove(path).await } else { self.write(path, &tags).await }
    }

    fn must_be_there(&self, bucket: &str, key: &str) -> S3Result<()> {
        let there = self.object(bucket, key).map(drop);
        there.ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }
}

/// The tags that come along with an upload: `x-amz-tagging`, written as a form is.
///
/// # Errors
/// `InvalidTag`, 400.
pub(super) fn of_header(header: Option<&str>) -> S3Result<TagSet> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    let tag = |(key, value): (_, _)| Tag { key: Some(key), value: Some(value) };
    let tags: TagSet = pairs.into_owned().map(tag).collect();
    check(&tags)?;
    Ok(tags)
}

fn check(tags: &[Tag]) -> S3Result<()> {
    if tags.len() > MOST {
        return Err(s3_error!(InvalidTag, "Object tags cannot be greater than 10"));
    }
    let mut keys = BTreeSet::new();
    for tag in tags {
        let (key, value) = (tag.key.as_deref().unwrap_or_default(), tag.value.as_deref().unwrap_or_default());
        if !(1..=LONGEST_KEY).contains(&key.chars().count()) {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if !keys.insert(key) {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_a_form() {
        let tags = of_header(Some("kind=a+b&%EC%83%89=%3D&empty")).unwrap();
        let pair = |tag: Tag| (tag.key.unwrap(), tag.value.unwrap());
        let pairs: Vec<(String, String)> = tags.into_iter().map(pair).collect();
        let expected = [("kind", "a b"), ("색", "="), ("empty", "")];
        assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(of_header(None).unwrap().is_empty());
    }

    #[test]
    fn tags_are_few_and_short_and_differ() {
        let one = |key: usize, value: usize| format!("{}={}", "키".repeat(key), "v".repeat(value));
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
        for header in [one(1, 0), one(128, 256), many(10)] {
            assert!(of_header(Some(&header)).is_ok(), "{header}");
        }
        for header in [one(0, 1), one(129, 1), one(1, 257), many(11), "a=1&a=2".to_owned()] {
            assert_eq!(of_header(Some(&header)).unwrap_err().code().as_str(), "InvalidTag", "{header}");
        }
    }
}
