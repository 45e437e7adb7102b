//! Why the command cannot do what it was asked: what, where, and how to fix it.

use std::error::Error;

use serde_json::json;

use crate::exit::Exit;
use crate::options::Output;
use crate::screen::{BOLD, RED};

/// Whether AWS's code says that the caller may not call this.
pub(crate) fn is_denied(code: &str) -> bool {
    code.starts_with("AccessDenied") || code.starts_with("AuthorizationError") || code == "UnauthorizedOperation"
}

/// Whether AWS's code says that the caller's credentials are not, or no longer, valid.
pub(crate) fn needs_login(code: &str) -> bool {
    let codes = [
        "ExpiredToken",
        "UnrecognizedClient",
        "InvalidSignature",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
    ];
    codes.iter().any(|start| code.starts_with(start))
}

/// What to do then.
pub(crate) const LOGIN: &str = "Log in again with `aws login` or `aws sso login`, or give another --profile.";

/// An error of the SDK in its own words, from the outermost to its cause, each once.
pub(crate) fn words(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // The SDK's word for every error before an answer says nothing.
        if !text.is_empty() && text != "dispatch failure" && !said.iter().any(|it| it.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    said.join(": ")
}

/// Something that keeps the command from going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// How the command ends by it.
    pub(crate) exit: Exit,
    /// What is wrong, and where.
    pub(crate) text: String,
    /// What to do, a sentence each.
    pub(crate) fixes: Vec<String>,
    /// Whether the same, asked again a little later, may succeed.
    pub(crate) passes: bool,
}

impl Problem {
    /// The command was called wrongly.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into(), fixes: Vec::new(), passes: false }
    }

    /// AWS or Slipway cannot be reached, or refuses.
    pub(crate) fn unavailable(text: impl Into<String>) -> Self {
        Self { exit: Exit::Unavailable, ..Self::usage(text) }
    }

    /// A person has to fix something in the installation first.
    pub(crate) fn needs_person(text: impl Into<String>) -> Self {
        Self { exit: Exit::NeedsPerson, ..Self::usage(text) }
    }

    /// With one thing more that can be done.
    pub(crate) fn fix(mut self, text: impl Into<String>) -> Self {
        self.fixes.push(text.into());
        self
    }

    /// As one that may be gone a little later.
    pub(crate) fn that_passes(self) -> Self {
        Self { passes: true, ..self }
    }

    /// Says it: to people on the standard error, to programs as JSON on the standard output.
    pub(crate) fn print(&self, output: Output) {
        match output {
            Output::Human => {
                anstream::eprintln!("{RED}{BOLD}error:{BOLD:#}{RED:#} {}", self.text);
                for fix in &self.fixes {
                    anstream::eprintln!("  {fix}");
                }
            }
            Output::Json => {
                let error = json!({ "exit": self.exit as u8, "text": self.text, "fixes": self.fixes });
                println!("{:#}", json!({ "version": crate::ask::VERSION, "ok": false, "error": error }));
            }
        }
    }
}
