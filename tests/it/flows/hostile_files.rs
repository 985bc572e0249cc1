//! Files that are meant to do harm: each is refused, or it is harmless, because it is never decoded here and served under
//! the type that it begins like, as a file to be saved.

use serde_json::json;

use super::attachments::{ask, complete, key_of, wanted};
use crate::{
    app::TestApp,
    files::{chunk, gif, jpeg, pdf, png},
};

/// How far a file comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// No URL: the field and its code.
    NoUrl(&'static str, &'static str),
    /// Looked at and refused.
    Refused(&'static str),
    /// Taken, and served to be saved.
    Saved,
}
use Fate::{NoUrl, Refused, Saved};

const OTHER_TYPE: Fate = Refused("FILE_TYPE_MISMATCH");
const DAMAGED: Fate = Refused("FILE_DAMAGED");
const TOO_LARGE: Fate = Refused("IMAGE_TOO_LARGE");

const PNG: (&str, &str) = ("PROFILE", "image/png");
const JPEG: (&str, &str) = ("PARTY", "image/jpeg");
const GIF: (&str, &str) = ("PWT", "image/gif");
const PDF: (&str, &str) = ("COMMUNITY", "application/pdf");

const HTML: &[u8] = b"<!DOCTYPE html><script>fetch('/v1/users/me')</script>";
const SVG: &[u8] = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0payload.exePK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const PHP: &[u8] = b"<?php system($_GET['c']); ?>";

type Case = (&'static str, (&'static str, &'static str), &'static str, Vec<u8>, Fate);

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The first `length` bytes.
fn cut(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes[..length].to_vec()
}

/// A PNG with chunks between its header and its end.
fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let whole = png(3, 2);
    let (head, tail) = whole.split_at(33);
    [head, &chunks.concat(), tail].concat()
}

/// Two megabytes of zlib that are 317 megabytes of zeros: a literal, then "the last byte 258 times" over and over.
fn bomb() -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (vec![0x78, 0xda], 0_u32, 0_u32);
    // Huffman codes go from their highest bit on.
    let mut push = |code: u32, length: u32| {
        for bit in (0..length).rev() {
            bits |= (code >> bit & 1) << held;
            held += 1;
            if held == 8 {
                bytes.push(u8::try_from(bits).unwrap());
                (bits, held) = (0, 0);
            }
        }
    };
    push(0b110, 3);
    push(0b0011_0000, 8);
    for _ in 0..1_230_000 {
        push(0b1100_0101, 8);
        push(0, 5);
    }
    push(0, 7);
    push(0, 7);
    bytes
}

