//! What a seed means: one client's options, one server, the weather between them, and what the application does.

use crate::closing::Stumble;
use crate::eras::{Eras, Speaks, speaks};
use crate::server;
use crate::tokens::TokenPlan;
use fastrand::Rng;
use mcp_evergreen::protocol::Config;
use mcp_evergreen::protocol::config::{EraChoice, Handshake, Listen, Mode, Recovery};

/// Everything that is decided before the first event.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The handshake is a host's own Client's.
    pub host: bool,
    pub recovery: Recovery,
    pub timeout: u64,
    pub handles_questions: bool,
    pub listen: Listen,
    /// The browser speaks HTTP/2: no six connections, no queue.
    pub multiplexed: bool,
    /// Milliseconds of one way.
    pub latency: std::ops::Range<u64>,
    /// How late timers fire.
    pub timer_late: u64,
    /// Facts of aborted exchanges are reported all the same.
    pub talks_after_abort: bool,
    pub server: ServerPlan,
    pub odds: Odds,
    pub actions: Vec<(u64, Action)>,
    pub weather: Vec<(u64, Weather)>,
    /// When the weather clears for good.
    pub quiet_at: u64,
    /// The last eviction is one that a page cannot read.
    pub opaque_end: bool,
    pub terminates: bool,
    /// What goes wrong in the closing act.
    pub stumble: Option<Stumble>,
    /// The server wants tokens.
    pub tokens: Option<TokenPlan>,
    /// Both eras are about; without, the client is pinned to the legacy one, and so is the server.
    pub eras: Option<Eras>,
}

/// The server's ways.
#[derive(Clone, Debug)]
pub struct ServerPlan {
    /// Index into the rows of the survey: how its gate refuses.
    pub row: usize,
    pub replicas: usize,
    pub sticky: bool,
    pub stateless: bool,
    /// It makes no second session while it holds one.
    pub single: bool,
    /// Sessions that it holds at most.
    pub cap: usize,
    pub format: Format,
    /// A session that is idle for so long is evicted.
    pub idle: u64,
    /// What becomes of the calls that an evicted session was running.
    pub dying: Dying,
    /// It sends session ids on errors too.
    pub ids_on_errors: bool,
    pub version: &'static str,
    pub refuses_delete: bool,
    pub asks: bool,
    /// And then hundreds of times.
    pub floods: bool,
    /// Milliseconds that it takes for a handshake: one of these.
    pub handshakes: [u64; 3],
    /// An answer of another's comes before the right one.
    pub muddles: bool,
    pub streams_linger: bool,
    /// Events have ids, and streams can be resumed, or so it seems.
    pub event_ids: bool,
    pub resumes: bool,
    pub standing: Standing,
    /// What it says on the standing stream of when to come back.
    pub retry: Option<u64>,
}

/// What becomes of the standing stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// With this status.
    Refused(u16),
    /// It ends at once, each time.
    Ends,
    /// It ends after so many milliseconds.
    Lives(u64),
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Events,
    Mixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dying {
    Answers,
    EndsStream,
    Says500,
    /// They are refused as what comes anew is.
    Refuses,
}

/// Chances per mille, for each request, while the weather is bad.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    /// It never arrives.
    pub lost: u16,
    /// It arrives; the connection dies before any header of the answer.
    pub unanswered: u16,
    /// A browser sends it again where that happens on a reused connection.
    pub sent_again: u16,
    /// Nothing comes, ever.
    pub silent: u16,
    /// The body breaks off.
    pub cut: u16,
    /// A limiter refuses it before the server sees it.
    pub busy: u16,
    /// A gateway gives up on the server, which has run it.
    pub gateway: u16,
    /// A gateway brings it to the server a second time.
    pub twice: u16,
    /// The server ran it, and says with a status that it failed.
    pub own_error: u16,
    /// A handshake or a ping is swallowed.
    pub handshake_lost: u16,
    pub ping_lost: u16,
    /// The body is no JSON.
    pub garbage: u16,
    /// It is refused for a reason of its own.
    pub forbidden: u16,
}

