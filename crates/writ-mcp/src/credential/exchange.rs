//! Token exchange (RFC 8693): a statement of Writ's about a person becomes an access token of that person's.
//!
//! One form is posted to the token endpoint that discovery found.

use http::Request;
use rmcp::transport::auth::AuthorizationMetadata;
use serde::Deserialize;
use serde_json::Value as Json;
use url::form_urlencoded::Serializer;

use super::form::{Client, known, only_in_the_form};
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
        let in_the_form = only_in_the_form(metadata, &["token_endpoint_auth_methods_supported"]);
        let client = Client { id: self.client_id, secret: self.client_secret, in_the_form };
        client.post(&metadata.token_endpoint, form)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Granted;

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
}
