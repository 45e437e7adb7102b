//! `cargo notices`: draws every kind of notice in every format on one page, to be looked at in a browser.

use std::path::PathBuf;
use std::process::ExitCode;

use e2e::emulator::target_directory;
use e2e::notices::fixtures;
use e2e::notices::page::{self, Page};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let scenarios = fixtures::all();
    let drawn = match arguments[..] {
        [] => page::whole(&scenarios).and_then(|page| write("notices.html", page)),
        ["--only", name] => page::only(&scenarios, name).and_then(|page| write("notice.html", page)),
        _ => {
            eprintln!(
                "usage: cargo notices [--only NAME]\n\nDraws every notice on a page, target/notices.html; with --only the Slack message of \
                 one, target/notice.html. A notice's name is in the page's address: crash-rolled_back."
            );
            return ExitCode::from(2);
        }
    };
    match drawn {
        Ok((path, page)) => {
            let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
            println!("{}: {} in {}", path.display(), plural(page.notices, "notice"), plural(page.formats, "format"));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("The page could not be drawn: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write(name: &str, page: Page) -> Result<(PathBuf, Page), String> {
    let path = target_directory().join(name);
    let failed = |error| format!("writing {}: {error}", path.display());
    std::fs::write(&path, &page.html).map_err(failed)?;
    // The path is shown in its shortest form.
    Ok((path.canonicalize().map_err(failed)?, page))
}