/// What the network and the server do for a while. Numbers are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// The server forgets every session; answers that it was preparing are lost.
    Restart(u64, Down),
    /// Sessions are evicted, answers that are being prepared come as the server's plan says.
    Evict,
    /// The device is offline.
    Offline(u64),
    /// Refusals lack CORS headers.
    Opaque(u64),
    /// The page cannot see `Mcp-Session-Id`.
    HidesId(u64),
    /// A proxy drops `Mcp-Session-Id` from requests.
    DropsId(u64),
    /// Sessions are gone as soon as they are made.
    Forgetful(u64),
    /// No more sessions than there are.
    Full(u64),
    /// A hosting edge's own page, while a deploy runs.
    Page(u64),
    /// Everything takes so much longer.
    Slow(u64, u64),
    /// Everybody is told to wait.
    Busy(u64),
    /// The server is upgraded or downgraded; the connections break, or not.
    Become(Speaks, bool),
}

/// What a client meets while the server is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    Refused,
    BadGateway,
    Unavailable,
    NotFound,
}

/// What the application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Call(Tool),
    /// So many writes at once.
    Burst(usize),
    Notify,
    Verify,
    Reconnect,
    Cancel,
    /// Waits for a task that some call became.
    Resume,
    Close,
    /// Somebody listens, or nobody any more.
    Listen(bool),
    /// The laptop is closed for so long; the connections die or not.
    Sleep(u64, bool),
    /// The wall clock is set.
    Clock(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Writes, for so many milliseconds.
    Write(u64),
    /// Reads; the caller says that it is repeatable.
    Read(u64),
    /// `tools/list`, `resources/read`
    Safe(&'static str),
    /// To which resource.
    Subscribe(usize),
    Unsubscribe(usize),
    /// Sets the log level.
    Level(usize),
    /// Writes, and throws `Session not found`.
    Throws,
    /// A method that the server does not know.
    Unknown,
    /// Writes, after the app was asked for input so many times; a second run does no harm, or does.
    Asks(u64, bool),
    /// Writes, as a task, for so many milliseconds.
    Task(u64),
}

impl Tool {
    /// Whether a second run does no harm.
    pub fn is_safe(self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Asks(_, true)
                | Self::Safe(_)
                | Self::Subscribe(_)
                | Self::Unsubscribe(_)
                | Self::Level(_)
        )
    }
}

fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(0..100) < percent
}

fn odds(rng: &mut Rng, percent: u32, most: u16) -> u16 {
    if chance(rng, percent) { rng.u16(1..=most) } else { 0 }
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(0..of.len())]
}

