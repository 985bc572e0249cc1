//! The API in its REST-XML protocol.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    CloudFront, DISTRIBUTION,
    errors::{NAMESPACE, Refused, xml},
    invalidations::Invalidation,
};

/// Far more than the largest batch has.
const LONGEST: usize = 16 * 1024 * 1024;

pub(super) fn router(cloudfront: &CloudFront) -> Router {
    Router::new()
        .route("/2020-05-31/distribution/{distribution}/invalidation", post(create))
        .route("/2020-05-31/distribution/{distribution}/invalidation/{id}", get(find))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(cloudfront.clone())
}

/// `<InvalidationBatch>`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    paths: Paths,
    #[serde(default)]
    caller_reference: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Paths {
    quantity: usize,
    #[serde(default)]
    items: Items,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Items {
    #[serde(default)]
    path: Vec<String>,
}

impl CloudFront {
    fn is_here(distribution: &str) -> Result<(), Refused> {
        if distribution == DISTRIBUTION { Ok(()) } else { Err(Refused::NO_DISTRIBUTION) }
    }

    fn create(&self, distribution: &str, body: &str) -> Result<Invalidation, Refused> {
        Self::is_here(distribution)?;
        let Batch { paths, caller_reference } = quick_xml::de::from_str(body).map_err(|_no_batch| Refused::BODY)?;
        if paths.quantity != paths.items.path.len() {
            return Err(Refused::QUANTITY);
        }
        let id = self.0.ids.token();
        let seconds = self.0.settings.invalidation_seconds;
        self.state(|state, now| state.invalidations.create(id, caller_reference, paths.items.path, now, seconds))
    }

    /// The refusal, with an id as each answer has one.
    fn refuse(&self, refused: &Refused) -> Response {
        refused.response(&self.0.ids.token())
    }
}

async fn create(State(cloudfront): State<CloudFront>, Path(distribution): Path<String>, body: String) -> Response {
    match cloudfront.create(&distribution, &body) {
        Ok(made) => {
            let mut response = xml(StatusCode::CREATED, &told(&made));
            let location = format!("/2020-05-31/distribution/{DISTRIBUTION}/invalidation/{}", made.id);
            if let Ok(location) = HeaderValue::from_str(&location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Err(refused) => cloudfront.refuse(&refused),
    }
}

async fn find(State(cloudfront): State<CloudFront>, Path((distribution, id)): Path<(String, String)>) -> Response {
    let found = CloudFront::is_here(&distribution)
        .and_then(|()| cloudfront.state(|state, now| state.invalidations.find(&id, now)));
    match found {
        Ok(found) => xml(StatusCode::OK, &told(&found)),
        Err(refused) => cloudfront.refuse(&refused),
    }
}

async fn unknown(State(cloudfront): State<CloudFront>) -> Response {
    cloudfront.refuse(&Refused::OPERATION)
}

fn told(invalidation: &Invalidation) -> String {
    let Invalidation { id, reference, paths, created_at, status } = invalidation;
    let items = paths.iter().map(|path| format!("<Path>{}</Path>", quick_xml::escape::escape(path)));
    let items = items.collect::<Vec<_>>().concat();
    format!(
        "<Invalidation xmlns=\"{NAMESPACE}\"><Id>{id}</Id><Status>{status}</Status><CreateTime>{created_at}</CreateTime>\
         <InvalidationBatch><Paths><Quantity>{quantity}</Quantity><Items>{items}</Items></Paths>\
         <CallerReference>{reference}</CallerReference></InvalidationBatch></Invalidation>",
        status = status.as_str(),
        quantity = paths.len(),
        reference = quick_xml::escape::escape(reference),
    )
}
