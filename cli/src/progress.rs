//! Waits for images, and shows how far they have come: one line that moves on a terminal, one line a change in a log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::answer::{self, ActionAnswer, Asked, StatusAnswer, TargetStatus};
use crate::ask::Functions;
use crate::diagnosis::Diagnosis;
use crate::exit::Exit;
use crate::github;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::screen::{BOLD, FAINT, GREEN, RED, YELLOW, bar, columns, harmless, is_live, shortened, width};
use crate::times;

/// So long a pause is between two questions at first, and after a minute.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(5));

/// On fewer columns than this a line has no bar.
const NARROW: usize = 60;

/// Columns of a line that moves beside what it says: the wheel, and the time that has passed.
const FRAME: usize = 10;

/// So long an answer may take, also where the time is nearly up.
const ANSWER: Duration = Duration::from_secs(60);

/// A question that is asked until its images are done: a request for their status.
#[derive(Clone, Debug)]
pub(crate) struct Question(Value);

impl Question {
    /// By this request.
    pub(crate) fn of(request: Value) -> Self {
        Self(request)
    }

    /// For what an action has started, one for each target.
    pub(crate) fn of_started(acted: &ActionAnswer) -> Vec<Self> {
        let started = acted.targets.iter().filter(|it| it.outcome == "started");
        started
            .filter_map(|it| {
                let image = it.image.as_ref()?;
                let new = image.new.as_ref()?;
                let mut request = json!({ "action": "status", "target": it.target, "repository": image.repository });
                match (&new.digest, &new.tag) {
                    (Some(digest), _) => request["digest"] = json!(digest),
                    (None, Some(tag)) => request["tag"] = json!(tag),
                    (None, None) => return None,
                }
                Some(Self(request))
            })
            .collect()
    }
}

/// Waits until every image is done, or the time is up; how each target ended.
pub(crate) async fn wait(
    options: &Options,
    functions: &Functions<'_>,
    questions: &[Question],
    patience: SignedDuration,
) -> Result<Vec<Exit>, Problem> {
    let began = Instant::now();
    let passed = || SignedDuration::try_from(began.elapsed()).unwrap_or_default();
    let mut view = View::of(options);
    let answer = until_done(functions, questions, &passed, patience, &mut view).await;
    view.end();
    let mut answer = answer?;
    let status: StatusAnswer = answer::read(&answer);
    let mut exits = Vec::new();
    for (place, target) in status.targets.iter().enumerate() {
        let Some(asked) = &target.asked else { continue };
        let exit = asked.exit().unwrap_or(Exit::TimedOut);
        let failed = matches!(exit, Exit::Failed | Exit::NeedsPerson);
        let diagnosis = if failed { Diagnosis::read(functions, target, asked).await } else { None };
        if let Some(diagnosis) = &diagnosis {
            answer["targets"][place]["failing"] = diagnosis.json.clone();
        }
        if options.output == Output::Human {
            show_end(target, asked, exit, diagnosis.as_ref(), passed());
        }
        github::report(target, asked, exit, diagnosis.as_ref());
        exits.push(exit);
    }
    if options.output == Output::Json {
        println!("{answer:#}");
    }
    Ok(exits)
}

/// Asks until every image is done, or the time is up; the last answer.
async fn until_done(
    functions: &Functions<'_>,
    questions: &[Question],
    passed: &impl Fn() -> SignedDuration,
    patience: SignedDuration,
    view: &mut View,
) -> Result<Value, Problem> {
    let mut last = Err(Problem::unavailable("there was no answer"));
    loop {
        let left = Duration::try_from(patience - passed()).unwrap_or_default();
        // A connection may be lost without a word.
        let asked = tokio::time::timeout(left.max(ANSWER), ask(functions, questions)).await;
        match asked.unwrap_or_else(|_| Err(Problem::unavailable("no answer came in time").that_passes())) {
            Ok(answer) => {
                let status: StatusAnswer = answer::read(&answer);
                view.show(&status.targets, status.at.unwrap_or_else(Timestamp::now), passed());
                let is_done = status.targets.iter().all(|it| it.asked.as_ref().is_none_or(|asked| asked.done));
                last = Ok(answer);
                if is_done {
                    return last;
                }
            }
            Err(problem) if problem.passes => {
                view.cannot_ask(&problem, passed());
                // Without one answer by the end, that is what is to be said.
                last = last.or(Err(problem));
            }
            Err(problem) => return Err(problem),
        }
        if passed() >= patience {
            return last;
        }
        let pause = if passed() < SignedDuration::from_mins(1) { PAUSES.0 } else { PAUSES.1 };
        let left = Duration::try_from(patience - passed()).unwrap_or_default();
        tokio::time::sleep(pause.min(left)).await;
    }
}

/// Asks all questions; one answer with the targets of all of them.
async fn ask(functions: &Functions<'_>, questions: &[Question]) -> Result<Value, Problem> {
    let mut whole: Option<Value> = None;
    for Question(request) in questions {
        let answer = functions.read(request.clone()).await?;
        let Some(whole) = &mut whole else {
            whole = Some(answer);
            continue;
        };
        for key in ["ok", "done"] {
            whole[key] = json!(whole[key] == json!(true) && answer[key] == json!(true));
        }
        if let (Some(targets), Some(more)) = (whole["targets"].as_array_mut(), answer["targets"].as_array()) {
            targets.extend(more.iter().cloned());
        }
    }
    Ok(whole.unwrap_or_default())
}

