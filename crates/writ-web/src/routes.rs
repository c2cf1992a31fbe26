//! Every address of the console and the API, in one table.
//!
//! The router is built from [`ROUTES`] and from nothing else. A row says the method, the path, who is let
//! through and what the address takes; the door's check is made from the row. So the table can be read, and
//! walked by a test, as the whole surface of this crate.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::StatusCode;
use writ_core::code::Code;

use crate::guard::{self, Guard};
use crate::problem::Failure;
use crate::{App, api, assets, headers, log, pages, stream};

/// A method. `GET` answers `HEAD` too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Looks; changes nothing.
    Get,
    /// Changes something.
    Post,
}

impl Verb {
    /// The method's name, such as `GET`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
        }
    }
}

/// Who is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// A person with the console's cookie.
    Session,
    /// A person with a personal token. Cookies do not count.
    Bearer,
    /// As [`Access::Bearer`]; anybody, where the operator has made the log public.
    Log,
}

/// What a request's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// A form of one of the console's own pages, with the session's token in it.
    Form,
    /// A JSON object.
    Json,
}

/// One address.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub verb: Verb,
    /// The path, with its parameters as `{name}`.
    pub path: &'static str,
    /// Who is let through.
    pub access: Access,
    /// What it takes.
    pub takes: Takes,
    handler: fn(MethodFilter) -> MethodRouter<App>,
}

macro_rules! routes {
    ($($verb:ident $path:literal $access:ident $takes:ident => $handler:path;)+) => {
        &[$(Route {
            verb: Verb::$verb,
            path: $path,
            access: Access::$access,
            takes: Takes::$takes,
            handler: |filter| on(filter, $handler),
        },)+]
    };
}

/// The whole surface.
pub const ROUTES: &[Route] = routes! {
    Get "/" Open Nothing => pages::home;
    Get "/assets/{name}" Open Nothing => assets::asset;
    Get "/sign-in" Open Nothing => pages::sign_in::show;
    Post "/sign-in" Open Form => pages::sign_in::redeem;
    Post "/sign-out" Session Form => pages::sign_in::sign_out;

    Get "/decisions" Session Nothing => pages::decisions::list;
    Get "/decisions/events" Session Nothing => stream::decisions;
    Get "/decisions/{id}" Session Nothing => pages::decision::show;
    Post "/decisions/{id}/vote" Session Form => pages::decision::vote;
    Post "/decisions/{id}/settle" Session Form => pages::decision::settle;
    Get "/runs" Session Nothing => pages::runs::list;
    Get "/runs/{id}" Session Nothing => pages::run::show;
    Get "/runs/{id}/events" Session Nothing => stream::run;
    Post "/runs/{id}/stop" Session Form => pages::run::stop;
    Get "/trail" Session Nothing => pages::server::trail;
    Get "/health" Session Nothing => pages::server::health;
    Get "/integrations" Session Nothing => pages::linking::list;
    Get "/integrations/{name}/link" Session Nothing => pages::linking::begin;
    Get "/integrations/{name}/linked" Open Nothing => pages::linking::finish;
    Post "/integrations/{name}/unlink" Session Form => pages::linking::unlink;
    Get "/.well-known/jwks.json" Open Nothing => pages::linking::public_keys;

    Get "/api/health" Open Nothing => api::server::health;
    Get "/api/decisions" Bearer Nothing => api::decisions::list;
    Get "/api/decisions/{id}" Bearer Nothing => api::decisions::show;
    Post "/api/decisions/{id}/vote" Bearer Json => api::decisions::vote;
    Post "/api/decisions/{id}/settle" Bearer Json => api::decisions::settle;
    Get "/api/runs" Bearer Nothing => api::runs::list;
    Post "/api/runs" Bearer Json => api::runs::start;
    Get "/api/runs/{id}" Bearer Nothing => api::runs::show;
    Get "/api/runs/{id}/rail" Bearer Nothing => api::runs::rail;
    Post "/api/runs/{id}/stop" Bearer Json => api::runs::stop;
    Get "/api/trail/checkpoint" Bearer Nothing => api::server::checkpoint;

    Get "/tlog/checkpoint" Log Nothing => log::checkpoint;
    Get "/tlog/tile/{*path}" Log Nothing => log::tile;
};

/// The router of the table.
pub(crate) fn mount(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let door = Guard { app: app.clone(), access: route.access, takes: route.takes };
        let handler = (route.handler)(route.verb.filter());
        router = router.route(route.path, handler.route_layer(from_fn_with_state(door, guard::check)));
    }
    router.fallback(nowhere).layer(from_fn_with_state(app.clone(), headers::around)).with_state(app)
}

async fn nowhere() -> Failure {
    Failure::with_status(StatusCode::NOT_FOUND, Code::UnknownName, "there is nothing at this address")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::Router;

    use super::{Access, ROUTES, Takes, Verb};
    use crate::App;

    #[test]
    fn no_two_rows_are_the_same_address() {
        let rows: BTreeSet<_> = ROUTES.iter().map(|route| (route.verb.name(), route.path)).collect();
        assert_eq!(rows.len(), ROUTES.len());
    }

    #[test]
    fn every_row_can_be_mounted() {
        // The router refuses two handlers for one address and paths that contradict each other.
        let router = ROUTES
            .iter()
            .fold(Router::<App>::new(), |router, route| router.route(route.path, (route.handler)(route.verb.filter())));
        assert!(router.has_routes());
    }

    #[test]
    fn what_changes_something_asks_who_is_there() {
        for route in ROUTES.iter().filter(|route| route.verb == Verb::Post) {
            let open = route.access == Access::Open;
            assert!(!open || route.path == "/sign-in", "{} is open", route.path);
        }
    }

    #[test]
    fn the_api_takes_no_cookies_and_pages_no_tokens() {
        for route in ROUTES {
            let log = route.path.starts_with("/tlog/");
            let api = route.path.starts_with("/api/") || log;
            assert!(!(api && route.access == Access::Session), "{}", route.path);
            assert!(api || route.access != Access::Bearer, "{}", route.path);
            assert_eq!(log, route.access == Access::Log, "{}", route.path);
            let body = match (route.verb, api) {
                (Verb::Get, _) => Takes::Nothing,
                (Verb::Post, true) => Takes::Json,
                (Verb::Post, false) => Takes::Form,
            };
            assert_eq!(route.takes, body, "{}", route.path);
        }
    }

    #[test]
    fn only_these_are_open() {
        let open: Vec<_> = ROUTES.iter().filter(|route| route.access == Access::Open).map(|route| route.path).collect();
        assert_eq!(
            open,
            [
                "/",
                "/assets/{name}",
                "/sign-in",
                "/sign-in",
                // The handler asks for the session itself: the browser holds the cookie back on the way from another site.
                "/integrations/{name}/linked",
                "/.well-known/jwks.json",
                "/api/health",
            ]
        );
    }
}
