//! The OpenAPI 3.1 document, made of what the endpoints' signatures say.

use std::collections::BTreeMap;

use domain::refusal::Reason;
use http::StatusCode;
use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::{
        Components, Content, HttpMethod, Info, OpenApi, PathItem, Paths, Ref, RefOr, Required, Response,
        ResponseBuilder, Schema, SecurityRequirement, Tag,
        header::Header,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{AllOfBuilder, ObjectBuilder, SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{DEFAULT_ROUTE, Route, operation::status};

const TOKEN: &str = "accessToken";

/// What one operation reads and answers.
#[derive(Default)]
pub struct Description {
    path: &'static str,
    parameters: Vec<Parameter>,
    body: Option<RefOr<Schema>>,
    answers: BTreeMap<u16, Response>,
    reasons: Vec<Reason>,
    schemas: BTreeMap<String, RefOr<Schema>>,
    needs_token: bool,
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Description").field("path", &self.path).field("reasons", &self.reasons).finish_non_exhaustive()
    }
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

impl Description {
    /// Nothing said yet of an operation on `path`.
    pub fn new(path: &'static str) -> Self {
        Self { path, ..Self::default() }
    }

    /// Every code that it can be refused with, and the status of each.
    pub fn refusals(&self) -> Vec<(u16, &'static str)> {
        self.reasons.iter().map(|reason| (status(reason).as_u16(), reason.code)).collect()
    }

    fn learn<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let mut learned = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut learned);
        self.schemas.extend(learned);
        Ref::from_schema_name(T::name()).into()
    }

    /// An access token is needed.
    pub fn needs_token(&mut self) {
        self.needs_token = true;
    }

    /// It can be refused for these reasons.
    pub fn refuses(&mut self, reasons: &[Reason]) {
        for reason in reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(*reason);
            }
        }
    }

    fn parameter(
        &mut self,
        name: &str,
        place: ParameterIn,
        required: bool,
        schema: RefOr<Schema>,
        about: Option<&str>,
    ) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(if required { Required::True } else { Required::False })
            .schema(Some(schema))
            .description(about);
        self.parameters.push(parameter.build());
    }

    /// The path parameter at `position`.
    pub fn path_parameter<T: ToSchema>(&mut self, position: usize) {
        let schema = self.learn::<T>();
        let names = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let name = names.clone().nth(position).unwrap_or("unknown").to_owned();
        self.parameter(&name, ParameterIn::Path, true, schema, None);
    }

    /// Each field of `T` as a query parameter.
    pub fn query_parameters<T: ToSchema>(&mut self) {
        self.learn::<T>();
        self.schemas.remove(T::name().as_ref());
        if let RefOr::T(Schema::Object(object)) = T::schema() {
            for (name, schema) in object.properties {
                let required = object.required.contains(&name);
                self.parameter(&name, ParameterIn::Query, required, schema, None);
            }
        }
    }

    /// A request header.
    pub fn header_parameter(&mut self, name: &str, required: bool, about: &str) {
        self.parameter(name, ParameterIn::Header, required, text(), Some(about));
    }

    /// A JSON body.
    pub fn body<T: ToSchema>(&mut self) {
        self.body = Some(self.learn::<T>());
    }

    /// It answers `T` as JSON, with these headers beside those of every answer.
    pub fn answers<T: ToSchema>(&mut self, status: StatusCode, about: &str, headers: &[&str]) {
        let schema = self.learn::<T>();
        let content = Content::builder().schema(Some(schema)).build();
        let mut response = ResponseBuilder::new().description(about).content("application/json", content);
        for name in headers {
            response = response.header(*name, Header::new(text()));
        }
        self.answers.insert(status.as_u16(), response.build());
    }

    /// It may answer with a text of another media type, too.
    pub fn answers_text_too(&mut self, status: StatusCode, media_type: &str) {
        let content = Content::builder().schema(Some(text())).build();
        if let Some(response) = self.answers.get_mut(&status.as_u16()) {
            response.content.insert(media_type.to_owned(), content.into());
        }
    }

    /// It answers with a text of this media type.
    pub fn answers_text(&mut self, status: StatusCode, media_type: &str) {
        let content = Content::builder().schema(Some(text())).build();
        let mut response = ResponseBuilder::new().description("OK").content(media_type, content);
        for name in ["ETag", "Cache-Control"] {
            response = response.header(name, Header::new(text()));
        }
        self.answers.insert(status.as_u16(), response.build());
    }

    /// It answers without a body.
    pub fn answers_nothing(&mut self, status: StatusCode, about: &str) {
        self.answers.insert(status.as_u16(), ResponseBuilder::new().description(about).build());
    }

    /// It answers a JSON document whose shape is not ours to say.
    pub fn answers_document(&mut self, status: StatusCode, about: &str) {
        let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::Object));
        let content = Content::builder().schema(Some(Schema::from(object))).build();
        let response = ResponseBuilder::new().description(about).content("application/json", content);
        self.answers.insert(status.as_u16(), response.build());
    }

    fn operation(self, route: &Route) -> (utoipa::openapi::path::Operation, BTreeMap<String, RefOr<Schema>>) {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(route.id))
            .summary(Some(route.summary))
            .tag(tag(route.path))
            .parameters(Some(self.parameters));
        if let Some(body) = self.body {
            let content = Content::builder().schema(Some(body)).build();
            operation = operation.request_body(Some(
                RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build(),
            ));
        }
        if self.needs_token {
            operation = operation.security(SecurityRequirement::new(TOKEN, Vec::<String>::new()));
        }
        for (status, response) in self.answers {
            operation = operation.response(status.to_string(), response);
        }
        let mut by_status = BTreeMap::<u16, Vec<Reason>>::new();
        for reason in self.reasons {
            by_status.entry(status(&reason).as_u16()).or_default().push(reason);
        }
        for (status, reasons) in by_status {
            operation = operation.response(status.to_string(), refusal(status, &reasons));
        }
        (operation.build(), self.schemas)
    }
}

