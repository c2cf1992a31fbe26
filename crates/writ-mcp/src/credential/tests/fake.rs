//! A fake authorization server and a fake integration behind one port. It checks what a real one would check of the
//! forms that it gets, remembers them, and misbehaves as it is told. It is no example of how to write either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json as Body, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;
use writ_core::digest::Digest;

type Fields = BTreeMap<String, String>;

/// What the fake does, and what it has seen.
#[derive(Default)]
pub(super) struct Told {
    /// How long its tokens live, in seconds.
    pub(super) lifetime: Option<u64>,
    /// Whether it gives refresh tokens.
    pub(super) refreshes: bool,
    /// What the token endpoint takes of clients.
    pub(super) methods: Vec<&'static str>,
    /// The scopes that a call needs. The challenge names them.
    pub(super) needs: BTreeSet<String>,
    /// Tokens that are not accepted any more.
    pub(super) revoked: BTreeSet<String>,
    /// Whether no token is accepted.
    pub(super) refuses_all: bool,
    /// Who it says that it is, where that is a lie.
    pub(super) issuer: Option<String>,
    /// The authorization server that the integration names, where it is another one.
    pub(super) server: Option<String>,
    /// The token endpoint that the authorization server names, where it is elsewhere.
    pub(super) token_endpoint: Option<String>,
    /// The revocation endpoint that the authorization server names; none where it is empty.
    pub(super) revocation_endpoint: String,
    /// The kinds of tokens that it does not revoke, each with the code that it says.
    pub(super) irrevocable: BTreeMap<&'static str, &'static str>,
    /// The forms that came to the revocation endpoint, with the `Authorization` of each.
    pub(super) revocations: Vec<(Fields, String)>,
    /// Whether it repeats what it was sent.
    pub(super) echoes: bool,
    /// The forms that came to the token endpoint, with the `Authorization` of each.
    pub(super) forms: Vec<(Fields, String)>,
    /// The registrations.
    pub(super) registrations: Vec<Json>,
    /// The `Authorization` of each request to the integration.
    pub(super) authorizations: Vec<String>,
    tokens: BTreeMap<String, BTreeSet<String>>,
    refresh_tokens: BTreeSet<String>,
    codes: BTreeMap<String, Fields>,
    made: usize,
}

