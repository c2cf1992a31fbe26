//! The authorization server: metadata, registration, consent without asking, and tokens. A refusal repeats the whole
//! form that was sent, and the header with it.

use std::collections::BTreeMap;

use axum::Json as Body;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::{Value as Json, json};

use super::{AUTHORIZATION_SERVER, REVOCATION, Shared, Told};
use crate::canaries::canary::{
    ACCESS_TOKEN, CODE, Canary, IDENTITY_TOKEN, REFRESH_TOKEN, REGISTERED_CLIENT, STATE, STATEMENT, VERIFIER,
};
use crate::canaries::stage::SENT_TO;

/// Where a link's code and state stand: in the address that the browser itself brought, with which the page goes on.
const ON_THE_WAY: &str = "nobody GET /integrations/personal/linked";

type Fields = BTreeMap<String, String>;

/// Where an integration's authorization server is (RFC 9728).
pub(super) async fn resource(State(shared): State<Shared>, Path(integration): Path<String>) -> Body<Json> {
    Body(json!({
        "resource": format!("{}/{integration}/mcp", shared.base),
        "authorization_servers": [shared.base],
        "scopes_supported": ["listed"],
    }))
}

/// What the authorization server can do (RFC 8414).
pub(super) async fn metadata(State(shared): State<Shared>) -> Body<Json> {
    let base = &shared.base;
    Body(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"),
        "revocation_endpoint": format!("{base}/revoke"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "scopes_supported": ["listed", "offline_access"],
    }))
}

/// Registers a client (RFC 7591).
pub(super) async fn register(State(shared): State<Shared>, Body(asked): Body<Json>) -> Response {
    let mut told = shared.told();
    told.note(AUTHORIZATION_SERVER, &[asked.to_string().as_bytes()]);
    let secret = told.make(REGISTERED_CLIENT, &[&sent_to(AUTHORIZATION_SERVER)]);
    let answer = json!({
        "client_id": "registered",
        "client_secret": secret,
        "redirect_uris": asked["redirect_uris"],
    });
    (StatusCode::CREATED, Body(answer)).into_response()
}

/// A person's browser is here, and the person consents.
pub(super) async fn consent(State(shared): State<Shared>, Query(asked): Query<Fields>) -> Response {
    let mut told = shared.told();
    let state = &asked["state"];
    told.canaries.push(Canary::new(STATE, state, &[ON_THE_WAY, "ana GET /integrations/personal/link"]));
    told.arrived.insert(state.clone());
    let code = told.make(CODE, &[ON_THE_WAY, &sent_to(AUTHORIZATION_SERVER)]);
    told.codes.insert(code.clone());
    let back = [("code", code.as_str()), ("state", state.as_str()), ("iss", shared.base.as_str())];
    let back = Url::parse_with_params(&asked["redirect_uri"], back).unwrap();
    (StatusCode::SEE_OTHER, [("location", back.to_string())]).into_response()
}

/// Gives tokens.
pub(super) async fn token(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    let form = fields(&body);
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let mut told = shared.told();
    told.note(AUTHORIZATION_SERVER, &[authorization.as_bytes(), b" ", body.as_bytes()]);
    let learned = [
        Canary::new(VERIFIER, &field("code_verifier"), &[&sent_to(AUTHORIZATION_SERVER)]),
        Canary::token(STATEMENT, &field("subject_token"), &[&sent_to(AUTHORIZATION_SERVER)]),
    ];
    for canary in learned.into_iter().filter(|canary| !canary.value.is_empty()) {
        told.arrived.insert(canary.value.clone());
        told.canaries.push(canary);
    }
    let shown = [field("client_secret"), secret_of(authorization), field("code"), field("refresh_token")];
    told.arrived.extend(shown);
    let integration = field("resource").rsplit('/').nth(1).unwrap_or_default().to_owned();
    let good = match field("grant_type").rsplit(':').next().unwrap_or_default() {
        "client_credentials" | "token-exchange" => Some(false),
        "authorization_code" => told.codes.remove(&field("code")).then_some(true),
        "refresh_token" => told.refresh_tokens.remove(&field("refresh_token")).then_some(true),
        _ => None,
    };
    match good.filter(|_| !told.refuses_grants) {
        Some(refreshes) => Body(told.grant(&integration, refreshes)).into_response(),
        None => {
            let said = format!("no: {authorization} {body} {form:?}");
            let address = format!("{}/errors?{body}", shared.base);
            let answer = json!({ "error": "invalid_grant", "error_description": said, "error_uri": address });
            (StatusCode::BAD_REQUEST, Body(answer)).into_response()
        }
    }
}

/// Ends tokens (RFC 7009), or repeats what it was sent.
pub(super) async fn revoke(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    let mut told = shared.told();
    told.note(REVOCATION, &[authorization.as_bytes(), b" ", body.as_bytes()]);
    if told.refuses_grants {
        let said = format!("no: {authorization} {body}");
        let answer = json!({ "error": said, "error_description": said });
        return (StatusCode::BAD_REQUEST, Body(answer)).into_response();
    }
    told.revocations += 1;
    StatusCode::OK.into_response()
}

impl Told {
    fn grant(&mut self, integration: &str, refreshes: bool) -> Json {
        let access = self.make(ACCESS_TOKEN, &[&sent_to(integration), &sent_to(REVOCATION)]);
        self.tokens.insert(access.clone());
        let mut answer =
            json!({ "access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": "listed" });
        if refreshes {
            let refresh = self.make(REFRESH_TOKEN, &[&sent_to(AUTHORIZATION_SERVER)]);
            self.refresh_tokens.insert(refresh.clone());
            let identity = self.make(IDENTITY_TOKEN, &[]);
            // It is for Writ, which has no use for it.
            self.arrived.insert(identity.clone());
            answer["refresh_token"] = json!(refresh);
            answer["id_token"] = json!(identity);
        }
        answer
    }
}

fn sent_to(whom: &str) -> String {
    format!("{SENT_TO}{whom}")
}

/// A form's fields.
fn fields(form: &str) -> Fields {
    Url::parse(&format!("http://fake/?{form}")).unwrap().query_pairs().into_owned().collect()
}

/// The secret in a header of RFC 6749, section 2.3.1.
fn secret_of(authorization: &str) -> String {
    let pair = authorization.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok()).unwrap_or_default();
    let pair = String::from_utf8_lossy(&pair).into_owned();
    let (_, secret) = pair.split_once(':').unwrap_or_default();
    fields(&format!("secret={secret}")).remove("secret").unwrap_or_default()
}
