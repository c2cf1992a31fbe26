//! Token exchange (RFC 8693): a statement of Writ's about a person becomes an access token of that person's.
//!
//! One form is posted to the token endpoint that discovery found. The client's secret goes into the header
//! (`client_secret_basic`) unless the server only takes it in the form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use rmcp::transport::auth::AuthorizationMetadata;
use serde::Deserialize;
use serde_json::Value as Json;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::http_client::OAuthHttp;
use super::trouble::Trouble;
use crate::Secret;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What is exchanged.
pub(super) struct Exchange<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a Secret>,
    pub(super) statement: &'a Secret,
    pub(super) resource: &'a str,
    pub(super) scopes: &'a [String],
}

/// An access token, as far as it is looked at.
pub(super) struct Granted {
    pub(super) token: Secret,
    pub(super) expires_in_seconds: Option<u64>,
    /// The scopes, where the server names them.
    pub(super) scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
}

impl Granted {
    /// Reads a token endpoint's answer (RFC 6749, section 5.1).
    pub(super) fn read(answer: Json) -> Result<Self, Trouble> {
        let unusable = || Trouble::failed("the authorization server's answer holds no access token that can be used");
        let answer: Answer = serde_json::from_value(answer).map_err(|_| unusable())?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") || answer.access_token.is_empty() {
            return Err(unusable());
        }
        Ok(Self {
            token: Secret::new(answer.access_token),
            expires_in_seconds: answer.expires_in,
            scopes: answer.scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
        })
    }
}

impl Exchange<'_> {
    /// Asks for the token.
    pub(super) async fn send(&self, http: &OAuthHttp, metadata: &AuthorizationMetadata) -> Result<Granted, Trouble> {
        let answer = http
            .ask(self.request(metadata)?)
            .await
            .map_err(|trouble| Trouble::Failed(format!("the token endpoint: {}", trouble.words())))?;
        let body: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
        if !answer.status().is_success() {
            let code = known(body.get("error").and_then(Json::as_str));
            return Err(Trouble::Failed(format!("the authorization server refused the exchange: {code}")));
        }
        Granted::read(body)
    }

    fn request(&self, metadata: &AuthorizationMetadata) -> Result<Request<Vec<u8>>, Trouble> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", GRANT)
            .append_pair("subject_token", self.statement.expose())
            .append_pair("subject_token_type", JWT)
            .append_pair("requested_token_type", ACCESS_TOKEN)
            .append_pair("resource", self.resource);
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        let mut request = Request::post(&metadata.token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        match self.client_secret {
            Some(secret) if !only_in_the_form(metadata) => {
                request = request.header(AUTHORIZATION, basic(self.client_id, secret)?);
            }
            Some(secret) => {
                form.append_pair("client_id", self.client_id).append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", self.client_id);
            }
        }
        request
            .body(form.finish().into_bytes())
            .map_err(|_| Trouble::failed("the token endpoint's address cannot be used"))
    }
}

/// Whether the server takes a client's secret in the form alone.
fn only_in_the_form(metadata: &AuthorizationMetadata) -> bool {
    let methods = metadata.additional_fields.get("token_endpoint_auth_methods_supported").and_then(Json::as_array);
    let takes = |name: &str| methods.is_some_and(|methods| methods.iter().any(|method| method == name));
    takes("client_secret_post") && !takes("client_secret_basic")
}

/// The header of RFC 6749, section 2.3.1: both parts are encoded as in a form first.
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, Trouble> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = BASE64.encode(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    let mut value = HeaderValue::try_from(format!("Basic {pair}"))
        .map_err(|_| Trouble::failed("the client's secret cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error code, where it is one of the specifications' own. Anything else is somebody's text.
fn known(code: Option<&str>) -> &'static str {
    const CODES: [&str; 8] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "access_denied",
    ];
    CODES.into_iter().find(|known| code == Some(*known)).unwrap_or("no reason that is known")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Granted, basic, known};
    use crate::Secret;

    #[test]
    fn only_a_bearer_token_is_taken() {
        assert!(Granted::read(json!({ "access_token": "t", "token_type": "Bearer" })).is_ok());
        for answer in [
            json!({ "access_token": "canary-1", "token_type": "DPoP" }),
            json!({ "access_token": "", "token_type": "bearer" }),
            json!({ "access_token": ["canary-1"], "token_type": "bearer" }),
            json!({ "token_type": "bearer" }),
            json!(null),
        ] {
            let trouble = Granted::read(answer).err().unwrap();
            assert!(!format!("{trouble:?}").contains("canary"), "{trouble:?}");
        }
    }

    #[test]
    fn a_secret_is_encoded_before_it_is_joined() {
        let header = basic("a:b", &Secret::new("c d")).unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic YSUzQWI6Yytk");
        assert!(!format!("{header:?}").contains("YSUz"));
    }

    #[test]
    fn texts_of_others_are_not_repeated() {
        assert_eq!(known(Some("invalid_grant")), "invalid_grant");
        assert_eq!(known(Some("canary-1")), "no reason that is known");
        assert_eq!(known(None), "no reason that is known");
    }
}