fn tag(path: &str) -> String {
    let parts: Vec<&str> =
        path.split('/').filter(|part| !matches!(*part, "" | "v1" | "admin" | ".well-known")).collect();
    parts.first().map_or("operations", |part| part).to_owned()
}

fn refusal(status: u16, reasons: &[Reason]) -> Response {
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code).collect();
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.clone()));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().property("code", code).required("code"));
    let example = reasons.first().map(|reason| {
        json!({
            "type": format!("urn:devloop:problem:{}", reason.code),
            "title": StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()),
            "status": status,
            "code": reason.code,
            "detail": reason.ko,
            "instance": "/v1/…",
            "requestId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y",
        })
    });
    let content = Content::builder().schema(Some(Schema::from(schema.build()))).example(example).build();
    ResponseBuilder::new().description(codes.join(", ")).content("application/problem+json", content).build()
}

/// The shape of every refusal.
#[derive(ToSchema)]
#[schema(example = json!({
    "type": "urn:devloop:problem:VALIDATION_FAILED", "title": "Bad Request", "status": 400, "code": "VALIDATION_FAILED",
    "detail": "입력값을 확인해 주세요.", "instance": "/v1/pwts", "requestId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y",
    "errors": [{ "field": "title", "code": "LENGTH", "message": "1자 이상 255자 이하여야 합니다." }],
}))]
#[expect(dead_code, reason = "only its schema is used")]
struct Problem {
    #[schema(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    code: String,
    detail: String,
    instance: String,
    #[schema(rename = "requestId")]
    request_id: String,
    errors: Option<Vec<ProblemField>>,
}

/// One refused field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ProblemField {
    field: String,
    code: String,
    message: String,
}

/// The document of these routes.
pub fn document(routes: &[Route]) -> OpenApi {
    let mut schemas = BTreeMap::from([
        ("Problem".to_owned(), <Problem as utoipa::PartialSchema>::schema()),
        ("ProblemField".to_owned(), <ProblemField as utoipa::PartialSchema>::schema()),
    ]);
    let mut items = BTreeMap::<&str, PathItem>::new();
    let mut tags = std::collections::BTreeSet::new();
    for route in routes.iter().filter(|route| route.path != DEFAULT_ROUTE) {
        let (operation, learned) = route.description().operation(route);
        schemas.extend(learned);
        tags.insert(tag(route.path));
        let method = match route.method.as_str() {
            "GET" => HttpMethod::Get,
            "POST" => HttpMethod::Post,
            "PUT" => HttpMethod::Put,
            "PATCH" => HttpMethod::Patch,
            _ => HttpMethod::Delete,
        };
        items.entry(route.path).or_default().merge_operations(PathItem::new(method, operation));
    }
    let mut paths = Paths::new();
    paths.paths.extend(items.into_iter().map(|(path, item)| (path.to_owned(), item)));
    let mut components = Components::new();
    components.schemas.extend(schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    let mut info = Info::new("DevLoop", "1.0.0");
    info.description = Some(
        "개발자 커뮤니티와 학습 플랫폼 DevLoop의 API. Money is an integer of KRW, times are RFC 3339 in UTC, ids are ULIDs."
            .to_owned(),
    );
    let mut document = OpenApi::new(info, paths);
    document.components = Some(components);
    document.tags = Some(tags.into_iter().map(Tag::new).collect());
    document
}