/// The fake, until it is dropped.
pub(super) struct Fake {
    pub(super) base: String,
    pub(super) url: String,
    told: Arc<Mutex<Told>>,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    base: String,
    told: Arc<Mutex<Told>>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told {
            lifetime: Some(3600),
            refreshes: true,
            methods: vec!["client_secret_post"],
            revocation_endpoint: format!("{base}/revoke"),
            ..Told::default()
        }));
        let shared = Shared { base: base.clone(), told: Arc::clone(&told) };
        let routes = Router::new()
            .route("/mcp", post(integration))
            .route("/.well-known/oauth-protected-resource/mcp", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/register", post(register))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .with_state(shared);
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url: format!("{base}/mcp"), base, told, serving }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// What a person's browser does: opens the address, consents, and comes back with what is in the query.
    pub(super) fn consent(&self, address: &Url) -> Fields {
        let asked: Fields = address.query_pairs().into_owned().collect();
        let mut told = self.told();
        let code = told.next("code");
        let mut back = Fields::from([("code".to_owned(), code.clone()), ("state".to_owned(), asked["state"].clone())]);
        back.insert("iss".to_owned(), self.base.clone());
        told.codes.insert(code, asked);
        back
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Told {
    fn next(&mut self, what: &str) -> String {
        self.made += 1;
        format!("canary-{what}-{}", self.made)
    }

    /// The grants that the token endpoint was asked for, in their order.
    pub(super) fn grants(&self) -> Vec<&str> {
        self.forms.iter().map(|(form, _)| form["grant_type"].rsplit(':').next().unwrap()).collect()
    }

    /// Takes a token's scopes away.
    pub(super) fn forget(&mut self, token: &str) {
        self.tokens.get_mut(token).unwrap().clear();
    }

    fn grant(&mut self, scopes: &str, refreshes: bool) -> Json {
        let token = self.next("access");
        let scopes: BTreeSet<String> = scopes.split_whitespace().map(str::to_owned).collect();
        self.tokens.insert(token.clone(), scopes.clone());
        let mut scopes: Vec<String> = scopes.into_iter().collect();
        if self.echoes {
            scopes.extend(self.tokens.keys().cloned());
        }
        let mut answer = json!({ "access_token": token, "token_type": "Bearer", "scope": scopes.join(" ") });
        if let Some(lifetime) = self.lifetime {
            answer["expires_in"] = json!(lifetime);
        }
        if refreshes && self.refreshes {
            let token = self.next("refresh");
            self.refresh_tokens.insert(token.clone());
            answer["refresh_token"] = json!(token);
            answer["id_token"] = json!("canary-identity");
        }
        answer
    }
}

async fn resource(State(shared): State<Shared>) -> Body<Json> {
    let told = shared.told.lock().unwrap();
    Body(json!({
        "resource": format!("{}/mcp", shared.base),
        "authorization_servers": [told.server.as_ref().unwrap_or(&shared.base)],
        "scopes_supported": ["listed"],
    }))
}

async fn metadata(State(shared): State<Shared>) -> Body<Json> {
    let told = shared.told.lock().unwrap();
    let base = &shared.base;
    let mut metadata = json!({
        "issuer": told.issuer.as_ref().unwrap_or(base),
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": told.token_endpoint.clone().unwrap_or_else(|| format!("{base}/token")),
        "registration_endpoint": format!("{base}/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": told.methods,
        "scopes_supported": ["listed", "offline_access"],
    });
    if !told.revocation_endpoint.is_empty() {
        metadata["revocation_endpoint"] = json!(told.revocation_endpoint);
    }
    Body(metadata)
}

async fn register(State(shared): State<Shared>, Body(asked): Body<Json>) -> Response {
    let mut told = shared.told.lock().unwrap();
    let id = told.registrations.len();
    let answer = json!({
        "client_id": format!("client-{id}"),
        "client_secret": "canary-client-secret",
        "redirect_uris": asked["redirect_uris"],
    });
    told.registrations.push(asked);
    (StatusCode::CREATED, Body(answer)).into_response()
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let mut told = shared.told.lock().unwrap();
    let authorization = headers.get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    told.forms.push((form.clone(), authorization));
    let scopes = form.get("scope").cloned().unwrap_or_default();
    let has_resource = form.get("resource").is_some_and(|resource| resource.ends_with("/mcp"));
    let answer = match form["grant_type"].rsplit(':').next().unwrap() {
        "client_credentials" | "token-exchange" if has_resource => Some(told.grant(&scopes, false)),
        "authorization_code" if has_resource => {
            let asked = told.codes.remove(&form["code"]);
            let verifier = BASE64.encode(Digest::of_bytes(form["code_verifier"].as_bytes()).0);
            let good = |asked: &Fields| {
                asked["code_challenge"] == verifier
                    && asked["code_challenge_method"] == "S256"
                    && asked["redirect_uri"] == form["redirect_uri"]
            };
            let scopes = asked.filter(good).map(|asked| asked.get("scope").cloned().unwrap_or_default());
            scopes.map(|scopes| told.grant(&scopes, true))
        }
        // A refresh token is good once.
        "refresh_token" if told.refresh_tokens.remove(&form["refresh_token"]) => Some(told.grant("listed", true)),
        _ => None,
    };
    match answer {
        Some(answer) => Body(answer).into_response(),
        // What a careless server would say.
        None => {
            let said = json!({ "error": "invalid_grant", "error_description": format!("canary-said {form:?}") });
            (StatusCode::BAD_REQUEST, Body(said)).into_response()
        }
    }
}

async fn revoke(State(shared): State<Shared>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let mut told = shared.told.lock().unwrap();
    let authorization = headers.get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    told.revocations.push((form.clone(), authorization));
    match told.irrevocable.get(form["token_type_hint"].as_str()) {
        Some(code) => {
            let said = json!({ "error": code, "error_description": format!("canary-said {form:?}") });
            (StatusCode::BAD_REQUEST, Body(said)).into_response()
        }
        None => StatusCode::OK.into_response(),
    }
}

async fn integration(State(shared): State<Shared>, headers: HeaderMap, Body(message): Body<Json>) -> Response {
    let mut told = shared.told.lock().unwrap();
    let authorization = headers.get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    told.authorizations.push(authorization.clone());
    let sent = authorization.strip_prefix("Bearer ").unwrap_or_default();
    let needs: Vec<String> = told.needs.iter().cloned().collect();
    let place = format!(r#"resource_metadata="{}/.well-known/oauth-protected-resource/mcp""#, shared.base);
    let scope = if needs.is_empty() { String::new() } else { format!(r#", scope="{}""#, needs.join(" ")) };
    let known = told.tokens.get(sent).filter(|_| !told.revoked.contains(sent) && !told.refuses_all);
    let Some(scopes) = known else {
        let challenge = format!("Bearer {place}{scope}");
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)], format!("no: {sent}")).into_response();
    };
    if !told.needs.is_subset(scopes) {
        let challenge = format!(r#"Bearer error="insufficient_scope", {place}{scope}"#);
        return (StatusCode::FORBIDDEN, [(WWW_AUTHENTICATE, challenge)], format!("no: {sent}")).into_response();
    }
    let result = if told.echoes { json!({ "_meta": { "echo": authorization } }) } else { json!({}) };
    Body(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}
