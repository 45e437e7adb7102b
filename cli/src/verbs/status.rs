//! `slipway status`: what runs in every target, what is in progress, and what waits.

use std::io::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::answer::{self, StatusAnswer};
use crate::ask::Functions;
use crate::exit::Exit;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::screen;
use crate::session::Session;
use crate::subject::{AnyTargets, ImageArgs};
use crate::table;

/// So often the picture is drawn anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Show what runs in every target, what is in progress, and what waits; one target in full.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway status
  slipway status prod/web
  slipway status --watch")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: AnyTargets,
    #[command(flatten)]
    image: ImageArgs,
    /// Draw it anew every two seconds, until Ctrl-C.
    #[arg(long, short)]
    watch: bool,
}

/// Asks once, or again and again.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    if args.watch && (options.output == Output::Json || !screen::is_watched()) {
        return Err(Problem::usage("--watch draws on a terminal, and this is none")
            .fix("Leave --watch out, or use `slipway wait`."));
    }
    let mut request = args.targets.request("status");
    args.image.put_into(&mut request);
    let session = Session::open(options).await?;
    let functions = Functions::of(&session);
    if args.watch {
        return watch(&functions, &request).await;
    }
    let answer = functions.read(request).await?;
    match options.output {
        Output::Json => println!("{answer:#}"),
        Output::Human => anstream::print!("{}", drawn(&answer, screen::width())),
    }
    Ok(Exit::AsAsked)
}

fn drawn(answer: &Value, width: usize) -> String {
    let status: StatusAnswer = answer::read(answer);
    match status.targets.as_slice() {
        [one] => table::whole(one, status.at.unwrap_or_else(Timestamp::now), width),
        _ => table::fleet(&status, width),
    }
}

/// Draws until Ctrl-C, on a screen of its own; the last picture stays.
async fn watch(functions: &Functions<'_>, request: &Value) -> Result<Exit, Problem> {
    // Heard from now on, at whatever moment it comes: the terminal must be left as it was.
    let mut ctrl_c = std::pin::pin!(tokio::signal::ctrl_c());
    let own = OwnScreen::open();
    let mut last = String::new();
    let ended = loop {
        let answer = tokio::select! {
            biased;
            _ = &mut ctrl_c => break Ok(Exit::AsAsked),
            answer = functions.read(request.clone()) => answer,
        };
        let note = match answer {
            Ok(answer) => {
                last = drawn(&answer, screen::width());
                String::new()
            }
            Err(problem) if problem.passes => format!("cannot ask now: {}", problem.text),
            Err(problem) => break Err(problem),
        };
        draw(&last, &note);
        tokio::select! {
            biased;
            _ = &mut ctrl_c => break Ok(Exit::AsAsked),
            () = tokio::time::sleep(PAUSE) => {}
        }
    };
    drop(own);
    anstream::print!("{last}");
    ended
}

fn draw(picture: &str, note: &str) {
    let rows = screen::height().unwrap_or(24).saturating_sub(2);
    let lines: Vec<&str> = picture.lines().collect();
    let shown = if lines.len() > rows { rows.saturating_sub(1) } else { lines.len() };
    let mut text = String::from("\u{1b}[H");
    for line in &lines[..shown] {
        text.push_str(line);
        text.push_str("\u{1b}[K\n");
    }
    if shown < lines.len() {
        text.push_str(&format!("… {} lines more; name targets to see fewer\u{1b}[K\n", lines.len() - shown));
    }
    text.push_str(&format!(
        "{}Ctrl-C ends{}  {note}\u{1b}[K\u{1b}[J",
        screen::FAINT.render(),
        screen::FAINT.render_reset()
    ));
    anstream::print!("{text}");
    let _ = std::io::stdout().flush();
}

/// The terminal's other screen, so that what was there before comes back.
struct OwnScreen;

impl OwnScreen {
    fn open() -> Self {
        print!("\u{1b}[?1049h\u{1b}[?25l");
        let _ = std::io::stdout().flush();
        Self
    }
}

impl Drop for OwnScreen {
    fn drop(&mut self) {
        print!("\u{1b}[?25h\u{1b}[?1049l");
        let _ = std::io::stdout().flush();
    }
}
