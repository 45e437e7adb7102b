//! The raw JSON of an answer, beside the SDK's typed one, which knows fewer members than AWS sends.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

/// Keeps the bytes of the last answer of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawAnswer(Arc<Mutex<Vec<u8>>>);

impl RawAnswer {
    /// The answer as JSON; `None` where there was none, or it wasn't JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        let bytes = self.0.lock().ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

impl Intercept for RawAnswer {
    fn name(&self) -> &'static str {
        "RawAnswer"
    }

    // The body is in memory only from here on; before deserialization it is a stream.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(bytes), Ok(mut kept)) = (context.response().body().bytes(), self.0.lock()) {
            kept.clear();
            kept.extend_from_slice(bytes);
        }
        Ok(())
    }
}
