//! A provider of models that says what it is told and remembers what it was asked.

mod answer;
mod chat;
mod connection;
mod fault;
mod frames;
mod messages;
mod ollama;
mod request;
mod responses;
mod script;
mod sides;
mod turn;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use self::script::{Counted, Script};
pub use self::{
    fault::{Cut, Fault, Hang, Tap, Trouble},
    request::{ModelApi, RecordedRequest},
    turn::{Finish, Turn, Usage},
};
use crate::upstream::read;

/// A provider of models on a free port of this machine, which goes with the value.
///
/// It speaks the protocols that models are reached by: OpenAI Responses, Chat
/// Completions, Anthropic Messages and Ollama's chat, streamed or not as the request
/// wishes; and it lists models, moderates, embeds and draws. It keeps no connection
/// open after an answer.
///
/// What it answers is said in words of no protocol. A conversation is answered by
/// the next [`Turn`] of the queue, else by the closure that was given, else by the
/// usual turn, else with `Hello.`
///
/// ```
/// use understudy_testkit::{ModelUpstream, Turn};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let upstream = ModelUpstream::start().await?;
/// upstream.answer(Turn::chunks(["Good", " morning"]));
/// let base_url = upstream.openai_url();
/// // … lets the system under test ask the provider at `base_url` …
/// assert!(upstream.requests().is_empty());
/// # let _ = base_url;
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ModelUpstream {
    address: SocketAddr,
    script: Arc<Script>,
    work: JoinHandle<()>,
}

impl ModelUpstream {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let script = Arc::<Script>::default();
        script.orders().models.push("model-1".to_owned());
        let work = tokio::spawn(serve(listener, Arc::clone(&script)));
        Ok(Self { address, script, work })
    }

    /// Its address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL for those who speak OpenAI's protocols.
    #[must_use]
    pub fn openai_url(&self) -> String {
        self.url() + "/v1"
    }

    /// The base URL for those who speak Anthropic's protocol.
    #[must_use]
    pub fn anthropic_url(&self) -> String {
        self.url()
    }

    /// The base URL for those who speak Ollama's protocol.
    #[must_use]
    pub fn ollama_url(&self) -> String {
        self.url()
    }

    /// Answers a conversation this way, after those that were ordered before.
    pub fn answer(&self, turn: Turn) {
        self.script.orders().turns.push_back(turn);
    }

    /// Answers conversations this way when nothing else was ordered.
    pub fn answer_usually(&self, turn: Turn) {
        self.script.orders().usual = Some(turn);
    }

    /// Answers conversations as the closure decides when no turn is ordered.
    pub fn respond_with(&self, respond: impl Fn(&RecordedRequest) -> Turn + Send + Sync + 'static) {
        self.script.orders().respond = Some(Arc::new(respond));
    }

    /// Lists these models.
    pub fn offer_models<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) {
        self.script.orders().models = names.into_iter().map(Into::into).collect();
    }

    /// Judges texts so when it moderates; categories that are not named score 0.
    pub fn judge_with(
        &self,
        judge: impl Fn(&str) -> BTreeMap<String, f64> + Send + Sync + 'static,
    ) {
        self.script.orders().judge = Some(Arc::new(judge));
    }

    /// Misbehaves on the next request for this path (for example `/v1/models`).
    pub fn fail_at(&self, path: impl Into<String>, fault: Fault) {
        self.script.orders().faults.push((path.into(), fault));
    }

    /// What it was asked so far, in the order in which it came.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.script.requests()
    }

    /// What it was asked last.
    #[must_use]
    pub fn last(&self) -> Option<RecordedRequest> {
        self.script.requests().pop()
    }

    /// Waits until it was asked `count` times in all, and tells what.
    pub async fn wait_for(&self, count: usize) -> Vec<RecordedRequest> {
        reached(&self.script.asked, |asked| asked >= count).await;
        self.requests()
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        *self.script.open.borrow()
    }

    /// Waits until no connection is open.
    pub async fn closed(&self) {
        reached(&self.script.open, |open| open == 0).await;
    }

    /// In how many exchanges the other side hung up before it was told of the end.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        *self.script.abandoned.borrow()
    }

    /// Waits until the other side hung up early in `count` exchanges.
    pub async fn wait_for_abandoned(&self, count: usize) {
        reached(&self.script.abandoned, |abandoned| abandoned >= count).await;
    }
}

impl Drop for ModelUpstream {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn reached(
    count: &tokio::sync::watch::Sender<usize>,
    enough: impl Fn(usize) -> bool + Send + Sync,
) {
    let mut seen = count.subscribe();
    // The sender is borrowed for as long as this waits, so it cannot go.
    let _ = seen.wait_for(|count| enough(*count)).await;
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(exchange(connection, Arc::clone(&script)));
        while connections.try_join_next().is_some() {}
    }
}

async fn exchange(mut connection: TcpStream, script: Arc<Script>) {
    let _open = Counted::new(&script.open);
    // Or a small piece would wait for the one before to be acknowledged.
    let _ = connection.set_nodelay(true);
    if script.hangs_at_once() {
        connection::gone(&mut connection).await;
        script.abandoned.send_modify(|count| *count += 1);
        return;
    }
    let Ok(asked) = read(&mut connection).await else {
        return;
    };
    let answer = script.answer(asked);
    let told = AtomicBool::new(false);
    let (mut reading, mut writing) = connection.split();
    tokio::select! {
        biased;
        // The other side may hang up whenever it likes.
        _ = connection::write(&mut writing, &answer, &told) => {}
        () = connection::gone(&mut reading) => {}
    }
    if !told.load(Ordering::Acquire) {
        script.abandoned.send_modify(|count| *count += 1);
    }
}
