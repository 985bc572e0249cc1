//! Uploads in parts: whose they are, and that what is completed is what was uploaded.
//!
//! `s3s-fs` has one file for each upload that is unfinished, `.bucket-….object-….upload-….metadata.json`, and one for
//! each part, `.upload_id-….part-….`. It joins parts without looking at their `ETag`, and has changed much by the time
//! that it finds one too small.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.

use std::path::PathBuf;

use s3s::{
    S3, S3Error, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
        TagSet, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use serde_json::{Map, Value};
use tokio::fs;

use super::{
    files::{Files, is_absence, read, remove},
    tagging,
    uploads::{is_id, measure},
};

/// What every part but the last must have, in bytes.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;
/// The highest number of a part.
const LAST_PART: i32 = 10_000;

impl Files {
    pub async fn begin(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let tags = tagging::of_header(request.input.tagging.as_deref())?;
        let _writing = self.writing.read().await;
        let response = self.theirs.create_multipart_upload(request).await?;
        let id = response.output.upload_id.as_deref().unwrap_or_default();
        self.date(&self.of_upload(&bucket, &key, id, "metadata.json"))?;
        self.keep_tags(&self.of_upload(&bucket, &key, id, tagging::FILE), &tags).await?;
        Ok(response)
    }

    /// # Errors
    /// `NoSuchUpload`, 404; `InvalidArgument`, 400, of a number that parts do not have.
    pub async fn take_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let _writing = self.writing.read().await;
        let input = &request.input;
        self.must_be_unfinished(&input.bucket, &input.key, &input.upload_id)?;
        let path = self.part(&input.upload_id, input.part_number)?;
        let response = self.theirs.upload_part(request).await?;
        self.date(&path)?;
        Ok(response)
    }

    /// # Errors
    /// As those of [`Self::take_part`], and `NoSuchKey`, 404, if there is nothing to copy.
    pub async fn copy_part(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let _writing = self.writing.read().await;
        let input = &request.input;
        self.must_be_unfinished(&input.bucket, &input.key, &input.upload_id)?;
        let path = self.part(&input.upload_id, input.part_number)?;
        let mut response = self.theirs.upload_part_copy(request).await?;
        self.date(&path)?;
        if let Some(result) = &mut response.output.copy_part_result {
            result.last_modified = Some(self.now().into());
        }
        Ok(response)
    }

    /// Joins parts. As long as it is refused nothing changes, and the upload can still be completed.
    ///
    /// Amazon answers for some while as it did the first time, if an upload is completed again; here there is no such
    /// upload any more.
    ///
    /// # Errors
    /// `NoSuchUpload`, 404; `MalformedXML`, 400, of a list without parts; `InvalidPartOrder`, 400; `InvalidPart`, 400,
    /// of a part that was not uploaded, or with another `ETag`; `EntityTooSmall`, 400; `NotImplemented`, 501, of a
    /// condition on parts with gaps between their numbers.
    pub async fn complete(
        &self,
        mut request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let _alone = self.writing.write().await;
        let input = &mut request.input;
        let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
        self.must_be_unfinished(&bucket, &key, &id)?;
        let has_condition = input.if_match.is_some() || input.if_none_match.is_some();
        let parts = input.multipart_upload.as_mut().and_then(|upload| upload.parts.as_mut());
        let Some(parts) = parts.filter(|parts| !parts.is_empty()) else {
            return Err(s3_error!(MalformedXML, "You must specify at least one part"));
        };
        self.check(&id, parts).await?;
        self.close_gaps(&id, parts, has_condition).await?;
        let response = self.theirs.complete_multipart_upload(request).await?;
        self.forget_checksums(&bucket, &key).await?;
        let tags: TagSet = read(&self.of_upload(&bucket, &key, &id, tagging::FILE)).await?.unwrap_or_default();
        self.settle(&bucket, &key, &tags).await?;
        self.end(&bucket, &key, &id).await?;
        Ok(response)
    }

    /// # Errors
    /// `NoSuchUpload`, 404.
    pub async fn abort(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let AbortMultipartUploadInput { bucket, key, upload_id, .. } = request.input;
        let _alone = self.writing.write().await;
        self.must_be_unfinished(&bucket, &key, &upload_id)?;
        self.end(&bucket, &key, &upload_id).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    /// Removes whatever there is of an upload.
    pub async fn end(&self, bucket: &str, key: &str, id: &str) -> S3Result<()> {
        for number in self.numbers(id).await? {
            remove(&self.part(id, number)?).await?;
        }
        remove(&self.folder.join(format!(".upload-{id}.json"))).await?;
        remove(&self.of_upload(bucket, key, id, tagging::FILE)).await?;
        remove(&self.of_upload(bucket, key, id, "metadata.json")).await
    }

    /// An id of another bucket or key is none of this one.
    pub fn must_be_unfinished(&self, bucket: &str, key: &str, id: &str) -> S3Result<()> {
        if is_id(id) && self.of_upload(bucket, key, id, "metadata.json").is_file() {
            return Ok(());
        }
        Err(s3_error!(NoSuchUpload, "The specified multipart upload does not exist"))
    }

    /// The file of a part, there or not.
    pub fn part(&self, id: &str, number: i32) -> S3Result<PathBuf> {
        if (1..=LAST_PART).contains(&number) {
            return Ok(self.folder.join(format!(".upload_id-{id}.part-{number}")));
        }
        Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"))
    }

    fn of_upload(&self, bucket: &str, key: &str, id: &str, what: &str) -> PathBuf {
        self.of_object(bucket, key, &format!("upload-{id}.{what}"))
    }

    async fn check(&self, id: &str, parts: &[CompletedPart]) -> S3Result<()> {
        if !parts.is_sorted_by(|one, next| one.part_number < next.part_number) {
            return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
        }
        for (place, part) in (1..).zip(parts) {
            let path = self.part(id, part.part_number.unwrap_or_default())?;
            let uploaded = match measure(&path).await {
                Ok(uploaded) => Some(uploaded),
                Err(error) if is_absence(&error) => None,
                Err(error) => return Err(S3Error::internal_error(error)),
            };
            let uploaded = uploaded.filter(|uploaded| part.e_tag.as_ref().map(ETag::value) == Some(&*uploaded.e_tag));
            let Some(uploaded) = uploaded else {
                return Err(s3_error!(InvalidPart, "One or more of the specified parts could not be found"));
            };
            if place < parts.len() && uploaded.size < SMALLEST_PART {
                return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
            }
        }
        Ok(())
    }

    /// `s3s-fs` wants parts that are numbered 1, 2, 3; S3 only wants their numbers to ascend.
    async fn close_gaps(&self, id: &str, parts: &mut [CompletedPart], has_condition: bool) -> S3Result<()> {
        let last = parts.last().and_then(|part| part.part_number);
        let has_gaps = last != i32::try_from(parts.len()).ok();
        // Were it not met, the parts would have other numbers than they were uploaded with.
        if has_gaps && has_condition {
            return Err(s3_error!(NotImplemented, "Conditions on parts with gaps between their numbers"));
        }
        for (number, part) in (1..).zip(parts) {
            let uploaded = part.part_number.replace(number).unwrap_or(number);
            if uploaded != number {
                let (from, to) = (self.part(id, uploaded)?, self.part(id, number)?);
                fs::rename(from, to).await.map_err(S3Error::internal_error)?;
            }
        }
        Ok(())
    }

    /// `s3s-fs` leaves the checksums of the object that was there before, and readers would find them wrong.
    async fn forget_checksums(&self, bucket: &str, key: &str) -> S3Result<()> {
        let path = self.of_object(bucket, key, "internal.json");
        let mut kept: Map<String, Value> = read(&path).await?.unwrap_or_default();
        kept.retain(|name, _| name == "e_tag");
        self.write(&path, &kept).await
    }
}
