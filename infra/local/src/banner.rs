//! The one table that is printed when everything answers.

use crate::{controls::Places, data_folder::Ready};

/// The table for a server at `places`. `remarks` are what went less than well.
pub fn table(places: &Places, ready: &Ready, remarks: &[String]) -> String {
    let millis = ready.started_in_millis;
    let api = &places.api;
    let toss = &places.toss;
    let mut rows = vec![
        ("API", format!("{api}/v1"), "real: every deployed endpoint"),
        ("API pages", format!("{api}/docs/"), "from the OpenAPI document, works offline"),
        ("Start page", format!("{api}/"), ""),
        ("Demo shop", format!("{api}/demo"), "log in, buy a seat, pay"),
        ("Controls", format!("{api}/_local"), "move the clock, run the workers, see the queues; local only"),
    ];
    if places.toss_is_sandbox {
        rows.push(("Toss Payments", toss.clone(), "sandbox: no money moves; lists every charge"));
    } else {
        rows.push(("Toss Payments", toss.clone(), "named by TOSS_BASE_URL, with a test key"));
    }
    if places.dynamodb_is_embedded {
        rows.push(("DynamoDB", places.dynamodb.clone(), "embedded: the real wire protocol over a local file"));
    } else {
        rows.push(("DynamoDB", places.dynamodb.clone(), "named by AWS_ENDPOINT_URL_DYNAMODB"));
    }
    if places.s3_is_embedded {
        rows.push(("S3", places.s3.clone(), "embedded: the real wire protocol over a local folder, a private bucket"));
    } else {
        rows.push(("S3", places.s3.clone(), "named by AWS_ENDPOINT_URL_S3"));
    }
    rows.push(("SQS", places.sqs.clone(), "stand-in: the real wire protocol over a local file"));
    rows.push(("CDN", places.cdn.clone(), "stand-in for CloudFront: cache, invalidations, signed URLs; in memory"));
    rows.push(("Data", places.data.clone(), "kept over restarts; --fresh starts anew"));
    for account in &places.accounts {
        rows.push((account.role, account.email.to_owned(), account.password));
    }
    let widths = rows.iter().fold((0, 0), |(first, second), (name, value, _)| {
        (first.max(name.chars().count()), second.max(value.chars().count()))
    });
    let mut text = format!("\n  DevLoop is ready ({}.{:03} s). Ctrl-C stops it.\n\n", millis / 1_000, millis % 1_000);
    for (name, value, note) in rows {
        let line = format!("  {name:<first$}  {value:<second$}  {note}", first = widths.0, second = widths.1);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let remarks = remarks.iter().map(|remark| format!("\n  Note: {remark}\n"));
    remarks.chain(["\n".to_owned()]).for_each(|remark| text.push_str(&remark));
    text
}