/// How an image stands, in a line.
fn line(asked: &Asked) -> String {
    let reason = match (asked.state.as_str(), asked.reason.as_deref()) {
        // ECS's words for a deployment in progress say no more than that it is.
        ("deploying", _) | (_, None) => String::new(),
        (_, Some(reason)) => format!(": {reason}"),
    };
    let reason =
        if asked.state == "waiting" && reason.is_empty() { ": its push has not reached Slipway yet" } else { &reason };
    harmless(&format!("{}{reason}", asked.shown())).replace('\n', " ")
}

/// How it ended, for people.
fn show_end(target: &TargetStatus, asked: &Asked, exit: Exit, diagnosis: Option<&Diagnosis>, passed: SignedDuration) {
    let name = harmless(&target.target);
    let image = harmless(&asked.image.as_ref().map(answer::Image::shown).unwrap_or_default());
    let time = times::exact(passed);
    let line = line(asked);
    match exit {
        Exit::AsAsked if asked.state == "running" => {
            let revision = target.in_flight.as_ref().or(target.running.as_ref());
            let revision = revision.map(|it| format!(" ({})", harmless(&it.revision))).unwrap_or_default();
            anstream::println!("{GREEN}✓{GREEN:#} {BOLD}{name}{BOLD:#}  runs {image}{revision}, after {time}");
        }
        Exit::AsAsked => anstream::println!("{GREEN}✓{GREEN:#} {BOLD}{name}{BOLD:#}  {line}; accepted"),
        Exit::LeftOut => anstream::println!("{FAINT}–{FAINT:#} {BOLD}{name}{BOLD:#}  {line}"),
        Exit::TimedOut => anstream::println!("{YELLOW}!{YELLOW:#} {BOLD}{name}{BOLD:#}  {line}, and the time is up"),
        Exit::NeedsPerson => anstream::println!("{YELLOW}!{YELLOW:#} {BOLD}{name}{BOLD:#}  {line}"),
        Exit::Failed | Exit::Usage | Exit::Unavailable => {
            anstream::println!("{RED}✗{RED:#} {BOLD}{name}{BOLD:#}  {line}");
        }
    }
    if let Some(diagnosis) = diagnosis {
        diagnosis.show(2);
    }
}

/// Where people see how far it has come.
enum View {
    /// Nobody does.
    Nobody,
    /// A line for each target that moves.
    Terminal {
        /// All of them.
        lines: MultiProgress,
        /// By target.
        bars: BTreeMap<String, ProgressBar>,
    },
    /// A line for each change, by target.
    Log(BTreeMap<String, String>),
}

impl View {
    fn of(options: &Options) -> Self {
        match options.output {
            Output::Json => Self::Nobody,
            Output::Human if is_live() => Self::Terminal { lines: MultiProgress::new(), bars: BTreeMap::new() },
            Output::Human => Self::Log(BTreeMap::new()),
        }
    }

    fn show(&mut self, targets: &[TargetStatus], now: Timestamp, passed: SignedDuration) {
        for target in targets {
            let Some(asked) = &target.asked else { continue };
            let (name, line) = (harmless(&target.target), line(asked));
            let tasks = target.in_flight.as_ref().filter(|_| asked.state == "deploying");
            // The time that is left would be a line of a log each minute.
            let now = Some(now).filter(|_| matches!(self, Self::Terminal { .. }));
            let stage = tasks.and_then(|it| it.stage(now)).map(|stage| format!(", {}", harmless(&stage)));
            let line = format!("{line}{}", stage.unwrap_or_default());
            match self {
                Self::Nobody => {}
                Self::Terminal { lines, bars } => {
                    let bar_of = || {
                        let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed:.dim}");
                        let bar = lines.add(ProgressBar::new_spinner());
                        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                        bar.enable_steady_tick(Duration::from_millis(120));
                        bar
                    };
                    // On few columns the numbers alone.
                    let cells = if width() < NARROW { 0 } else { 10 };
                    let tasks = tasks.map(|it| format!("  {}", bar(it.running, it.desired, cells).trim_start()));
                    let tasks = tasks.unwrap_or_default();
                    let room = width().saturating_sub(FRAME + columns(&tasks));
                    let text = shortened(&format!("{name}  {line}"), room);
                    bars.entry(name).or_insert_with(bar_of).set_message(format!("{text}{tasks}"));
                }
                // How it ended is said at the end.
                Self::Log(_) if asked.done => {}
                Self::Log(last) => {
                    let tasks = tasks.map(|it| format!(", {} of {} tasks run", it.running, it.desired));
                    let line = format!("{line}{}", tasks.unwrap_or_default());
                    if last.get(&name) != Some(&line) {
                        anstream::eprintln!("{FAINT}[{}]{FAINT:#} {name}  {line}", times::clock(passed));
                        last.insert(name, line);
                    }
                }
            }
        }
    }

    fn cannot_ask(&mut self, problem: &Problem, passed: SignedDuration) {
        let text = harmless(&problem.text);
        match self {
            Self::Nobody => {}
            Self::Terminal { lines, .. } => {
                let _ = lines.println(shortened(&format!("cannot ask now: {text}"), width()));
            }
            Self::Log(_) => anstream::eprintln!("{FAINT}[{}]{FAINT:#} cannot ask now: {text}", times::clock(passed)),
        }
    }

    fn end(&self) {
        if let Self::Terminal { lines, .. } = self {
            let _ = lines.clear();
        }
    }
}
