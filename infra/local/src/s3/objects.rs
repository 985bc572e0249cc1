//! Writing and deleting objects: what is kept beside their bytes comes and goes with them.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>.

use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        CopyObjectInput, CopyObjectOutput, CopySource, DeleteBucketInput, DeleteBucketOutput, DeleteObjectInput,
        DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, PutObjectInput, PutObjectOutput, Tag,
        TaggingDirective,
    },
};

use super::{
    files::{Files, remove},
    tagging,
};

impl Files {
    pub async fn put(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let tags = tagging::of_header(request.input.tagging.as_deref())?;
        let _writing = self.writing.read().await;
        let response = self.theirs.put_object(request).await?;
        self.settle(&bucket, &key, &tags).await?;
        Ok(response)
    }

    /// The copy has the tags of what is copied, unless the request brings its own.
    pub async fn copy(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = &request.input;
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let brings_tags = input.tagging_directive.as_ref().is_some_and(|how| how.as_str() == TaggingDirective::REPLACE);
        let tags = match &input.copy_source {
            CopySource::Bucket { bucket, key, .. } if !brings_tags => self.tags_of(bucket, key).await?,
            _ => tagging::of_header(input.tagging.as_deref())?,
        };
        let _writing = self.writing.read().await;
        let mut response = self.theirs.copy_object(request).await?;
        self.settle(&bucket, &key, &tags).await?;
        if let Some(result) = &mut response.output.copy_object_result {
            result.last_modified = Some(self.now().into());
        }
        Ok(response)
    }

    /// Dates an object that was just written, and gives it the tags that it has from now on.
    pub async fn settle(&self, bucket: &str, key: &str, tags: &[Tag]) -> S3Result<()> {
        if let Some(path) = self.object(bucket, key) {
            self.date(&path)?;
        }
        self.keep_tags(&self.of_object(bucket, key, tagging::FILE), tags).await
    }

    pub async fn delete(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let tags = self.of_object(&request.input.bucket, &request.input.key, tagging::FILE);
        let response = self.theirs.delete_object(request).await?;
        remove(&tags).await?;
        Ok(response)
    }

    pub async fn delete_many(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = &request.input;
        let tags = |key: &str| self.of_object(bucket, key, tagging::FILE);
        let tags: Vec<_> = delete.objects.iter().map(|object| tags(&object.key)).collect();
        let response = self.theirs.delete_objects(request).await?;
        for tags in tags {
            remove(&tags).await?;
        }
        Ok(response)
    }

    /// A bucket that is made anew under the same name has nothing of this one.
    pub async fn remove_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = request.input.bucket.clone();
        let _alone = self.writing.write().await;
        let response = self.theirs.delete_bucket(request).await?;
        for upload in self.uploads(&bucket).await? {
            self.end(&bucket, &upload.key, &upload.id).await?;
        }
        let prefix = Self::of_bucket(&bucket);
        for name in self.names().await?.iter().filter(|name| name.starts_with(&prefix)) {
            remove(&self.folder.join(name)).await?;
        }
        Ok(response)
    }
}
