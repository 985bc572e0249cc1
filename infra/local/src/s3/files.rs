//! What is stored: `s3s-fs` over a folder, with what it leaves open put right.
//!
//! The folder holds one folder for each bucket, and beside them files of `s3s-fs` whose names begin with a dot. What is
//! kept here besides lies among those, under names that it does not know. Times are the times of the files, which are
//! set by the clock that is handed over.

use std::{
    io,
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clock::Clock;
use futures::future::BoxFuture;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, dto, s3_error};
use s3s_fs::FileSystem;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{fs, sync::RwLock};

/// Buckets, objects and uploads.
pub(super) struct Files {
    pub theirs: FileSystem,
    pub folder: PathBuf,
    pub clock: Clock,
    /// Shared by whatever writes, and held alone by what ends things: until a file that was written is given the
    /// clock's time, it has the machine's, and would seem to be of another age.
    pub writing: RwLock<()>,
    drafts: AtomicU64,
}

impl Files {
    pub fn new(theirs: FileSystem, folder: &Path, clock: Clock) -> Self {
        Self { theirs, folder: folder.to_owned(), clock, writing: RwLock::new(()), drafts: AtomicU64::new(0) }
    }

    /// Before anything is asked of a bucket: it is there, and what is over by its rules is gone. By now `s3s` has
    /// refused every name that no bucket can have.
    ///
    /// # Errors
    /// `NoSuchBucket`, 404.
    async fn enter(&self, bucket: &str) -> S3Result<()> {
        if !self.folder.join(bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        }
        self.act_out(bucket).await
    }

    /// The present.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.clock.now().unix_millis()).unwrap_or_default())
    }

    /// Dates a file that was written just now; one that is gone again needs no date.
    pub fn date(&self, path: &Path) -> S3Result<()> {
        let dated = std::fs::File::options().write(true).open(path).and_then(|file| file.set_modified(self.now()));
        dated.or_else(|error| if is_absence(&error) { Ok(()) } else { Err(S3Error::internal_error(error)) })
    }

    /// The file of an object, if there is one.
    pub fn object(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let stays_inside = Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.folder.join(bucket).join(key);
        (stays_inside && path.is_file()).then_some(path)
    }

    /// What the names of all files begin with that are kept of a bucket.
    pub fn of_bucket(bucket: &str) -> String {
        format!(".bucket-{}.", BASE64_URL_SAFE_NO_PAD.encode(bucket))
    }

    /// Where `what` is kept of an object.
    pub fn of_object(&self, bucket: &str, key: &str, what: &str) -> PathBuf {
        let key = BASE64_URL_SAFE_NO_PAD.encode(key);
        self.folder.join(format!("{}object-{key}.{what}", Self::of_bucket(bucket)))
    }

    /// The names of everything beside the buckets, and theirs.
    pub async fn names(&self) -> S3Result<Vec<String>> {
        let mut entries = fs::read_dir(&self.folder).await.map_err(S3Error::internal_error)?;
        let mut names = vec![];
        while let Some(entry) = entries.next_entry().await.map_err(S3Error::internal_error)? {
            names.extend(entry.file_name().into_string().ok());
        }
        Ok(names)
    }

    /// Writes a file that readers find whole or not at all.
    pub async fn write(&self, path: &Path, content: &(impl Serialize + Sync)) -> S3Result<()> {
        let content = serde_json::to_vec(content).map_err(S3Error::internal_error)?;
        // When it opens a folder, `s3s-fs` removes what has such a name.
        let draft = format!(".tmp.ours-{}.internal.part", self.drafts.fetch_add(1, Ordering::Relaxed));
        let draft = self.folder.join(draft);
        fs::write(&draft, content).await.map_err(S3Error::internal_error)?;
        fs::rename(&draft, path).await.map_err(S3Error::internal_error)
    }
}

/// What was written to a file, if it is there.
pub(super) async fn read<T: DeserializeOwned>(path: &Path) -> S3Result<Option<T>> {
    match fs::read(path).await {
        Ok(content) => serde_json::from_slice(&content).map(Some).map_err(S3Error::internal_error),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(S3Error::internal_error(error)),
    }
}

/// Removes a file; it need not be there.
pub(super) async fn remove(path: &Path) -> S3Result<()> {
    match fs::remove_file(path).await {
        Err(error) if !is_absence(&error) => Err(S3Error::internal_error(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// No file has a name that is too long for one.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename)
}

/// What an operation comes to, in the form that `async_trait` gives it.
type Answer<'a, T> = BoxFuture<'a, S3Result<S3Response<T>>>;

/// Operations on buckets that are there, and who answers them.
macro_rules! operations {
    ($($operation:ident($input:ident) -> $output:ident = $($answer:ident).+;)+) => {
        $(
            fn $operation<'life0, 'async_trait>(
                &'life0 self,
                request: S3Request<dto::$input>,
            ) -> Answer<'async_trait, dto::$output>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                Box::pin(async move {
                    self.enter(&request.input.bucket).await?;
                    self.$($answer).+(request).await
                })
            }
        )+
    };
}

impl S3 for Files {
    fn list_buckets<'life0, 'async_trait>(
        &'life0 self,
        request: S3Request<dto::ListBucketsInput>,
    ) -> Answer<'async_trait, dto::ListBucketsOutput>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        self.theirs.list_buckets(request)
    }

    fn create_bucket<'life0, 'async_trait>(
        &'life0 self,
        request: S3Request<dto::CreateBucketInput>,
    ) -> Answer<'async_trait, dto::CreateBucketOutput>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        self.theirs.create_bucket(request)
    }

    operations! {
        head_bucket(HeadBucketInput) -> HeadBucketOutput = theirs.head_bucket;
        get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = theirs.get_bucket_location;
        delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = remove_bucket;
        list_objects(ListObjectsInput) -> ListObjectsOutput = theirs.list_objects;
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = theirs.list_objects_v2;

        head_object(HeadObjectInput) -> HeadObjectOutput = theirs.head_object;
        get_object(GetObjectInput) -> GetObjectOutput = theirs.get_object;
        put_object(PutObjectInput) -> PutObjectOutput = put;
        copy_object(CopyObjectInput) -> CopyObjectOutput = copy;
        delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete;
        delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete_many;

        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = begin;
        upload_part(UploadPartInput) -> UploadPartOutput = take_part;
        upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copy_part;
        complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = complete;
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = abort;
        list_parts(ListPartsInput) -> ListPartsOutput = parts;
        list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = unfinished;

        put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = put_tags;
        get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = tags;
        delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = untag;

        put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
            -> PutBucketLifecycleConfigurationOutput = put_rules;
        get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
            -> GetBucketLifecycleConfigurationOutput = rules;
        delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput = drop_rules;
    }
}
