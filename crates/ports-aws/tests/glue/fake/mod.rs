//! A Glue of our own for the tests: tables with versions that grow, and answers that go wrong when told to.
//!
//! It speaks AWS's JSON 1.1 over HTTP. What it is strict about is what AWS is strict about and other
//! stand-ins are not: a version that is not the current one is refused, and names are folded to lower case.

mod http;
mod tables;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_sdk_glue::Client;
use aws_sdk_glue::config::{BehaviorVersion, Credentials, Region};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use weir_ports_aws::{GlueCatalog, GlueSettings, sdk};

pub(crate) use http::Answer;
pub(crate) use tables::Tables;

/// What happens to a request instead of its plain answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It is refused with this status, code and message.
    Refused(u16, &'static str, &'static str),
    /// It is carried out, and the connection closed without an answer.
    CarriedOutAndClosed,
    /// It is carried out, and never answered.
    CarriedOutAndSilent,
    /// It is carried out, and something in between answers for Glue.
    CarriedOutBehindBadGateway,
    /// It is carried out, and refused all the same.
    CarriedOutAndRefused(&'static str),
    /// Before it is looked at, another gives the table this parameter.
    AnotherSets(&'static str, String),
    /// Before it is looked at, another makes this database.
    AnotherMakesDatabase(&'static str),
}

/// What was asked, what is stored, and what is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) tables: Tables,
    /// Every request: the operation and its body.
    pub(crate) requests: Vec<(String, Value)>,
    faults: VecDeque<(&'static str, Fault)>,
}

impl State {
    /// Carries out a request, or what is to happen instead.
    fn answer(&mut self, operation: &str, body: &Value) -> Answer {
        self.requests.push((operation.to_owned(), body.clone()));
        let fault = self.faults.iter().position(|(of, _)| *of == operation);
        let fault = fault.and_then(|position| self.faults.remove(position)).map(|(_, fault)| fault);
        match fault {
            None => self.tables.carry_out(operation, body),
            Some(Fault::Refused(status, code, message)) => Answer::error(status, code, message),
            Some(Fault::AnotherSets(parameter, value)) => {
                self.tables.set_parameter(&body["TableInput"]["Name"], parameter, &value);
                self.tables.carry_out(operation, body)
            }
            Some(Fault::AnotherMakesDatabase(name)) => {
                self.tables.add_database(name);
                self.tables.carry_out(operation, body)
            }
            Some(fault) => {
                let answer = self.tables.carry_out(operation, body);
                assert!(matches!(answer, Answer::Json(200, _)), "{operation} was to be carried out: {answer:?}");
                match fault {
                    Fault::CarriedOutAndClosed => Answer::Close,
                    Fault::CarriedOutAndSilent => Answer::Never,
                    Fault::CarriedOutAndRefused(code) => Answer::error(400, code, "refused after all"),
                    _ => Answer::Html(502, "<html>Bad Gateway</html>"),
                }
            }
        }
    }
}

/// A Glue that listens, until it is dropped.
#[derive(Debug)]
pub(crate) struct FakeGlue {
    endpoint: String,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl Drop for FakeGlue {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl FakeGlue {
    pub(crate) async fn start() -> FakeGlue {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                tokio::spawn(http::serve(connection, move |operation, body| {
                    state.lock().unwrap().answer(operation, body)
                }));
            }
        });
        FakeGlue { endpoint, state, listening }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next request of this operation that has no other fault before it goes wrong so.
    pub(crate) fn fail(&self, operation: &'static str, fault: Fault) {
        self.state().faults.push_back((operation, fault));
    }

    /// How often an operation was asked for.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.state().requests.iter().filter(|(name, _)| name == operation).count()
    }

    /// The last body of an operation.
    pub(crate) fn last(&self, operation: &str) -> Value {
        let state = self.state();
        state.requests.iter().rev().find(|(name, _)| name == operation).unwrap().1.clone()
    }

    /// A handle with connections of its own.
    pub(crate) fn catalog(&self) -> GlueCatalog {
        self.catalog_with(quick())
    }

    pub(crate) fn catalog_with(&self, settings: GlueSettings) -> GlueCatalog {
        GlueCatalog::new(client(&self.endpoint), settings)
    }
}

/// Settings that do not make a test wait.
pub(crate) fn quick() -> GlueSettings {
    GlueSettings { backoff: Duration::from_millis(5), ..GlueSettings::default() }
}

pub(crate) fn client(endpoint: &str) -> Client {
    let config = configuration(endpoint).region(Region::new("eu-central-1"));
    Client::from_conf(config.credentials_provider(Credentials::new("id", "secret", None, None, "tests")).build())
}

/// Without a region and without credentials.
pub(crate) fn configuration(endpoint: &str) -> aws_sdk_glue::config::Builder {
    aws_sdk_glue::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(sdk::http_client())
        .endpoint_url(endpoint)
}
