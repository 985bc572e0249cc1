//! Uploads in parts.

use std::slice;

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumMode, CompletedMultipartUpload, CompletedPart, MultipartUpload, Part},
};
use bytes::Bytes;

use super::{Far, code};

/// The least that a part has which is not the last.
const PART: usize = 5 * 1024 * 1024;

/// An upload that was begun.
struct Begun<'a> {
    far: &'a Far,
    key: &'a str,
    id: String,
}

impl<'a> Begun<'a> {
    async fn new(far: &'a Far, key: &'a str) -> Self {
        let create = far.client.create_multipart_upload().bucket(&far.name).key(key);
        let created = create.content_type("image/png").metadata("color", "blue").send().await.unwrap();
        Self { far, key, id: created.upload_id().unwrap().to_owned() }
    }

    /// The same with another id.
    fn with_id(&self, id: &str) -> Self {
        Self { id: id.to_owned(), ..*self }
    }

    async fn part(&self, number: i32, bytes: Vec<u8>) -> CompletedPart {
        let upload = self.far.client.upload_part().bucket(&self.far.name).key(self.key).upload_id(&self.id);
        let uploaded = upload.part_number(number).body(ByteStream::from(bytes)).send().await.unwrap();
        CompletedPart::builder().part_number(number).e_tag(uploaded.e_tag().unwrap()).build()
    }

    async fn try_part(&self) -> String {
        let upload = self.far.client.upload_part().bucket(&self.far.name).key(self.key).upload_id(&self.id);
        code(upload.part_number(1).body(ByteStream::from_static(b"part")).send().await)
    }

    async fn complete(&self, parts: &[CompletedPart]) -> String {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
        let complete = self.far.client.complete_multipart_upload().bucket(&self.far.name).key(self.key);
        code(complete.upload_id(&self.id).multipart_upload(parts).send().await)
    }

    async fn abort(&self) -> String {
        let abort = self.far.client.abort_multipart_upload().bucket(&self.far.name).key(self.key);
        code(abort.upload_id(&self.id).send().await)
    }

    async fn list(&self) -> String {
        let list = self.far.client.list_parts().bucket(&self.far.name).key(self.key).upload_id(&self.id);
        code(list.send().await)
    }
}

/// A part that nobody uploaded.
fn made_up(number: i32) -> CompletedPart {
    CompletedPart::builder().part_number(number).e_tag("\"d41d8cd98f00b204e9800998ecf8427e\"").build()
}

fn bare(e_tag: &str) -> &str {
    e_tag.trim_matches('"')
}

fn named(uploads: &[MultipartUpload]) -> Vec<(&str, &str)> {
    uploads.iter().map(|upload| (upload.key().unwrap(), upload.upload_id().unwrap())).collect()
}

#[tokio::test]
async fn an_upload_in_two_parts_is_read_back_whole() {
    let far = Far::new().await;
    let key = far.key();
    let begun = Begun::new(&far, &key).await;
    let first = b"0123456789".repeat(PART / 10 + 1);
    let two = begun.part(2, b"end".to_vec()).await;
    let one = begun.part(1, first.clone()).await;
    assert_eq!(far.bucket.stat(&key).await.unwrap(), None);
    assert_eq!(begun.complete(&[one, two]).await, "OK");
    let served = far.client.get_object().bucket(&far.name).key(&key).send().await.unwrap();
    assert_eq!(served.content_type(), Some("image/png"));
    assert_eq!(served.metadata().unwrap()["color"], "blue");
    assert!(served.e_tag().unwrap().ends_with("-2\""), "{:?}", served.e_tag());
    let whole = served.body.collect().await.unwrap().into_bytes();
    assert!(whole == [first, b"end".to_vec()].concat(), "{} bytes", whole.len());
    let listed = far.client.list_objects_v2().bucket(&far.name).send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(keys, [&key]);
}