fn pictures() -> Vec<Case> {
    let whole = png(3, 2);
    let as_png = |name, bytes: &[u8], fate| (name, PNG, "a.png", bytes.to_vec(), fate);
    let mut cases = vec![
        as_png("nothing", b"", NoUrl("size", "RANGE")),
        as_png("one byte too large", &vec![0; 5 * 1024 * 1024 + 1], NoUrl("size", "RANGE")),
        as_png("as large as it may be, and zeros", &vec![0; 5 * 1024 * 1024], OTHER_TYPE),
        as_png("a page", HTML, OTHER_TYPE),
        as_png("a page in UTF-16", &HTML.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<_>>(), OTHER_TYPE),
        as_png("an SVG", SVG, OTHER_TYPE),
        as_png("an SVG behind a byte order mark", &joined(&[b"\xef\xbb\xbf", SVG]), OTHER_TYPE),
        as_png("a script", b"alert(document.domain)", OTHER_TYPE),
        as_png("PHP", PHP, OTHER_TYPE),
        as_png("a shell script", b"#!/bin/sh\nrm -rf /\n", OTHER_TYPE),
        as_png("a program of Windows", b"MZ\x90\0\x03\0\0\0", OTHER_TYPE),
        as_png("a program of Linux", b"\x7fELF\x02\x01\x01", OTHER_TYPE),
        as_png("a ZIP", ZIP, OTHER_TYPE),
        as_png("a JPEG", &jpeg(3, 2), OTHER_TYPE),
        as_png("a GIF", &gif(3, 2), OTHER_TYPE),
        as_png("a PDF", &pdf(b""), OTHER_TYPE),
        as_png("a WebP", b"RIFF\x10\0\0\0WEBPVP8 ", OTHER_TYPE),
        as_png("a BMP", b"BM\x3a\0\0\0\0\0\0\0", OTHER_TYPE),
        as_png("a TIFF", b"II*\0\x08\0\0\0", OTHER_TYPE),
        as_png("an icon", b"\0\0\x01\0\x01\0", OTHER_TYPE),
        as_png("an AVIF", b"\0\0\0\x1cftypavif", OTHER_TYPE),
        as_png("a picture behind a space", &joined(&[b" ", &whole]), OTHER_TYPE),
        as_png("a picture whose line ends were converted", &joined(&[b"\x89PNG\n\x1a\n", &whole[8..]]), DAMAGED),
        as_png("a signature", &whole[..8], DAMAGED),
        as_png("a header", &whole[..33], DAMAGED),
        as_png("cut off among the pixels", &whole[..whole.len() - 20], DAMAGED),
        as_png("without its last byte", &whole[..whole.len() - 1], DAMAGED),
        as_png("with a ZIP behind it", &joined(&[&whole, ZIP]), DAMAGED),
        as_png("with PHP behind it", &joined(&[&whole, PHP]), DAMAGED),
        as_png("with a page behind it", &joined(&[&whole, HTML]), DAMAGED),
        as_png("of 65,535 by 65,535 pixels", &png(65_535, 65_535), TOO_LARGE),
        as_png("of as many pixels as can be said", &png(u32::MAX, u32::MAX), TOO_LARGE),
        as_png("of one endless line", &png(12_001, 1), TOO_LARGE),
        as_png("of no pixels", &png(0, 0), DAMAGED),
        as_png("with a chunk longer than the file", &png_with(&[b"\xff\xff\xff\xfftEXtx".to_vec()]), DAMAGED),
        as_png("with another header", &png_with(&[chunk(*b"IHDR", &[0; 13])]), DAMAGED),
        as_png("with a script in its text", &png_with(&[chunk(*b"tEXt", HTML)]), Saved),
        as_png("with PHP in its palette", &png_with(&[chunk(*b"PLTE", PHP)]), Saved),
        as_png("with a bomb in its text", &png_with(&[chunk(*b"zTXt", &joined(&[b"a\0\0", &bomb()]))]), Saved),
    ];
    let as_jpeg = |name, bytes: &[u8], fate| (name, JPEG, "a.jpg", bytes.to_vec(), fate);
    let shot = jpeg(3, 2);
    cases.extend([
        as_jpeg("a PNG as a JPEG", &whole, OTHER_TYPE),
        as_jpeg("a page as a JPEG", HTML, OTHER_TYPE),
        as_jpeg("the beginning of a JPEG", b"\xff\xd8\xff", DAMAGED),
        as_jpeg("a JPEG without its end", &cut(&shot, shot.len() - 1), DAMAGED),
        as_jpeg("a JPEG without a frame", &joined(&[&shot[..20], b"\xff\xda\0\x02\xff\xd9"]), DAMAGED),
        as_jpeg("a JPEG that ends before it begins", &joined(&[&shot[..33], b"\xff\xd9"]), DAMAGED),
        as_jpeg("a JPEG of 65,535 by 65,535 pixels", &jpeg(65_535, 65_535), TOO_LARGE),
        as_jpeg("a JPEG of no pixels", &jpeg(0, 0), DAMAGED),
        as_jpeg("a JPEG with a ZIP behind it", &joined(&[&shot, ZIP]), Saved),
        as_jpeg("a JPEG with a page behind it", &joined(&[&shot, HTML]), Saved),
        as_jpeg("a JPEG with PHP in a comment", &joined(&[&shot[..2], b"\xff\xfe\0\x1e", PHP, &shot[2..]]), Saved),
    ]);
    cases
}

fn moving_pictures() -> Vec<Case> {
    let as_gif = |name, bytes: &[u8], fate| (name, GIF, "a.gif", bytes.to_vec(), fate);
    let whole = gif(3, 2);
    vec![
        as_gif("a page as a GIF", HTML, OTHER_TYPE),
        as_gif("a film as a GIF", b"\0\0\0\x18ftypmp42", OTHER_TYPE),
        as_gif("a page that begins like a GIF", b"GIF<html><script>alert(1)</script>;", DAMAGED),
        as_gif("a page behind the signature of a GIF", b"GIF89a<script>alert(1)</script>;", TOO_LARGE),
        as_gif("a script that is a GIF of many pixels", b"GIF89a=1;alert(document.domain);", TOO_LARGE),
        as_gif("a script that is a GIF of few pixels", b"GIF89a/*\x01\0\0\0\0*/=1;alert(document.domain);", Saved),
        as_gif("a GIF without its end", &cut(&whole, whole.len() - 1), DAMAGED),
        as_gif("the signature of a GIF", b"GIF89a", DAMAGED),
        as_gif("a GIF of 65,535 by 65,535 pixels", &gif(u16::MAX, u16::MAX), TOO_LARGE),
        as_gif("a GIF of no pixels", &gif(0, 0), DAMAGED),
    ]
}

