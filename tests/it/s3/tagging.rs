//! Tags of objects.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, Tag, Tagging, TaggingDirective},
};

use super::{Far, code};

impl Far {
    async fn tag(&self, key: &str, tags: &[(&str, &str)]) -> String {
        let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build().unwrap();
        let tags = Tagging::builder().set_tag_set(Some(tags.iter().map(tag).collect())).build().unwrap();
        code(self.client.put_object_tagging().bucket(&self.name).key(key).tagging(tags).send().await)
    }

    /// By their keys.
    async fn tags(&self, key: &str) -> Vec<(String, String)> {
        let found = self.client.get_object_tagging().bucket(&self.name).key(key).send().await.unwrap();
        let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
        let mut tags: Vec<_> = found.tag_set().iter().map(pair).collect();
        tags.sort_unstable();
        tags
    }

    async fn untag(&self, key: &str) -> String {
        code(self.client.delete_object_tagging().bucket(&self.name).key(key).send().await)
    }

    async fn put_tagged(&self, key: &str, tags: &str) {
        let put = self.client.put_object().bucket(&self.name).key(key).tagging(tags);
        put.body(ByteStream::from_static(b"12345")).send().await.unwrap();
    }
}

fn pairs<const N: usize>(tags: [(&str, &str); N]) -> Vec<(String, String)> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[tokio::test]
async fn an_object_is_tagged_anew_and_untagged() {
    let far = Far::new().await;
    let key = far.key();
    far.object(&key, b"12345").await;
    assert_eq!(far.tags(&key).await, pairs([]));
    assert_eq!(far.tag(&key, &[("size", "big"), ("kind", "")]).await, "OK");
    assert_eq!(far.tags(&key).await, pairs([("kind", ""), ("size", "big")]));
    assert_eq!(far.tag(&key, &[("색", "파랑")]).await, "OK");
    assert_eq!(far.tags(&key).await, pairs([("색", "파랑")]));
    assert_eq!(far.untag(&key).await, "OK");
    assert_eq!(far.tags(&key).await, pairs([]));
    assert!(far.bucket.stat(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_not_there_has_no_tags() {
    let far = Far::new().await;
    let key = far.key();
    let get = far.client.get_object_tagging().bucket(&far.name).key(&key).send().await;
    let answers = [far.tag(&key, &[("kind", "photo")]).await, code(get), far.untag(&key).await];
    assert_eq!(answers, ["NoSuchKey"; 3]);
}

#[tokio::test]
async fn tags_are_few_and_short_and_differ() {
    let far = Far::new().await;
    let key = far.key();
    far.object(&key, b"12345").await;
    let [name, value, long_name, long_value] = [128, 256, 129, 257].map(|length| "k".repeat(length));
    let longest = (name.as_str(), value.as_str());
    assert_eq!(far.tag(&key, &[longest]).await, "OK");
    let twice = vec![("kind", "photo"), ("kind", "video")];
    for refused in [twice, vec![(long_name.as_str(), "")], vec![("kind", long_value.as_str())]] {
        assert_eq!(far.tag(&key, &refused).await, "InvalidTag", "{refused:?}");
    }
    let names: Vec<String> = (0..11).map(|number| format!("k{number:02}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
    // It has another code at Amazon's than its documentation has.
    assert_ne!(far.tag(&key, &many).await, "OK");
    assert_eq!(far.tags(&key).await, pairs([longest]));
    assert_eq!(far.tag(&key, &many[..10]).await, "OK");
}

#[tokio::test]
async fn tags_come_with_an_object_and_go_with_it() {
    let far = Far::new().await;
    let key = far.key();
    let read = |key: &str| far.client.get_object().bucket(&far.name).key(key).send();
    far.put_tagged(&key, "kind=photo&size=very%20big").await;
    assert_eq!(far.tags(&key).await, pairs([("kind", "photo"), ("size", "very big")]));
    far.put_tagged(&key, "kind=video").await;
    assert_eq!(far.tags(&key).await, pairs([("kind", "video")]));
    far.object(&key, b"12345").await;
    assert_eq!(far.tags(&key).await, pairs([]));
    far.put_tagged(&key, "kind=photo").await;
    far.bucket.delete(&key).await.unwrap();
    assert_eq!(code(read(&key).await), "NoSuchKey");
    far.object(&key, b"12345").await;
    assert_eq!(far.tags(&key).await, pairs([]));
}

#[tokio::test]
async fn a_copy_has_the_tags_of_its_source_or_its_own() {
    let far = Far::new().await;
    let (source, key) = (far.key(), far.key());
    far.put_tagged(&source, "kind=photo").await;
    let copy = || {
        let copy = far.client.copy_object().bucket(&far.name).key(&key);
        copy.copy_source(format!("{}/{source}", far.name))
    };
    copy().send().await.unwrap();
    assert_eq!(far.tags(&key).await, pairs([("kind", "photo")]));
    copy().tagging_directive(TaggingDirective::Replace).tagging("kind=copy").send().await.unwrap();
    assert_eq!(far.tags(&key).await, pairs([("kind", "copy")]));
    copy().tagging_directive(TaggingDirective::Replace).send().await.unwrap();
    assert_eq!(far.tags(&key).await, pairs([]));
    assert_eq!(far.tags(&source).await, pairs([("kind", "photo")]));
}

#[tokio::test]
async fn an_upload_in_parts_brings_its_tags() {
    let far = Far::new().await;
    let key = far.key();
    far.put_tagged(&key, "kind=first&size=big").await;
    let create = far.client.create_multipart_upload().bucket(&far.name).key(&key).tagging("kind=second");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let upload = far.client.upload_part().bucket(&far.name).key(&key).upload_id(&id).part_number(1);
    let e_tag = upload.body(ByteStream::from_static(b"part")).send().await.unwrap().e_tag.unwrap();
    assert_eq!(far.tags(&key).await, pairs([("kind", "first"), ("size", "big")]));
    let part = CompletedPart::builder().part_number(1).e_tag(e_tag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = far.client.complete_multipart_upload().bucket(&far.name).key(&key).upload_id(&id);
    complete.multipart_upload(parts).send().await.unwrap();
    assert_eq!(far.tags(&key).await, pairs([("kind", "second")]));
}
