//! Revocation (RFC 7009): tokens that are forgotten here are ended at the authorization server that gave them.
//!
//! Best effort and bounded in time: what matters is that nobody has them here any more, which comes first. They are
//! shown to the server that gave them, and to it alone.

use std::time::Duration;

use http::Request;
use rmcp::transport::auth::StoredCredentials;
use serde_json::Value as Json;
use url::form_urlencoded::Serializer;

use super::discovery::{is_same_issuer, published_by};
use super::form::{Client, known, only_in_the_form};
use super::oauth::OAuthSource;
use super::store::secrets_of;
use super::trouble::Trouble;
use crate::Secret;

/// How long it may take in all.
const REVOCATION_SECONDS_MAX: u64 = 10;
/// Where metadata list how a client proves itself (RFC 8414, section 2).
const METHODS: [&str; 2] = ["revocation_endpoint_auth_methods_supported", "token_endpoint_auth_methods_supported"];

impl OAuthSource {
    /// Has a person's tokens ended. Where that does not succeed, they may be good elsewhere for as long as they were
    /// given.
    pub(super) async fn revoke(&self, person: &str, stored: &StoredCredentials) -> Result<(), Trouble> {
        let limit = Duration::from_secs(REVOCATION_SECONDS_MAX);
        let too_slow = || Trouble::failed("the authorization server did not answer in time");
        let revoked = tokio::time::timeout(limit, self.ask_to_revoke(stored)).await;
        let revoked = revoked.unwrap_or_else(|_| Err(too_slow()));
        if let Err(trouble) = &revoked {
            tracing::warn!(integration = self.integration, person, %trouble, "forgotten tokens could not be revoked");
        }
        revoked
    }

    async fn ask_to_revoke(&self, stored: &StoredCredentials) -> Result<(), Trouble> {
        let issuer = stored.issuer.as_deref().filter(|issuer| self.may_be_asked(issuer));
        let issuer =
            issuer.ok_or_else(|| Trouble::failed("they are of an authorization server that is not named now"))?;
        let metadata = published_by(&self.http, issuer).await?;
        let endpoint = metadata.additional_fields.get("revocation_endpoint").and_then(Json::as_str);
        let endpoint =
            endpoint.ok_or_else(|| Trouble::failed("the authorization server has no way to end them (RFC 7009)"))?;
        let secret = self.secret_of(issuer, &stored.client_id).await?;
        let in_the_form = only_in_the_form(&metadata, &METHODS);
        let client = Client { id: &stored.client_id, secret: secret.as_ref(), in_the_form };
        let (mut trouble, mut refreshes_ended) = (None, false);
        for (kind, token) in secrets_of(stored) {
            match self.end(request(&client, endpoint, kind, &token)?).await {
                Ok(None) => refreshes_ended |= kind == "refresh_token",
                // Some servers end an access token with its refresh token alone, or let it run out (section 2.1).
                Ok(Some("unsupported_token_type")) if refreshes_ended => {}
                Ok(Some(code)) => {
                    let refused = format!("the authorization server refused to end them: {code}");
                    trouble = trouble.or(Some(Trouble::Failed(refused)));
                }
                Err(failed) => trouble = trouble.or(Some(failed)),
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Whether an authorization server is one that tokens of this integration may be shown to: where the operator names
    /// one, that alone.
    fn may_be_asked(&self, issuer: &str) -> bool {
        let named = self.settings.issuer.as_deref();
        named.is_none_or(|named| is_same_issuer(named, issuer))
    }

    /// Has one token ended. Gives the code with which the server refuses.
    async fn end(&self, request: Request<Vec<u8>>) -> Result<Option<&'static str>, Trouble> {
        let answer = self.http.ask(request).await;
        let answer =
            answer.map_err(|trouble| Trouble::Failed(format!("the revocation endpoint: {}", trouble.words())))?;
        if answer.status().is_success() {
            return Ok(None);
        }
        let body: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok(Some(known(body.get("error").and_then(Json::as_str))))
    }
}

fn request(client: &Client<'_>, endpoint: &str, kind: &str, token: &Secret) -> Result<Request<Vec<u8>>, Trouble> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", kind);
    client.post(endpoint, form)
}