fn documents() -> Vec<Case> {
    let as_pdf = |name, bytes: &[u8], fate| (name, PDF, "a.pdf", bytes.to_vec(), fate);
    let open = b"2 0 obj << /OpenAction << /S /JavaScript /JS (app.launchURL('https://evil.example')) >> >> endobj";
    vec![
        as_pdf("a page as a PDF", HTML, OTHER_TYPE),
        as_pdf("a ZIP as a PDF", ZIP, OTHER_TYPE),
        as_pdf("almost the beginning of a PDF", b"%PDF 1.7 %%EOF", OTHER_TYPE),
        as_pdf("a PDF behind a page", &joined(&[HTML, &pdf(b"")]), OTHER_TYPE),
        as_pdf("a PDF behind a ZIP", &joined(&[ZIP, &pdf(b"")]), OTHER_TYPE),
        as_pdf("the beginning of a PDF", b"%PDF-1.7\n", DAMAGED),
        as_pdf("a ZIP behind the beginning of a PDF", &joined(&[b"%PDF-1.7\n", ZIP]), DAMAGED),
        as_pdf("a PDF whose end is not at its end", &joined(&[&pdf(b""), &[b' '; 2_000]]), DAMAGED),
        as_pdf("a ZIP in the clothes of a PDF", &pdf(ZIP), Saved),
        as_pdf("a PDF with a script", &pdf(open), Saved),
        as_pdf("a PDF that starts a program", &pdf(b"3 0 obj << /S /Launch /F (cmd.exe) >> endobj"), Saved),
        as_pdf("a PDF with a page in it", &pdf(HTML), Saved),
        as_pdf(
            "a PDF with a bomb in it",
            &pdf(&joined(&[b"4 0 obj << /Filter /FlateDecode >> stream\n", &bomb(), b"\nendstream endobj"])),
            Saved,
        ),
    ]
}

fn names_and_types() -> Vec<Case> {
    let whole = png(3, 2);
    vec![
        ("an SVG that says so", ("PWT", "image/svg+xml"), "a.svg", SVG.to_vec(), NoUrl("contentType", "NOT_A_CHOICE")),
        ("a page that says so", ("PWT", "text/html"), "a.html", HTML.to_vec(), NoUrl("contentType", "NOT_A_CHOICE")),
        ("a GIF for a profile", ("PROFILE", "image/gif"), "a.gif", gif(1, 1), NoUrl("contentType", "TYPE_NOT_TAKEN")),
        ("another extension", PNG, "a.jpg", whole.clone(), NoUrl("fileName", "EXTENSION")),
        ("two extensions, the last of a page", PNG, "a.png.html", whole.clone(), NoUrl("fileName", "EXTENSION")),
        ("two extensions, the last of a picture", PNG, "a.html.png", HTML.to_vec(), OTHER_TYPE),
        ("a picture with two extensions", PNG, "a.php.png", whole.clone(), Saved),
        (
            "an extension that is turned around",
            PNG,
            "a\u{202e}gnp.exe",
            whole.clone(),
            NoUrl("fileName", "NOT_A_FILE_NAME"),
        ),
        ("a name that leaves its folder", PNG, "../../a.png", whole.clone(), NoUrl("fileName", "NOT_A_FILE_NAME")),
        ("a name that ends its header", PNG, "a\";x=\".png", whole, Saved),
    ]
}

#[tokio::test]
async fn each_hostile_file_is_refused_or_harmless() {
    let app = TestApp::start().await;
    let mut kim = app.sign_up("kim").await;
    let cases = [pictures(), moving_pictures(), documents(), names_and_types()].concat();
    assert!(cases.len() >= 50, "{}", cases.len());
    let mut kept = app.objects.keys();
    for (n, (what, (purpose, content_type), name, bytes, fate)) in cases.into_iter().enumerate() {
        if n % 10 == 0 {
            app.clock.advance(60_000);
            kim = app.log_in(&kim).await;
        }
        let asked = ask(&app, &kim, &wanted(purpose, name, content_type, bytes.len())).await;
        if let NoUrl(field, code) = fate {
            let problem = asked.refused(400, "VALIDATION_FAILED");
            let told = json!([problem["errors"][0]["field"], problem["errors"][0]["code"]]);
            assert_eq!(told, json!([field, code]), "{what}");
            continue;
        }
        let asked = asked.expect(201);
        assert_eq!(app.upload(&asked, &bytes).await.status, 200, "{what}");
        let reply = complete(&app, &kim, &asked).await;
        if let Refused(code) = fate {
            assert_eq!((reply.status, &reply.body["code"]), (422, &json!(code)), "{what}");
        } else {
            assert_eq!(reply.status, 200, "{what}: {}", reply.body);
            let key = key_of(&reply.body["url"]);
            let served = app.objects.served(&key).await.unwrap();
            assert_eq!(served.content_type, content_type, "{what}");
            assert!(served.disposition.starts_with("attachment; filename=\""), "{what}: {}", served.disposition);
            assert!(served.bytes == bytes, "{what}");
            kept.push(key);
        }
        kept.sort_unstable();
        assert_eq!(app.objects.keys(), kept, "{what}");
    }
}