#[tokio::test]
async fn parts_are_listed_by_number_and_page() {
    let far = Far::new().await;
    let key = far.key();
    let begun = Begun::new(&far, &key).await;
    begun.part(1, b"replaced".to_vec()).await;
    let mut parts = vec![];
    for number in [10, 2, 1] {
        parts.insert(0, begun.part(number, vec![b'x'; usize::try_from(number).unwrap()]).await);
    }
    let list = || far.client.list_parts().bucket(&far.name).key(&key).upload_id(&begun.id);
    let whole = list().send().await.unwrap();
    assert_ne!(whole.is_truncated(), Some(true));
    let told = whole.parts().iter().map(|part| (part.part_number(), part.size(), part.e_tag().map(bare)));
    let told: Vec<_> = told.collect();
    let sent = parts.iter().map(|part| (part.part_number(), part.part_number().map(i64::from), part.e_tag().map(bare)));
    let sent: Vec<_> = sent.collect();
    assert_eq!(told, sent);
    let page = list().max_parts(2).send().await.unwrap();
    assert_eq!((page.is_truncated(), page.next_part_number_marker()), (Some(true), Some("2")));
    let rest = list().part_number_marker("2").send().await.unwrap();
    let numbers = |parts: &[Part]| parts.iter().filter_map(Part::part_number).collect::<Vec<_>>();
    assert_eq!((numbers(page.parts()), numbers(rest.parts())), (vec![1, 2], vec![10]));
}

#[tokio::test]
async fn other_parts_than_were_uploaded_are_refused_and_the_upload_goes_on() {
    let far = Far::new().await;
    let key = far.key();
    let begun = Begun::new(&far, &key).await;
    let (one, two) = (begun.part(1, vec![1; PART]).await, begun.part(2, vec![2; PART]).await);
    for (parts, refusal) in [
        (vec![made_up(1), two.clone()], "InvalidPart"),
        (vec![one.clone(), made_up(2)], "InvalidPart"),
        (vec![one.clone(), two.clone(), made_up(3)], "InvalidPart"),
        (vec![two.clone(), one.clone()], "InvalidPartOrder"),
        (vec![one.clone(), one.clone()], "InvalidPartOrder"),
    ] {
        assert_eq!(begun.complete(&parts).await, refusal, "{parts:?}");
        assert_eq!(far.bucket.stat(&key).await.unwrap(), None);
    }
    assert_eq!(begun.complete(&[one, two]).await, "OK");
    assert_eq!(far.bytes(&key).await.len(), 2 * PART);
}

#[tokio::test]
async fn a_part_that_is_too_small_can_be_sent_again() {
    let far = Far::new().await;
    let key = far.key();
    let begun = Begun::new(&far, &key).await;
    let (small, last) = (begun.part(1, vec![1; PART - 1]).await, begun.part(2, vec![2]).await);
    assert_eq!(begun.complete(&[small.clone(), last.clone()]).await, "EntityTooSmall");
    let large = begun.part(1, vec![1; PART]).await;
    assert_eq!(begun.complete(&[small, last.clone()]).await, "InvalidPart");
    assert_eq!(begun.complete(&[large, last]).await, "OK");
    assert_eq!(far.bytes(&key).await.len(), PART + 1);
}

#[tokio::test]
async fn parts_that_are_left_out_are_dropped() {
    let far = Far::new().await;
    let key = far.key();
    let begun = Begun::new(&far, &key).await;
    begun.part(1, b"left out".to_vec()).await;
    let (two, seven) = (begun.part(2, vec![2; PART]).await, begun.part(7, vec![7]).await);
    begun.part(8, b"left out".to_vec()).await;
    assert_eq!(begun.complete(&[two, seven]).await, "OK");
    let whole = far.bytes(&key).await;
    assert!(whole == [vec![2_u8; PART], vec![7]].concat(), "{} bytes", whole.len());
    assert_eq!(begun.list().await, "NoSuchUpload");
    if let Some((_, folder)) = &far.here {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!names.iter().any(|name| name.contains(&begun.id)), "{names:?}");
    }
}

#[tokio::test]
async fn a_part_can_be_copied_from_an_object() {
    let far = Far::new().await;
    let (source, key) = (far.key(), far.key());
    far.object(&source, b"source").await;
    let begun = Begun::new(&far, &key).await;
    let copy = |id: &str| {
        let copy = far.client.upload_part_copy().bucket(&far.name).key(&key).upload_id(id).part_number(1);
        copy.copy_source(format!("{}/{source}", far.name)).send()
    };
    let copied = copy(&begun.id).await.unwrap();
    let e_tag = copied.copy_part_result().unwrap().e_tag().unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(e_tag).build();
    assert_eq!(begun.complete(&[part]).await, "OK");
    assert_eq!(far.bytes(&key).await, Bytes::from_static(b"source"));
    assert_eq!(code(copy(&begun.id).await), "NoSuchUpload");
}

