//! What bytes are, without decoding them: nothing here grows with what a file claims to hold.
//!
//! Whoever opens such a file elsewhere may still be in for something: it is served as a file to be
//! saved, under a type that it begins like, and never as a page.

use domain::attachments::FileType;

/// More pixels than any camera in use makes: decoded, they would take 200 MB.
pub const MOST_PIXELS: u64 = 50_000_000;
/// The longest side of a picture.
pub const LONGEST_SIDE: u64 = 12_000;
/// Readers of PDF look for its end here (ISO 32000-1, annex H.3, note 18).
const END_OF_PDF: usize = 1_024;

/// How large a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Why bytes are not taken for what they are said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// They begin like something else.
    #[error("not of the declared type")]
    AnotherType,
    /// They begin right, but are not whole, or say nothing of their size.
    #[error("not a whole file of its type")]
    Damaged,
    /// They would be too many pixels.
    #[error("a picture of {0} by {1} pixels")]
    TooLarge(u64, u64),
}

/// One look at bytes.
type Look = fn(&[u8]) -> bool;

/// Whether `bytes` are a whole file of `file_type`, and how large a picture they are.
pub fn inspect(bytes: &[u8], file_type: FileType) -> Result<Option<Dimensions>, Unacceptable> {
    let (begins_right, is_whole): (Look, Look) = match file_type {
        FileType::Jpeg => (infer::image::is_jpeg, jpeg_is_whole),
        FileType::Png => (infer::image::is_png, png_is_whole),
        FileType::Gif => (infer::image::is_gif, gif_is_whole),
        FileType::Pdf => (is_pdf, pdf_is_whole),
    };
    if !begins_right(bytes) {
        return Err(Unacceptable::AnotherType);
    }
    let dimensions = file_type.is_image().then(|| dimensions(bytes)).transpose()?;
    // After the size: a bomb is called one, whatever else is wrong with it.
    if is_whole(bytes) { Ok(dimensions) } else { Err(Unacceptable::Damaged) }
}

fn dimensions(bytes: &[u8]) -> Result<Dimensions, Unacceptable> {
    let size = imagesize::blob_size(bytes).map_err(|_not_told| Unacceptable::Damaged)?;
    let wide = |side: usize| u64::try_from(side).unwrap_or(u64::MAX);
    let (width, height) = (wide(size.width), wide(size.height));
    if width == 0 || height == 0 {
        return Err(Unacceptable::Damaged);
    }
    if width.max(height) > LONGEST_SIDE || width.saturating_mul(height) > MOST_PIXELS {
        return Err(Unacceptable::TooLarge(width, height));
    }
    let narrow = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
    Ok(Dimensions { width: narrow(width), height: narrow(height) })
}

/// It says so at once: readers would forgive up to a kilobyte before it, in which something else could stand.
fn is_pdf(bytes: &[u8]) -> bool {
    infer::archive::is_pdf(bytes) && bytes.starts_with(b"%PDF-")
}

fn pdf_is_whole(bytes: &[u8]) -> bool {
    let end = bytes.get(bytes.len().saturating_sub(END_OF_PDF)..).unwrap_or(bytes);
    contains(end, b"%%EOF")
}

/// Chunk by chunk from its header to its end, with nothing behind that.
fn png_is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(8..).unwrap_or_default();
    let mut is_first = true;
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        if is_first != (kind == *b"IHDR") {
            return false;
        }
        is_first = false;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        // Its checksum is four bytes more.
        let Some(after) = tail.get(length.saturating_add(4)..) else { return false };
        if kind == *b"IEND" {
            return after.is_empty();
        }
        rest = after;
    }
    false
}

/// A scan, and an end of the image behind it; cameras append things of their own.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let scan = bytes.windows(2).position(|two| two == [0xff, 0xda]);
    scan.and_then(|scan| bytes.get(scan..)).is_some_and(|rest| contains(rest, &[0xff, 0xd9]))
}

