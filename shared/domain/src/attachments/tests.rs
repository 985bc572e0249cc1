use serde_json::json;

use super::*;

const TYPES: [FileType; 4] = [FileType::Jpeg, FileType::Png, FileType::Gif, FileType::Pdf];

#[test]
fn each_purpose_takes_what_the_product_says() {
    let taken = |purpose: Purpose| TYPES.into_iter().filter(|one| purpose.takes(*one)).collect::<Vec<_>>();
    assert_eq!(taken(Purpose::Profile), [FileType::Jpeg, FileType::Png]);
    for board in [Purpose::Community, Purpose::Party] {
        assert_eq!(taken(board), [FileType::Jpeg, FileType::Png, FileType::Pdf]);
    }
    assert_eq!(taken(Purpose::Pwt), TYPES);
}

#[test]
fn files_of_a_board_are_for_it_and_in_its_folder() {
    for (board, purpose) in [
        (Board::Community, Some((Purpose::Community, "communities"))),
        (Board::Party, Some((Purpose::Party, "parties"))),
        (Board::Pwt, Some((Purpose::Pwt, "pwts"))),
        (Board::Lecture, None),
    ] {
        assert_eq!(Purpose::of_board(board).map(|purpose| (purpose, purpose.folder())), purpose);
    }
    assert_eq!(Purpose::Profile.folder(), "profiles");
}

#[test]
fn a_type_has_one_word_everywhere() {
    for file_type in TYPES {
        assert_eq!(json!(file_type), file_type.media_type());
        assert_eq!(file_type.extensions().first(), Some(&file_type.extension()));
        assert_eq!(file_type.is_image(), file_type.media_type().starts_with("image/"));
    }
}

#[test]
fn a_name_ends_as_its_type_does() {
    let codes = |purpose, file_type, name: &str| {
        let checked = check(purpose, file_type, &name.parse().unwrap());
        checked.err().map_or(vec![], |errors| errors.0.into_iter().map(|error| error.invalid.code).collect())
    };
    for name in ["a.png", "사진.PNG", "a.php.png", ".png"] {
        assert!(codes(Purpose::Profile, FileType::Png, name).is_empty(), "{name}");
    }
    for name in ["a", "png", "a.jpg", "a.png.svg", "a.png ."] {
        assert_eq!(codes(Purpose::Profile, FileType::Png, name), ["EXTENSION"], "{name}");
    }
    assert_eq!(codes(Purpose::Profile, FileType::Gif, "a.png"), ["TYPE_NOT_TAKEN", "EXTENSION"]);
    assert!(codes(Purpose::Pwt, FileType::Jpeg, "a.jpeg").is_empty());
}

#[test]
fn a_size_is_between_one_byte_and_five_mebibytes() {
    for (bytes, fits) in [(0, false), (1, true), (5_242_880, true), (5_242_881, false), (-1, false)] {
        let size = FileSize::parse(bytes).ok();
        assert_eq!(size.map(|size| i64::from(size.bytes())), fits.then_some(bytes), "{bytes}");
    }
}

#[test]
fn only_a_ready_file_of_ones_own_is_used_and_only_for_its_purpose() {
    use AttachmentState::{Pending, Ready, Released, Used};
    for (state, is_own, is_for_this, expected) in [
        (Ready, true, true, Ok(())),
        (Ready, true, false, Err(NotUsable::AnotherPurpose)),
        (Ready, false, true, Err(NotUsable::NotFound)),
        (Used, false, true, Err(NotUsable::NotFound)),
        (Used, true, true, Err(NotUsable::Used)),
        (Pending, true, true, Err(NotUsable::NotReady)),
        (Released, true, true, Err(NotUsable::NotFound)),
    ] {
        assert_eq!(NotUsable::unless(state, is_own, is_for_this), expected, "{state:?} {is_own} {is_for_this}");
    }
}

#[test]
fn what_is_given_up_is_looked_at_when_nobody_can_bring_it_back() {
    let at = Time::from_unix_millis;
    assert_eq!(gone_for_good(at(900_000), at(0)), at(960_000));
    assert_eq!(gone_for_good(at(900_000), at(5_000_000)), at(5_060_000));
}

#[test]
fn a_post_has_up_to_ten_files_each_once() {
    let id = |n: usize| format!("01KB2M3N4P5Q6R7S8T9V0W1X{n:02}");
    let read = |ids: Vec<String>| {
        deserr::deserialize::<AttachmentIds, _, FieldErrors>(json!(ids))
            .map(|ids| ids.as_slice().len())
            .map_err(|errors| errors.0.into_iter().map(|error| (error.field, error.invalid.code)).collect::<Vec<_>>())
    };
    assert_eq!(read(vec![]), Ok(0));
    assert_eq!(read((0..10).map(id).collect()), Ok(10));
    assert_eq!(read((0..11).map(id).collect()), Err(vec![(String::new(), "TOO_MANY")]));
    assert_eq!(read(vec![id(1), id(2), id(1)]), Err(vec![("[2]".to_owned(), "REPEATED")]));
    assert_eq!(read(vec!["x".to_owned()]), Err(vec![("[0]".to_owned(), "NOT_AN_ID")]));
}

#[test]
fn a_file_is_under_its_key_on_the_cdn() {
    for base in ["https://cdn.devloop.kr", "https://cdn.devloop.kr/"] {
        assert_eq!(Cdn::at(base).url("profiles/a.png"), "https://cdn.devloop.kr/profiles/a.png");
    }
}