impl Plan {
    /// `wide`: with both eras.
    pub fn new(rng: &mut Rng, wide: bool) -> Self {
        let quiet_at = rng.u64(10_000..120_000);
        let fast = rng.u64(2..40);
        let base = pick(rng, &[50, 500, 500, 2_000]);
        let mut plan = Self {
            host: chance(rng, 25),
            recovery: Recovery {
                mode: pick(rng, &[Mode::Default, Mode::Default, Mode::Default, Mode::Strict, Mode::Off]),
                max_attempts: rng.u32(1..=3),
                base_delay_ms: base,
                max_delay_ms: pick(rng, &[2_000, 10_000, 30_000]),
            },
            timeout: pick(rng, &[5_000, 20_000, 60_000]),
            handles_questions: rng.bool(),
            listen: pick(rng, &[Listen::Auto, Listen::Auto, Listen::Always, Listen::Never]),
            multiplexed: chance(rng, 30),
            latency: fast..fast + rng.u64(1..150),
            timer_late: pick(rng, &[0, 0, 1, 15, 1_000]),
            talks_after_abort: chance(rng, 30),
            server: ServerPlan::new(rng),
            odds: Odds {
                lost: odds(rng, 40, 100),
                unanswered: odds(rng, 50, 150),
                sent_again: pick(rng, &[0, 1000, 1000]),
                silent: odds(rng, 25, 60),
                cut: odds(rng, 40, 100),
                busy: odds(rng, 30, 100),
                gateway: odds(rng, 40, 80),
                twice: odds(rng, 30, 80),
                own_error: odds(rng, 30, 80),
                handshake_lost: odds(rng, 20, 200),
                ping_lost: odds(rng, 20, 300),
                garbage: odds(rng, 20, 50),
                forbidden: odds(rng, 15, 50),
            },
            actions: Vec::new(),
            weather: Vec::new(),
            quiet_at,
            opaque_end: chance(rng, 15),
            terminates: rng.bool(),
            stumble: None,
            tokens: chance(rng, 20).then(|| TokenPlan::new(rng)),
            eras: None,
        };
        if plan.tokens.is_some() {
            // In the other modes a refused token is not mended.
            plan.recovery.mode = Mode::Default;
        }
        if chance(rng, 10) {
            plan.odds = Odds::default();
        }
        let calls = rng.usize(3..20);
        // Bursts: what happens at one moment is what meets.
        let mut at = 0;
        for _ in 0..calls {
            if !chance(rng, 40) {
                at = rng.u64(0..quiet_at);
            }
            let action = action(rng);
            plan.actions.push((at, action));
        }
        for _ in 0..rng.usize(0..6) {
            let at = if chance(rng, 5) { 0 } else { rng.u64(500..quiet_at) };
            let weather = weather(rng);
            plan.weather.push((at, weather));
        }
        if plan.server.dying == Dying::Refuses && chance(rng, 50) {
            // It has begun to run, and may have said so.
            let at = plan.actions[rng.usize(0..plan.actions.len())].0;
            plan.weather.push((at + rng.u64(250..1_200), Weather::Evict));
        }
        if chance(rng, 5) {
            plan.actions.push((at, Action::Burst(rng.usize(10..40))));
            if rng.bool() {
                plan.server.dying = Dying::Refuses;
                plan.weather.push((at + rng.u64(200..6_000), Weather::Evict));
            }
        }
        if wide {
            plan.widen(rng);
        } else if plan.timeout > 15_000 && plan.recovery.mode == Mode::Default && !plan.opaque_end && rng.bool() {
            // A server of one session alone cannot be asked twice.
            plan.stumble = (!plan.server.single).then(|| Stumble::new(rng));
        }
        plan
    }

    fn widen(&mut self, rng: &mut Rng) {
        self.host = false;
        self.eras = Some(Eras::new(rng));
        for _ in 0..rng.usize(0..4) {
            let change = Weather::Become(speaks(rng), rng.bool());
            self.weather.push((rng.u64(500..self.quiet_at), change));
        }
        for _ in 0..rng.usize(0..8) {
            let tool = match rng.u8(0..3) {
                0 => Tool::Task(pick(rng, &[0, 50, 900, 9_000, 200_000])),
                1 => Tool::Safe(pick(rng, &["tools/list", "resources/read"])),
                _ => Tool::Asks(rng.u64(1..4), rng.bool()),
            };
            self.actions.push((rng.u64(0..self.quiet_at), Action::Call(tool)));
        }
        for _ in 0..rng.usize(0..3) {
            self.actions.push((rng.u64(0..self.quiet_at), Action::Resume));
        }
        if chance(rng, 15) {
            self.restart_between_tasks(rng);
        }
    }

    /// A task; a server that forgot it, and has made another; and somebody waits for the first, and may give up.
    fn restart_between_tasks(&mut self, rng: &mut Rng) {
        let mut at = rng.u64(0..self.quiet_at / 2);
        let mut later = |rng: &mut Rng| {
            at += rng.u64(200..2_000);
            at
        };
        let task = |rng: &mut Rng| Action::Call(Tool::Task(pick(rng, &[0, 900, 9_000])));
        self.actions.push((later(rng), task(rng)));
        if rng.bool() {
            self.actions.push((later(rng), Action::Cancel));
        }
        self.weather.push((later(rng), Weather::Restart(0, Down::Refused)));
        self.actions.push((later(rng), task(rng)));
        for _ in 0..rng.usize(1..4) {
            self.actions.push((later(rng), Action::Resume));
        }
        if rng.bool() {
            self.actions.push((at + rng.u64(0..200), Action::Cancel));
        }
    }

    pub fn config(&self) -> Config {
        Config {
            era: if self.eras.is_some() { EraChoice::Auto } else { EraChoice::Legacy },
            known_legacy: self.eras.as_ref().is_some_and(|eras| eras.remembered),
            handshake: if self.host { Handshake::Host } else { Config::default().handshake },
            timeout_ms: self.timeout,
            recovery: self.recovery,
            listen: self.listen,
            authorizes: self.tokens.is_some(),
            ..Config::default()
        }
    }
}