#[tokio::test]
async fn an_upload_that_is_not_there_takes_nothing() {
    let far = Far::new().await;
    let (key, other) = (far.key(), far.key());
    let (begun, aborted) = (Begun::new(&far, &key).await, Begun::new(&far, &key).await);
    assert_eq!(aborted.abort().await, "OK");
    let elsewhere = Begun { key: &other, ..begun.with_id(&begun.id) };
    let unknown = ["00000000-0000-4000-8000-000000000000", "nothing", "../../x"].map(|id| begun.with_id(id));
    for gone in [aborted, elsewhere].iter().chain(&unknown) {
        let (parts, listed) = (gone.complete(&[made_up(1)]).await, gone.list().await);
        let answers = [gone.try_part().await, listed, parts, gone.abort().await];
        assert_eq!(answers, ["NoSuchUpload"; 4], "{}", gone.id);
    }
    // All the while there is one.
    let part = begun.part(1, b"part".to_vec()).await;
    assert_eq!(begun.complete(slice::from_ref(&part)).await, "OK");
    assert_eq!([begun.try_part().await, begun.list().await], ["NoSuchUpload"; 2]);
    // Others answer as they did the first time, for some while.
    if far.here.is_some() {
        assert_eq!(begun.complete(&[part]).await, "NoSuchUpload");
    }
}

#[tokio::test]
async fn unfinished_uploads_are_listed_by_key_prefix_and_page() {
    let far = Far::new().await;
    let mut begun = vec![];
    for key in ["b/1", "a/2", "a/1"] {
        begun.insert(0, Begun::new(&far, key).await);
    }
    let expected: Vec<_> = begun.iter().map(|begun| (begun.key, begun.id.as_str())).collect();
    let list = || far.client.list_multipart_uploads().bucket(&far.name);
    let all = list().send().await.unwrap();
    assert_eq!(named(all.uploads()), expected);
    let now = far.clock.now().unix_seconds();
    let times: Vec<_> = all.uploads().iter().map(|upload| upload.initiated().unwrap().secs()).collect();
    assert!(times.iter().all(|time| (now - time).abs() < 60), "{times:?} {now}");
    assert_eq!(named(list().prefix("a/").send().await.unwrap().uploads()), expected[..2]);
    let page = list().max_uploads(2).send().await.unwrap();
    assert_eq!((named(page.uploads()), page.is_truncated()), (expected[..2].to_vec(), Some(true)));
    assert_eq!(page.next_key_marker(), Some("a/2"));
    let rest = list().key_marker("a/2").send().await.unwrap();
    assert_eq!(named(rest.uploads()), expected[2..]);
    assert_ne!(rest.is_truncated(), Some(true));

    assert_eq!(begun[0].abort().await, "OK");
    let part = begun[2].part(1, b"part".to_vec()).await;
    assert_eq!(begun[2].complete(&[part]).await, "OK");
    assert_eq!(named(list().send().await.unwrap().uploads()), expected[1..2]);
}

#[tokio::test]
async fn the_checksum_of_what_was_replaced_is_gone() {
    let far = Far::new().await;
    let key = far.key();
    let put = far.client.put_object().bucket(&far.name).key(&key).checksum_crc32("y/Q5Jg==");
    put.body(ByteStream::from_static(b"123456789")).send().await.unwrap();
    let begun = Begun::new(&far, &key).await;
    let part = begun.part(1, b"second".to_vec()).await;
    assert_eq!(begun.complete(&[part]).await, "OK");
    // The client compares what it reads with the checksum that comes along.
    let get = far.client.get_object().bucket(&far.name).key(&key).checksum_mode(ChecksumMode::Enabled);
    let read = get.send().await.unwrap();
    assert_ne!(read.checksum_crc32(), Some("y/Q5Jg=="));
    assert_eq!(read.body.collect().await.unwrap().into_bytes(), Bytes::from_static(b"second"));
}
