//! AWS's own description of its services, as botocore carries it, and the check of a request or an answer against it.
//!
//! World invents nothing: what it is asked and what it answers has to fit the models that AWS publishes.

mod check;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flate2::read::GzDecoder;
use regex::Regex;
use serde::Deserialize;

pub(crate) use check::{Severity, Side};

/// The models of a botocore `data` directory, each read once per process.
#[derive(Clone, Debug)]
pub struct Models {
    directory: PathBuf,
}

impl Models {
    /// The models in this directory, which holds `ecs/2014-11-13/service-2.json` or `….json.gz`.
    ///
    /// # Panics
    /// If ECS's model is not there: without models World proves nothing, so their absence is never passed over.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        let models = Self { directory: directory.into() };
        models.service("ecs");
        models
    }

    /// The model of a service by its directory's name, `ecs`.
    ///
    /// # Panics
    /// If there is none, or if it cannot be read.
    pub(crate) fn service(&self, name: &str) -> Arc<ServiceModel> {
        static READ: OnceLock<Mutex<HashMap<PathBuf, Arc<ServiceModel>>>> = OnceLock::new();
        let directory = self.directory.join(name);
        let mut read = READ.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let model = read.entry(directory).or_insert_with_key(|directory| Arc::new(ServiceModel::read(directory)));
        Arc::clone(model)
    }
}

/// One service's operations and shapes.
#[derive(Debug, Deserialize)]
pub(crate) struct ServiceModel {
    operations: BTreeMap<String, Operation>,
    shapes: HashMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    input: Option<Reference>,
    output: Option<Reference>,
    #[serde(default)]
    errors: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) shape: String,
    pub(crate) location_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) members: BTreeMap<String, Reference>,
    #[serde(default)]
    required: Vec<String>,
    pub(crate) member: Option<Reference>,
    pub(crate) key: Option<Reference>,
    pub(crate) value: Option<Reference>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    #[serde(default)]
    document: Document,
    #[serde(skip)]
    expression: OnceLock<Regex>,
}

/// Whether a structure is a free document, in which anything goes.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct Document(bool);

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Structure,
    List,
    Map,
    String,
    Boolean,
    Integer,
    Long,
    Double,
    Float,
    Timestamp,
    Blob,
}

impl ServiceModel {
    fn read(directory: &Path) -> Self {
        let versions = std::fs::read_dir(directory).unwrap_or_else(|error| {
            panic!("World needs botocore's service models, and {} cannot be read: {error}", directory.display())
        });
        let newest = versions.filter_map(Result::ok).map(|entry| entry.path()).max();
        let newest = newest.unwrap_or_else(|| panic!("no service model in {}", directory.display()));
        let plain = newest.join("service-2.json");
        let packed = newest.join("service-2.json.gz");
        let text = if plain.exists() {
            std::fs::read_to_string(&plain).unwrap_or_else(|error| panic!("{}: {error}", plain.display()))
        } else {
            let bytes = std::fs::read(&packed).unwrap_or_else(|error| panic!("{}: {error}", packed.display()));
            let mut text = String::new();
            let unpacked = GzDecoder::new(bytes.as_slice()).read_to_string(&mut text);
            unpacked.unwrap_or_else(|error| panic!("{}: {error}", packed.display()));
            text
        };
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("the model in {}: {error}", newest.display()))
    }

    /// Whether the service has this operation.
    pub(crate) fn knows(&self, operation: &str) -> bool {
        self.operations.contains_key(operation)
    }

    /// Whether the operation may answer with this error code.
    pub(crate) fn may_refuse_with(&self, operation: &str, code: &str) -> bool {
        let errors = self.operations.get(operation).map_or(&[][..], |operation| operation.errors.as_slice());
        errors.iter().any(|error| error.shape == code)
    }

    /// The shape of an operation's request.
    pub(crate) fn input(&self, operation: &str) -> Option<&str> {
        Some(self.operations.get(operation)?.input.as_ref()?.shape.as_str())
    }

    /// A shape by its name.
    pub(crate) fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "World needs botocore's service models")]
    fn missing_models_are_a_failure() {
        Models::at("no/such/directory");
    }
}
