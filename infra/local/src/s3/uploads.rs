//! Which uploads are unfinished, and which parts they have, in order and by pages.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html>.

use std::{io, path::Path, time::SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use s3s::{
    S3Error, S3Request, S3Response, S3Result,
    dto::{
        ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload,
        Part,
    },
    s3_error,
};
use tokio::{fs, io::AsyncReadExt};

use super::files::{Files, is_absence};

/// The longest page, and how long it is unless somebody says so.
const PAGE: i32 = 1000;
/// How much of a part is in memory at once, in bytes.
const PIECE: usize = 256 * 1024;

/// An upload that was neither completed nor aborted.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Upload {
    pub key: String,
    pub id: String,
    pub since: SystemTime,
}

/// A part as it was uploaded.
pub(super) struct Measured {
    /// The MD5 of its bytes.
    pub e_tag: String,
    pub size: u64,
    modified: SystemTime,
}

impl Files {
    /// The unfinished uploads of a bucket by their keys, and those of one key by their ids.
    pub async fn uploads(&self, bucket: &str) -> S3Result<Vec<Upload>> {
        let prefix = format!("{}object-", Self::of_bucket(bucket));
        let mut uploads = vec![];
        for name in self.names().await? {
            let Some((key, id)) = named(&name, &prefix) else { continue };
            match fs::metadata(self.folder.join(&name)).await.and_then(|found| found.modified()) {
                Ok(since) => uploads.push(Upload { key, id, since }),
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(S3Error::internal_error(error)),
            }
        }
        uploads.sort_unstable();
        Ok(uploads)
    }

    /// The numbers of the parts that were uploaded, ascending.
    pub async fn numbers(&self, id: &str) -> S3Result<Vec<i32>> {
        let prefix = format!(".upload_id-{id}.part-");
        let names = self.names().await?;
        let number = |name: &String| name.strip_prefix(&prefix)?.parse::<i32>().ok();
        let mut numbers: Vec<i32> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// S3 has uploads of one key in the order in which they began; here it is that of their ids, which are what pages
    /// begin after.
    ///
    /// # Errors
    /// `NotImplemented`, 501, of a delimiter.
    pub async fn unfinished(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        if input.delimiter.as_deref().is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(s3_error!(NotImplemented, "A delimiter between keys of uploads"));
        }
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let is_wanted = |upload: &Upload| {
            let comes_after = match (&input.key_marker, &input.upload_id_marker) {
                (None, _) => true,
                (Some(key), None) => upload.key > *key,
                (Some(key), Some(id)) => (&upload.key, &upload.id) > (key, id),
            };
            comes_after && upload.key.starts_with(prefix)
        };
        let mut uploads = self.uploads(&input.bucket).await?;
        uploads.retain(is_wanted);
        let (page, most, is_truncated) = first_of(uploads, input.max_uploads)?;
        let last = page.last().filter(|_| is_truncated);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            is_truncated: Some(is_truncated),
            max_uploads: Some(most),
            next_key_marker: last.map(|upload| upload.key.clone()),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            uploads: Some(page.into_iter().map(MultipartUpload::from).collect()),
            bucket: Some(input.bucket),
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            prefix: input.prefix,
            ..ListMultipartUploadsOutput::default()
        }))
    }

    /// # Errors
    /// `NoSuchUpload`, 404.
    pub async fn parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        self.must_be_unfinished(&input.bucket, &input.key, &input.upload_id)?;
        let mut numbers = self.numbers(&input.upload_id).await?;
        numbers.retain(|number| input.part_number_marker.is_none_or(|marker| *number > marker));
        let (page, most, is_truncated) = first_of(numbers, input.max_parts)?;
        let mut parts = vec![];
        for number in &page {
            match measure(&self.part(&input.upload_id, *number)?).await {
                Ok(measured) => parts.push(measured.numbered(*number)),
                // The upload ended meanwhile.
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(S3Error::internal_error(error)),
            }
        }
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: input.part_number_marker,
            next_part_number_marker: page.last().copied(),
            max_parts: Some(most),
            is_truncated: Some(is_truncated),
            parts: Some(parts),
            ..ListPartsOutput::default()
        }))
    }
}

impl From<Upload> for MultipartUpload {
    fn from(upload: Upload) -> Self {
        Self {
            key: Some(upload.key),
            upload_id: Some(upload.id),
            initiated: Some(upload.since.into()),
            ..Self::default()
        }
    }
}

impl Measured {
    fn numbered(self, number: i32) -> Part {
        Part {
            part_number: Some(number),
            e_tag: Some(ETag::Strong(self.e_tag)),
            size: i64::try_from(self.size).ok(),
            last_modified: Some(self.modified.into()),
            ..Part::default()
        }
    }
}

/// Reads a part, piece by piece.
pub(super) async fn measure(path: &Path) -> io::Result<Measured> {
    let mut file = fs::File::open(path).await?;
    let found = file.metadata().await?;
    let (mut hash, mut piece) = (md5::Context::new(), vec![0; PIECE]);
    loop {
        let length = file.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        hash.consume(piece.get(..length).unwrap_or_default());
    }
    Ok(Measured { e_tag: format!("{:x}", hash.compute()), size: found.len(), modified: found.modified()? })
}

/// Whether a text is an id as `s3s-fs` makes them, a UUID in small letters: nothing else becomes a part of a path.
pub(super) fn is_id(text: &str) -> bool {
    let is_right = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// The key and the id that the name of an upload's file tells, if it is one.
fn named(file: &str, prefix: &str) -> Option<(String, String)> {
    let (key, id) = file.strip_prefix(prefix)?.strip_suffix(".metadata.json")?.split_once(".upload-")?;
    let key = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
    is_id(id).then(|| (key, id.to_owned()))
}

/// The first page of `all`, how long pages are, and whether there is more.
fn first_of<T>(mut all: Vec<T>, most: Option<i32>) -> S3Result<(Vec<T>, i32, bool)> {
    let most = most.unwrap_or(PAGE).min(PAGE);
    let length = usize::try_from(most).map_err(|_negative| s3_error!(InvalidArgument, "A page of negative length"))?;
    let is_truncated = all.len() > length;
    all.truncate(length);
    Ok((all, most, is_truncated))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

    #[test]
    fn only_a_uuid_in_small_letters_is_an_id() {
        assert!(is_id(ID));
        let others = [
            ID.to_uppercase(),
            ID.replace('-', ""),
            ID.replace('0', "g"),
            ID.replace("-89", "/.."),
            format!("{{{ID}}}"),
            format!("{ID}0"),
            String::new(),
            "../../x".to_owned(),
        ];
        for other in others {
            assert!(!is_id(&other), "{other}");
        }
    }

    #[test]
    fn a_name_tells_key_and_id() {
        let prefix = format!("{}object-", Files::of_bucket("bucket"));
        let name = |key: &str, rest: &str| format!("{prefix}{}{rest}", BASE64_URL_SAFE_NO_PAD.encode(key));
        let of_upload = name("a/색.upload-x", &format!(".upload-{ID}.metadata.json"));
        assert_eq!(named(&of_upload, &prefix), Some(("a/색.upload-x".to_owned(), ID.to_owned())));
        for other in [
            name("a", ".metadata.json"),
            name("a", ".upload-x.metadata.json"),
            name("a", &format!(".upload-{ID}.tagging.json")),
        ] {
            assert_eq!(named(&other, &prefix), None, "{other}");
        }
        assert_eq!(named(&of_upload, &format!("{}object-", Files::of_bucket("buckets"))), None);
    }
}
