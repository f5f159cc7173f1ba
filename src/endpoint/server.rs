//! The listener.

use super::connection::{Connection, Resettable};
use super::{dispatch, pages};
use crate::account::Account;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::Response;
use std::future::Future;
use tokio::net::TcpListener;

/// The local AWS endpoint.
pub struct Endpoint {
    /// Routes under `/_colormesh/`, which belong to the daemon.
    pub extra: Router,
}

impl Endpoint {
    /// Answers on this listener until `shutdown` ends. Loopback only is the
    /// caller's choice of listener.
    pub async fn serve(
        self,
        listener: TcpListener,
        account: Account,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let service = self
            .router(account)
            .into_make_service_with_connect_info::<Connection>();
        axum::serve(Resettable(listener), service)
            .with_graceful_shutdown(shutdown)
            .await
    }

    /// The routes, for calls without a socket.
    pub fn router(self, account: Account) -> Router {
        Router::new()
            .fallback(answer)
            .with_state(account)
            .merge(self.extra)
            .layer(DefaultBodyLimit::disable())
            .layer(axum::middleware::from_fn(pages::refuse))
    }
}

async fn answer(State(account): State<Account>, request: Request) -> Response {
    dispatch::dispatch(&account, request).await
}