impl ServerPlan {
    fn new(rng: &mut Rng) -> Self {
        let dying = pick(rng, &[Dying::Answers, Dying::Answers, Dying::EndsStream, Dying::Says500, Dying::Refuses]);
        let in_body = dying == Dying::Refuses && rng.bool();
        let replicas = if chance(rng, 20) { 3 } else { 1 };
        let single = replicas == 1 && chance(rng, 15);
        Self {
            row: server::row(rng, in_body),
            replicas,
            sticky: rng.bool(),
            stateless: !single && chance(rng, 8),
            single,
            cap: if chance(rng, 15) { rng.usize(1..4) } else { 10_000 },
            format: pick(rng, &[Format::Json, Format::Events, Format::Mixed]),
            idle: if chance(rng, 30) { rng.u64(1_000..60_000) } else { u64::MAX },
            dying,
            ids_on_errors: chance(rng, 40),
            version: pick(rng, &["2025-11-25", "2025-06-18", "2025-03-26"]),
            refuses_delete: chance(rng, 20),
            asks: chance(rng, 30),
            floods: chance(rng, 10),
            handshakes: pick(rng, &[[0, 0, 0], [0, 0, 0], [0, 3_000, 0], [0, 9_000, 900], [4_000, 0, 20_000]]),
            muddles: chance(rng, 20),
            streams_linger: chance(rng, 15),
            event_ids: chance(rng, 40),
            resumes: rng.bool(),
            standing: pick(
                rng,
                &[
                    Standing::Refused(405),
                    Standing::Refused(404),
                    Standing::Refused(400),
                    Standing::Ends,
                    Standing::Lives(3_000),
                    Standing::Lives(20_000),
                    Standing::Open,
                    Standing::Open,
                ],
            ),
            retry: pick(rng, &[None, None, Some(300), Some(4_000)]),
        }
    }
}

fn action(rng: &mut Rng) -> Action {
    let takes = pick(rng, &[0, 0, 20, 300, 2_000, 8_000, 40_000, 130_000]);
    match rng.u32(0..125) {
        100..108 => Action::Call(Tool::Subscribe(rng.usize(0..4))),
        108..113 => Action::Call(Tool::Unsubscribe(rng.usize(0..4))),
        113..117 => Action::Call(Tool::Level(rng.usize(0..4))),
        117..125 => Action::Listen(rng.bool()),
        0..36 => Action::Call(Tool::Write(takes)),
        36..50 => Action::Call(Tool::Read(takes)),
        50..56 => Action::Call(Tool::Safe("tools/list")),
        56..60 => Action::Call(Tool::Safe("resources/read")),
        60..66 => Action::Call(Tool::Throws),
        66..70 => Action::Call(Tool::Unknown),
        70..76 => Action::Notify,
        76..82 => Action::Verify,
        82..86 => Action::Reconnect,
        86..94 => Action::Cancel,
        94..95 => Action::Close,
        95..98 => Action::Sleep(pick(rng, &[2_000, 40_000, 3_600_000]), rng.bool()),
        _ => Action::Clock(pick(rng, &[-60_000, -5_000, 86_400_000])),
    }
}

fn weather(rng: &mut Rng) -> Weather {
    let long = pick(rng, &[200, 2_000, 8_000, 30_000]);
    match rng.u32(0..13) {
        0..2 => Weather::Restart(
            if rng.bool() { 0 } else { long },
            pick(rng, &[Down::Refused, Down::BadGateway, Down::Unavailable, Down::NotFound]),
        ),
        2..4 => Weather::Evict,
        4 => Weather::Offline(long),
        5 => Weather::Opaque(long),
        6 => Weather::HidesId(long),
        7 => Weather::DropsId(long),
        8 => Weather::Forgetful(long),
        9 => Weather::Full(long),
        10 => Weather::Page(long),
        11 => Weather::Slow(long, pick(rng, &[500, 3_000, 20_000])),
        _ => Weather::Busy(long),
    }
}
