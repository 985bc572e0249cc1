//! Files to upload, made here: the smallest that are whole.

/// A chunk of a PNG. Its checksum is left out: nobody here looks at it.
pub fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, kind.as_slice(), data, &[0; 4]].concat()
}

/// A PNG that says it is this large.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    png_of(width, height, b"pixels")
}

/// The same, of these pixels.
pub fn png_of(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let header = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", pixels), chunk(*b"IEND", b"")].concat()
}

/// A GIF that says it is this large.
pub fn gif(width: u16, height: u16) -> Vec<u8> {
    [b"GIF89a".as_slice(), &width.to_le_bytes(), &height.to_le_bytes(), &[0, 0, 0, b';']].concat()
}

/// A JPEG that says it is this large.
pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let (height, width) = (height.to_be_bytes(), width.to_be_bytes());
    let frame = [[0xff, 0xc0, 0, 11, 8].as_slice(), &height, &width, &[1, 1, 0x11, 0]].concat();
    let begin = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".as_slice();
    [begin, &frame, b"\xff\xda\0\x02pixels\xff\xd9"].concat()
}

/// A PDF with `inside` between its beginning and its end.
pub fn pdf(inside: &[u8]) -> Vec<u8> {
    let end = b"\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n".as_slice();
    [b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n".as_slice(), inside, end].concat()
}
