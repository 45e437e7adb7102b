//! The command on a terminal: a pseudo-terminal of the kernel, and the screen that a person would see.

use std::ffi::OsStr;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use pty_process::{Command, Pty, Size};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::time::timeout;
use vt100::{Parser, Screen};

use crate::harness::Fleet;

/// So long a screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal in which the command runs.
pub(crate) struct Terminal {
    pty: Pty,
    child: Child,
    parser: Parser,
}

impl Terminal {
    /// Runs the command with these words on a terminal of so many rows and columns.
    pub(crate) fn of(fleet: &Fleet, words: &[&str], size: (u16, u16)) -> Self {
        Self::with(fleet, words, size, &[])
    }

    /// The same, with more of an environment.
    pub(crate) fn with(
        fleet: &Fleet,
        words: &[&str],
        (rows, columns): (u16, u16),
        environment: &[(&str, &str)],
    ) -> Self {
        let mut all: Vec<(&str, String)> = fleet.environment();
        all.extend(environment.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self::in_folder(fleet.home(), words, (rows, columns), all)
    }

    /// In this folder, with this environment.
    pub(crate) fn in_folder<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        folder: &Path,
        words: &[&str],
        (rows, columns): (u16, u16),
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let (pty, terminal) = pty_process::open().expect("a pseudo-terminal");
        pty.resize(Size::new(rows, columns)).expect("it has a size");
        let child = Command::new(env!("CARGO_BIN_EXE_slipway"))
            .args(words)
            .current_dir(folder)
            .env_clear()
            .env("TERM", "xterm-256color")
            .envs(environment)
            .kill_on_drop(true)
            .spawn(terminal)
            .expect("the command starts");
        Self { pty, child, parser: Parser::new(cells(rows), cells(columns), 0) }
    }

    /// Waits until the screen shows this.
    pub(crate) async fn until(&mut self, shown: &str) -> &Screen {
        let seen = timeout(PATIENCE, async {
            while !self.shown().contains(shown) {
                if !self.read().await {
                    break;
                }
            }
        });
        let seen = seen.await;
        assert!(seen.is_ok() && self.shown().contains(shown), "{shown} is not on the screen:\n{}", self.shown());
        self.screen()
    }

    /// Waits until the screen shows this no more.
    pub(crate) async fn until_gone(&mut self, shown: &str) -> &Screen {
        let gone = timeout(PATIENCE, async { while self.shown().contains(shown) && self.read().await {} }).await;
        assert!(gone.is_ok() && !self.shown().contains(shown), "{shown} is still on the screen:\n{}", self.shown());
        self.screen()
    }

    /// Types this.
    pub(crate) async fn types(&mut self, text: &str) {
        self.pty.write_all(text.as_bytes()).await.expect("the terminal takes it");
    }

    /// Gives the window another size.
    pub(crate) fn resize(&mut self, (rows, columns): (u16, u16)) {
        self.pty.resize(Size::new(rows, columns)).expect("it takes the size");
        self.parser.set_size(cells(rows), cells(columns));
    }

    /// Waits until the command has ended; its exit code. What it printed last is on the screen.
    pub(crate) async fn ended(&mut self) -> i32 {
        let ended = timeout(PATIENCE, async {
            while self.read().await {}
            self.child.wait().await
        });
        let status = ended.await.unwrap_or_else(|_| panic!("it does not end:\n{}", self.shown()));
        status.expect("a status").code().expect("an exit code")
    }

    /// Whether something on the screen has a colour or is bold.
    pub(crate) fn has_style(&self) -> bool {
        let (rows, columns) = self.screen().size();
        let mut cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        cells.any(|(row, column)| {
            self.screen().cell(row, column).is_some_and(|it| it.bold() || it.fgcolor() != vt100::Color::Default)
        })
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// The text on the screen.
    pub(crate) fn shown(&self) -> String {
        self.screen().contents()
    }

    /// Reads on; whether there was something to read.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        // A terminal whose last process has gone answers with an error on Linux.
        let count = self.pty.read(&mut bytes).await.unwrap_or(0);
        self.parser.process(&bytes[..count]);
        count > 0
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has rows and columns")
}
