//! A form that a client posts to an authorization server, with the proof of who the client is.
//!
//! The client's secret goes into the header (`client_secret_basic`) unless the server only takes it in the form. Of a
//! refusal the code is read, where it is one of the specifications' own, and no text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use rmcp::transport::auth::AuthorizationMetadata;
use serde_json::Value as Json;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::trouble::Trouble;
use crate::Secret;

/// Who posts.
pub(super) struct Client<'a> {
    pub(super) id: &'a str,
    pub(super) secret: Option<&'a Secret>,
    /// Whether the server takes the secret in the form alone.
    pub(super) in_the_form: bool,
}

impl Client<'_> {
    /// The request that posts a form.
    pub(super) fn post(&self, endpoint: &str, mut form: Serializer<'_, String>) -> Result<Request<Vec<u8>>, Trouble> {
        let mut request = Request::post(endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        match self.secret {
            Some(secret) if !self.in_the_form => {
                request = request.header(AUTHORIZATION, basic(self.id, secret)?);
            }
            Some(secret) => {
                form.append_pair("client_id", self.id).append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", self.id);
            }
        }
        let unusable = |_| Trouble::failed("an endpoint's address cannot be used");
        request.body(form.finish().into_bytes()).map_err(unusable)
    }
}

/// Whether the server takes a client's secret in the form alone, by the first of these lists that it publishes.
pub(super) fn only_in_the_form(metadata: &AuthorizationMetadata, lists: &[&str]) -> bool {
    let methods = lists.iter().find_map(|list| metadata.additional_fields.get(*list).and_then(Json::as_array));
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
pub(super) fn known(code: Option<&str>) -> &'static str {
    const CODES: [&str; 9] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "access_denied",
        "unsupported_token_type",
    ];
    CODES.into_iter().find(|known| code == Some(*known)).unwrap_or("no reason that is known")
}

#[cfg(test)]
mod tests {
    use rmcp::transport::auth::AuthorizationMetadata;
    use serde_json::json;

    use super::{basic, known, only_in_the_form};
    use crate::Secret;

    #[test]
    fn a_secret_is_encoded_before_it_is_joined() {
        let header = basic("a:b", &Secret::new("c d")).unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic YSUzQWI6Yytk");
        assert!(!format!("{header:?}").contains("YSUz"));
    }

    #[test]
    fn a_secret_goes_into_the_form_where_nothing_else_is_taken() {
        let mut metadata = AuthorizationMetadata::default();
        let lists = ["first", "second"];
        assert!(!only_in_the_form(&metadata, &lists));
        metadata.additional_fields.insert("second".to_owned(), json!(["client_secret_post", "none"]));
        assert!(only_in_the_form(&metadata, &lists));
        metadata.additional_fields.insert("first".to_owned(), json!(["client_secret_basic", "client_secret_post"]));
        assert!(!only_in_the_form(&metadata, &lists));
    }

    #[test]
    fn texts_of_others_are_not_repeated() {
        assert_eq!(known(Some("invalid_grant")), "invalid_grant");
        assert_eq!(known(Some("canary-1")), "no reason that is known");
        assert_eq!(known(None), "no reason that is known");
    }
}
