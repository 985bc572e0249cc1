//! Uploaded files in S3: upload URLs, what the bytes are, the public copy and its headers.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html>.

mod bucket;
mod disposition;
mod failure;
mod inspect;

pub use bucket::{Bucket, Connection, Patience, Stat, Upload};
pub use disposition::attachment;
pub use failure::{Changed, Error};
pub use inspect::{Dimensions, LONGEST_SIDE, MOST_PIXELS, Unacceptable, inspect};

use clock::Rng;

/// A new key: `folder`, 128 random bits, and how such files end.
pub fn random_key(rng: &Rng, folder: &str, extension: Option<&str>) -> String {
    let name = hex::encode(rng.bytes::<16>());
    extension.map_or_else(|| format!("{folder}/{name}"), |extension| format!("{folder}/{name}.{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_random_and_end_as_their_type_does() {
        let rng = Rng::from_seed(1);
        let (upload, public) = (random_key(&rng, "uploads", None), random_key(&rng, "profiles", Some("png")));
        assert_eq!((upload.len(), public.len()), ("uploads/".len() + 32, "profiles/".len() + 32 + ".png".len()));
        assert_ne!(random_key(&rng, "uploads", None), upload);
        assert!(public.starts_with("profiles/") && public.strip_suffix(".png").is_some(), "{public}");
    }
}
