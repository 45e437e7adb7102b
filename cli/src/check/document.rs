//! The configuration document: the installed one or a file, its mistakes, and whether the two differ.

use slipway_aws::{Aws, Error, ErrorKind};
use slipway_core::config::{Config, Mistake, Source};
use slipway_engine::Cloud as _;

use crate::check::account::Missed;
use crate::check::finding::Findings;
use crate::check::parameters::Parameters;

/// The document that is checked.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The file, or where the stack keeps it.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// What it says, if it is right.
    pub(crate) config: Option<Config>,
}

/// Where the installed document is.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    /// Reads it.
    pub(crate) aws: &'a Aws,
    /// The stack.
    pub(crate) stack: &'a str,
    /// The stack's parameters, if they are known.
    pub(crate) parameters: Option<&'a Parameters>,
    /// Whether the stack is there.
    pub(crate) installed: bool,
}

/// Reads the document to check: the file's, if there is one, else the installed one.
pub(crate) async fn read(
    place: &Place<'_>,
    file: Option<(String, String)>,
    findings: &mut Findings,
) -> Option<Document> {
    let setting = place.parameters.map_or_else(|| format!("ssm:/{}/config", place.stack), |it| it.source(place.stack));
    let source = match Source::parse(&setting) {
        Ok(source) => source,
        Err(Mistake { text, .. }) => {
            findings.error("configuration_place", "the stack's parameters", text, "Correct the Config… parameter.");
            return None;
        }
    };
    let installed = if place.installed { Some(place.aws.configuration(&source).await) } else { None };
    let installed = match installed {
        Some(Err(error)) => {
            unread(&source, &error, file.is_some(), findings);
            None
        }
        Some(Ok(text)) => Some(text),
        None => None,
    };
    let (name, text, there) = match (file, installed) {
        (Some((name, text)), there) => (name, text, there),
        (None, Some(there)) => (source.to_string(), there, None),
        (None, None) => return None,
    };
    let config = match source.parse_document(&text) {
        Ok(config) => {
            findings.fine_in_file();
            // One with mistakes is not to be published.
            if let Some(there) = there {
                differs(&name, &source, text == there, findings);
            }
            Some(config)
        }
        Err(mistakes) => {
            for Mistake { path, text } in &mistakes.mistakes {
                mistake(&name, path, text, findings);
            }
            None
        }
    };
    Some(Document { name, text, config })
}

/// A mistake, as the document's reader says it: what is wrong, and after it what would be right.
fn mistake(name: &str, path: &str, text: &str, findings: &mut Findings) {
    let place = if path.is_empty() { name.to_owned() } else { path.to_owned() };
    let fix = format!("Correct it in {name}; until then nothing is deployed.");
    findings.error("configuration", place, text, &fix);
}

fn differs(name: &str, source: &Source, same: bool, findings: &mut Findings) {
    if same {
        return findings.fine();
    }
    let text = format!("the installed configuration differs from {name}, which is checked here");
    let fix = match source {
        Source::Parameter(parameter) => format!(
            "To publish it: aws ssm put-parameter --name {parameter} --type String --tier Intelligent-Tiering --overwrite \
             --value file://{name}"
        ),
        Source::Object { bucket, key } => format!("To publish it: aws s3 cp {name} s3://{bucket}/{key}"),
        Source::Inline(_) => "To publish it, update the stack's parameter ConfigDocument.".to_owned(),
    };
    findings.note("configuration_differs", source.to_string(), text, &fix);
}

/// The installed document cannot be read.
fn unread(source: &Source, error: &Error, has_file: bool, findings: &mut Findings) {
    let action = if error.call.starts_with("S3.") { "s3:GetObject" } else { "ssm:GetParameter" };
    let what = if has_file { "whether the installed configuration is the same" } else { "what the configuration is" };
    match error.kind {
        ErrorKind::NotFound => {
            let text = "it is not there, so nothing is deployed";
            let fix = match source {
                Source::Parameter(parameter) => format!(
                    "aws ssm put-parameter --name {parameter} --type String --tier Intelligent-Tiering --value file://slipway.yaml"
                ),
                _ => "Put the document there.".to_owned(),
            };
            findings.error("configuration_missing", source.to_string(), text, &fix);
        }
        ErrorKind::Denied => findings.unseen(&Missed::Denied { action }, what),
        _ => findings.unseen(&Missed::Unreachable { action, text: error.message.clone() }, what),
    }
}