/// Its trailer is its last byte but for zeros, which some programs append.
fn gif_is_whole(bytes: &[u8]) -> bool {
    bytes.iter().rfind(|byte| **byte != 0) == Some(&b';')
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length, kind.as_slice(), data, &[0; 4]].concat()
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let header = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", b"x"), chunk(*b"IEND", b"")].concat()
    }

    fn gif(width: u16, height: u16) -> Vec<u8> {
        [b"GIF89a".as_slice(), &width.to_le_bytes(), &height.to_le_bytes(), &[0, 0, 0, b';']].concat()
    }

    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let (height, width) = (height.to_be_bytes(), width.to_be_bytes());
        let frame = [[0xff, 0xc0, 0, 11, 8].as_slice(), &height, &width, &[1, 1, 0x11, 0]].concat();
        [b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".as_slice(), &frame, b"\xff\xda\0\x02x\xff\xd9"]
            .concat()
    }

    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n";

    #[test]
    fn whole_files_are_told_with_their_size() {
        let size = |width, height| Ok(Some(Dimensions { width, height }));
        assert_eq!(inspect(&png(640, 480), FileType::Png), size(640, 480));
        assert_eq!(inspect(&gif(1, 2), FileType::Gif), size(1, 2));
        assert_eq!(inspect(&jpeg(4_000, 3_000), FileType::Jpeg), size(4_000, 3_000));
        assert_eq!(inspect(PDF, FileType::Pdf), Ok(None));
    }

    #[test]
    fn a_file_of_one_type_is_none_of_another() {
        let files = [
            (FileType::Png, png(1, 1)),
            (FileType::Gif, gif(1, 1)),
            (FileType::Jpeg, jpeg(1, 1)),
            (FileType::Pdf, PDF.to_vec()),
        ];
        for (file_type, bytes) in &files {
            for (other, _) in files.iter().filter(|(other, _)| other != file_type) {
                assert_eq!(inspect(bytes, *other), Err(Unacceptable::AnotherType), "{file_type:?} as {other:?}");
            }
        }
    }

    #[test]
    fn a_bomb_is_known_by_what_it_claims() {
        for (width, height) in [(65_535, 65_535), (12_001, 1), (1, 12_001), (8_000, 7_000), (u32::MAX, u32::MAX)] {
            let refused = Unacceptable::TooLarge(width.into(), height.into());
            assert_eq!(inspect(&png(width, height), FileType::Png), Err(refused), "{width} by {height}");
        }
        assert_eq!(inspect(&gif(u16::MAX, u16::MAX), FileType::Gif), Err(Unacceptable::TooLarge(65_535, 65_535)));
        inspect(&png(8_000, 6_250), FileType::Png).unwrap();
        assert_eq!(inspect(&png(0, 5), FileType::Png), Err(Unacceptable::Damaged));
    }

    #[test]
    fn what_was_cut_off_anywhere_is_not_whole() {
        let files = [(FileType::Png, png(3, 3)), (FileType::Jpeg, jpeg(3, 3)), (FileType::Gif, gif(3, 3))];
        for (file_type, bytes) in files.into_iter().chain([(FileType::Pdf, PDF.to_vec())]) {
            // A newline behind the end of a PDF is not needed.
            for end in 0..bytes.len() - 1 {
                assert!(inspect(&bytes[..end], file_type).is_err(), "{file_type:?} of {end} bytes");
            }
        }
        let behind = [png(3, 3), b"PK\x03\x04".to_vec()].concat();
        assert_eq!(inspect(&behind, FileType::Png), Err(Unacceptable::Damaged));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_told_of_and_never_panic(
            begin in prop::sample::select(vec![b"GIF89a".to_vec(), b"\x89PNG\r\n\x1a\n".to_vec(), b"\xff\xd8\xff".to_vec(), b"%PDF-".to_vec(), vec![]]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [begin, rest].concat();
            for file_type in [FileType::Jpeg, FileType::Png, FileType::Gif, FileType::Pdf] {
                if let Ok(Some(told)) = inspect(&bytes, file_type) {
                    prop_assert!(u64::from(told.width) * u64::from(told.height) <= MOST_PIXELS);
                }
            }
        }
    }
}
